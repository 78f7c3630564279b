"""What README.md and docs say of addresses, requests, limits and files is so."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from uuid import UUID

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

from accounts.webhooks.events import EventType
from accounts.webhooks.samples import NODE, PYTHON
from analytics.serializers import MAX_DAYS
from catalog import facets, field_changes, filter_dialects
from catalog.custom_fields_api import MAX_ENUM_VALUES
from catalog.pictures import fetch
from catalog.vision import decode, regions
from merchandising import banners, models, synonyms
from search import api, inputs, modes, objects_api, preview_api, retrieval, saved
from search.chat import openai_api
from search.models import ChatThread
from search.objects_api import ObjectsInput
from search.voice import api as voice_api
from search.voice import recordings

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/search.md").read_text()
CATALOGUE = (ROOT / "docs/catalogue.md").read_text()
WEBHOOKS = (ROOT / "docs/webhooks.md").read_text()
DOCUMENTS = {path.relative_to(ROOT): path.read_text() for path in (ROOT / "README.md", *ROOT.glob("docs/**/*.md"))}

ADDRESS = re.compile(r"(?:\b(GET|POST|PUT|PATCH|DELETE) )?(?:\$URL)?(?<!…)(/v1/[^\s`\"'<>|()]*[\w}…])")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
EXAMPLE = re.compile(r"^    (POST|PUT|PATCH) (/v1/\S+)\n((?:    .+\n)+)", re.MULTILINE)
ANY_IDS = ("x-1", str(UUID(int=1)))

# Requests that would fetch a picture from the web.
SERIALIZERS = {"/v1/search/objects": ObjectsInput}

LIMITS = {
    "`limit` of a search": inputs.MAX_LIMIT,
    "`offset` of a search": inputs.MAX_OFFSET,
    "characters of a `query`": inputs.MAX_TEXT_LENGTH,
    "bytes of an uploaded picture": inputs.MAX_UPLOAD_BYTES,
    "bytes of a picture from an address": fetch.MAX_BYTES,
    "pixels of a picture": decode.MAX_PIXELS,
    "bytes of a request": settings.MAX_BODY_BYTES,
    "pictures of a search, those in `positive` and `negative` counted": modes.MAX_PICTURES,
    "examples in `positive`, and in `negative`": inputs.MAX_EXAMPLES,
    "pictures of all queries of a batch": api.MAX_PICTURES,
    "queries of a batch": api.MAX_QUERIES,
    "conditions of all filters, each value of a list counted": filter_dialects.MAX_CONDITIONS,
    "filters in one another": filter_dialects.MAX_DEPTH,
    "characters of a filter's text": filter_dialects.MAX_TEXT_LENGTH,
    "`facets` of a search": inputs.MAX_FACETS,
    "values of a facet": facets.MAX_VALUES,
    "products put into an order by ranking": retrieval.POOL,
    "the same with `negative`": retrieval.POOL_TO_KEEP_OFF,
    "things in a picture (`max_regions`)": regions.MAX_REGIONS,
    "results for each of them": objects_api.LONGEST_ROW,
    "seconds of a recording": recordings.MAX_SECONDS,
    "bytes of a recording": voice_api.MAX_AUDIO_BYTES,
    "messages that a conversation keeps": ChatThread.MAX_TURNS,
    "conversations": ChatThread.LIMIT,
    "messages sent by OpenAI's protocol": openai_api.MAX_MESSAGES,
    "custom fields": field_changes.MAX_FIELDS,
    "values of an enum": MAX_ENUM_VALUES,
    "saved searches": saved.MAX_SAVED,
    "merchandising rules": models.MerchandisingRule.LIMIT,
    "products of a rule": models.MAX_PRODUCT_IDS,
    "rules of a preview": preview_api.MAX_RULES,
    "`boost_multiplier`": models.MAX_BOOST,
    "banners": models.PromoBanner.LIMIT,
    "banners of an answer": banners.MAX_BANNERS,
    "sets of synonyms": models.SynonymSet.LIMIT,
    "words of a set": models.MAX_WORDS,
    "variants of a text by synonyms": synonyms.MAX_VARIANTS,
    "days of reports": MAX_DAYS,
}


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_every_address_exists_and_takes_its_method(name):
    wrong = [
        f"{method} {address}" for method, address in ADDRESS.findall(DOCUMENTS[name]) if not is_served(method, address)
    ]
    assert wrong == []


@pytest.mark.parametrize("name", DOCUMENTS, ids=str)
def test_every_link_leads_to_a_file(name):
    folder = (ROOT / name).parent
    assert [target for target in LINK.findall(DOCUMENTS[name]) if not (folder / target).exists()] == []


def test_the_guide_names_every_way_to_search():
    assert [name for name in modes.MODES if f"`POST /v1/search/{name}`" not in GUIDE] == []


def test_every_example_of_the_guide_is_accepted(owner, index):
    index(**{"shoe-001": (20, 40, 220)})
    examples = [(method, address, json.loads(body)) for method, address, body in EXAMPLE.findall(GUIDE)]
    assert len(examples) > 20
    for method, address, body in examples:
        mode = address.removeprefix("/v1/search/")
        owner.tenant.refresh_from_db()
        if mode in modes.MODES:
            modes.parse_mode(owner.tenant, mode, body)
        elif address in SERIALIZERS:
            SERIALIZERS[address](data=body).is_valid(raise_exception=True)
        else:
            response = owner.client.generic(method, address, json.dumps(body), content_type="application/json")
            assert response.status_code < 300, (address, response.content)
            assert all(result.get("status", 200) == 200 for result in response.json().get("results", ())), address


def test_every_example_of_the_catalogue_is_accepted(owner, index):
    index(**{"shoe-001": (20, 40, 220), "shoe-002": (20, 40, 221)})
    group = owner.tenant.duplicate_groups.create(similarity=0.97, members_digest="0" * 64)
    for product in owner.tenant.products.all():
        group.members.create(tenant=owner.tenant, product=product, similarity=0.97)
    examples = EXAMPLE.findall(CATALOGUE)
    assert len(examples) == 3
    for method, address, body in examples:
        path = address.replace("{group_id}", group.group_id)
        response = owner.client.generic(method, path, body, content_type="application/json")
        assert response.status_code < 300, (address, response.content)


def test_the_guide_of_webhooks_names_every_event_and_shows_the_samples_that_are_tested():
    assert [event for event in EventType if f"`{event}`" not in WEBHOOKS] == []
    assert [code for code in (PYTHON, NODE) if indent(code, "    ").rstrip() not in WEBHOOKS] == []


@pytest.mark.parametrize("what", LIMITS)
def test_limits_are_those_of_the_code(what):
    assert f"| {what} | {LIMITS[what]:,} |" in GUIDE


def is_served(method: str, address: str) -> bool:
    return any(not method or hasattr(view, method.lower()) for view in views_of(address))


def views_of(address: str) -> Iterator[type]:
    path = address.partition("?")[0]
    for any_id in ANY_IDS:
        try:
            yield resolve(re.sub(r"\{\w+\}|[\w-]*…", any_id, path)).func.cls
        except Resolver404:
            continue
