"""Translators that an operator sets: asked in batches, later, and never trusted with more than texts."""

import json

import pytest
from django.db import connection

from accounts.endpoints import EndpointError
from catalog.models import Product
from catalog.tasks import resume_jobs, translate_changed_products
from catalog.translation import products, steps
from catalog.translation.translators import ChatTranslator, LibreTranslator, translator


class Clock:
    """Tells of a later moment each time it is asked."""

    def __init__(self, *, takes):
        self.takes, self.at = takes, 0.0

    def monotonic(self):
        self.at += self.takes
        return self.at


@pytest.fixture
def libre(endpoint, settings):
    settings.TRANSLATOR_URL, settings.TRANSLATOR_KEY = endpoint.url.removesuffix("/v1"), "secret"
    return endpoint


@pytest.fixture
def multilingual(owner):
    owner.client.patch("/v1/settings", {"multilingual": {"enabled": True, "languages": ["de"]}})


@pytest.mark.parametrize(
    ("url", "kind", "expected"),
    [
        ("http://translator.example", "", LibreTranslator),
        ("http://translator.example/v1", "", ChatTranslator),
        ("http://translator.example/v1/", "libretranslate", LibreTranslator),
        ("http://translator.example", "openai", ChatTranslator),
    ],
)
def test_the_address_tells_the_protocol_unless_it_is_named(settings, url, kind, expected):
    settings.TRANSLATOR_URL, settings.TRANSLATOR_KIND = url, kind
    assert isinstance(translator(), expected)


def test_libretranslate_is_asked_by_its_protocol(libre):
    libre.body = json.dumps({"translatedText": ["Kleid", ""]}).encode()
    assert translator().translate(["dress", "?"], "en", "de") == ["Kleid", None]
    path, _, body = libre.asked[0]
    assert path == "/translate"
    assert body == {"q": ["dress", "?"], "source": "en", "target": "de", "format": "text", "api_key": "secret"}


def test_a_language_model_is_asked_by_its_protocol(endpoint):
    endpoint.content = json.dumps({"translations": ["Kleid"]})
    assert ChatTranslator(endpoint.url, "secret", "small").translate(["dress"], "auto", "de") == ["Kleid"]
    path, credentials, body = endpoint.asked[0]
    assert (path, credentials, body["model"]) == ("/v1/chat/completions", "Bearer secret", "small")
    assert body["messages"][1] == {"role": "user", "content": '["dress"]'}


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b"[]", b'{"translatedText": ["one"]}', b'{"translatedText": [1, {}]}', b'{"translatedText": "one"}'],
)
def test_an_answer_in_another_form_is_an_error(libre, body):
    libre.body = body
    with pytest.raises(EndpointError):
        translator().translate(["a", "b"], "en", "de")


def test_a_product_is_translated_by_a_task_when_asking_takes_time(libre, owner, multilingual, index):
    libre.body = json.dumps({"translatedText": ["Rotes Ding"]}).encode()
    index(red=(255, 0, 0))
    assert libre.asked == []
    translate_changed_products()
    assert owner.client.get("/v1/products/red").json()["translations"] == {"de": {"name": "Rotes Ding"}}
    translate_changed_products()
    assert len(libre.asked) == 1


def test_a_translator_that_fails_holds_up_no_product_and_is_asked_again(libre, owner, multilingual, index):
    libre.status = 500
    index(red=(255, 0, 0))
    translate_changed_products()
    assert Product.objects.get().status == Product.Status.INDEXED
    assert owner.client.get("/v1/products/red").json()["translations"] == {}
    libre.status, libre.body = 200, json.dumps({"translatedText": ["Rot"]}).encode()
    translate_changed_products()
    assert owner.client.get("/v1/products/red").json()["translations"] == {"de": {"name": "Rot"}}


def test_a_translation_of_a_former_name_is_not_shown(libre, owner, multilingual, index):
    libre.body = json.dumps({"translatedText": ["Rot"]}).encode()
    index(red=(255, 0, 0))
    translate_changed_products()
    owner.client.patch("/v1/products/red", {"metadata": {"name": "Blue"}})
    assert owner.client.get("/v1/products/red").json()["translations"] == {}
    libre.body = json.dumps({"translatedText": ["Blau"]}).encode()
    translate_changed_products()
    assert owner.client.get("/v1/products/red").json()["translations"] == {"de": {"name": "Blau"}}
    owner.client.patch("/v1/products/red", {"metadata": {"price": 5}})
    assert owner.client.get("/v1/products/red").json()["translations"] == {"de": {"name": "Blau"}}


def test_a_job_tries_again_when_the_translator_does_not_answer(libre, owner, index):
    index(red=(255, 0, 0))
    libre.status = 503
    answer = owner.client.patch("/v1/settings", {"multilingual": {"enabled": True, "languages": ["de"]}}).json()
    resume_jobs()
    job = owner.client.get(f"/v1/jobs/{answer['multilingual']['job_id']}").json()
    assert (job["status"], job["waiting"], job["failed"]) == ("processing", 1, 0)


def test_what_is_not_said_in_time_is_said_in_the_next_round_and_nothing_twice(libre, owner, index, monkeypatch):
    index({"name": "a dress"}, red=(255, 0, 0))
    languages = ["de", "fr", "es"]
    owner.client.patch("/v1/settings", {"multilingual": {"enabled": True, "languages": languages}})
    libre.body = json.dumps({"translatedText": ["said"]}).encode()
    clock = Clock(takes=steps.SECONDS / 4)
    monkeypatch.setattr(products, "time", clock)
    monkeypatch.setattr(steps, "time", clock)
    translate_changed_products()
    assert [body["target"] for _, _, body in libre.asked] == languages[:2]
    assert owner.client.get("/v1/products/red").json()["translations"] == {}
    translate_changed_products()
    assert [body["target"] for _, _, body in libre.asked] == languages
    translations = owner.client.get("/v1/products/red").json()["translations"]
    assert translations == {language: {"name": "said"} for language in languages}


def test_a_shop_whose_texts_are_refused_holds_up_no_other(libre, owner, stranger, index, monkeypatch):
    for shop in (owner, stranger):
        shop.client.patch("/v1/settings", {"multilingual": {"enabled": True, "languages": ["de"]}})
        Product.objects.create(
            tenant=shop.tenant, product_id="a", name=shop.tenant.name, image_urls=[], status="indexed"
        )
    said = iter([EndpointError("It answered with status 400."), ["gut"]])

    def answer(self, texts, *args, **options):
        one = next(said)
        if isinstance(one, EndpointError):
            raise one
        return one

    monkeypatch.setattr(LibreTranslator, "translate", answer)
    translate_changed_products()
    translated = [one.translations for one in Product.objects.all() if one.translations.get("de")]
    assert [one["de"] for one in translated] == [{"name": "gut"}]


def test_products_to_translate_are_found_by_an_index(owner):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("SET LOCAL enable_bitmapscan = off")
    plan = products.stale_products(owner.tenant, 50).explain()
    assert "Index Only Scan using product_untranslated" in plan
