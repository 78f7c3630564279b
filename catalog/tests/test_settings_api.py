"""`/v1/settings`: languages of the catalogue."""

import pytest

from accounts.models import AuditEntry
from catalog.models import Product
from catalog.tasks import resume_jobs
from catalog.translation.products import languages_of

DRESS = {"name": "Red Summer Dress", "category": "dresses"}
GERMAN = {"name": "Rotes Sommerkleid", "category": "Kleider"}


def choose(owner, **chosen):
    response = owner.client.patch("/v1/settings", {"multilingual": chosen})
    assert response.status_code == 200, response.content
    resume_jobs()
    return response.json()["multilingual"]


def translations(owner, product_id="a"):
    return owner.client.get(f"/v1/products/{product_id}").json()["translations"]


def test_a_shop_has_no_languages_until_it_chooses_some(owner, index):
    index(DRESS, a=(255, 0, 0))
    chosen = owner.client.get("/v1/settings").json()["multilingual"]
    assert (chosen["enabled"], chosen["languages"], chosen["job_id"]) == (False, [], None)
    assert {"en", "de", "fr", "es", "it", "nl", "pt", "pl"} == set(chosen["available"])
    assert translations(owner) == {}


def test_products_are_translated_as_they_are_indexed_and_sent_again(owner, index):
    choose(owner, enabled=True, languages=["de"])
    index(DRESS, a=(255, 0, 0))
    assert translations(owner) == {"de": GERMAN}
    [hit] = owner.client.post("/v1/search/text", {"query": "red", "limit": 1}).json()["results"]
    assert hit["translations"] == {"de": GERMAN}


def test_a_change_brings_the_catalogue_up_to_date(owner, index):
    index(DRESS, a=(255, 0, 0))
    job_id = choose(owner, enabled=True, languages=["de", "fr", "de"])["job_id"]
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["type"], job["status"], job["succeeded"]) == ("translate", "completed", 1)
    assert translations(owner) == {"de": GERMAN, "fr": {"name": "Robe rouge d'été", "category": "robes"}}
    choose(owner, languages=["fr"])
    assert translations(owner).keys() == {"fr"}
    assert choose(owner, enabled=False)["languages"] == ["fr"]
    assert Product.objects.get().translations == {}


def test_what_stays_the_same_starts_nothing(owner, index):
    first = choose(owner, enabled=True, languages=["de"])
    assert choose(owner, enabled=True, languages=["de"]) == first
    assert AuditEntry.objects.filter(action="settings.multilingual_changed").count() == 1


def test_the_change_is_written_down(owner):
    choose(owner, enabled=True, languages=["de"])
    entry = AuditEntry.objects.get(action="settings.multilingual_changed")
    assert (entry.actor, entry.before, entry.after) == (
        "owner",
        {"enabled": False, "languages": []},
        {"enabled": True, "languages": ["de"]},
    )


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"multilingual": {"languages": ["xx"]}}, "multilingual.languages.0"),
        ({"multilingual": {"on": True}}, "multilingual.on"),
        ({"languages": ["de"]}, "languages"),
        ({"multilingual": {"enabled": "perhaps"}}, "multilingual.enabled"),
    ],
)
def test_what_there_is_not_is_named(owner, body, field):
    response = owner.client.patch("/v1/settings", body)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]


@pytest.mark.parametrize("chosen", [{"enabled": True, "languages": []}, {"enabled": True}])
def test_a_catalogue_is_not_translated_to_no_language(owner, chosen):
    response = owner.client.patch("/v1/settings", {"multilingual": chosen})
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert (error["field"], error["message"]) == ("multilingual.languages", "Name the languages to translate to.")
    assert owner.client.get("/v1/settings").json()["multilingual"]["job_id"] is None


def test_a_reader_and_a_stranger_change_nothing(owner, reader, stranger):
    assert reader.client.get("/v1/settings").status_code == 403
    assert reader.client.patch("/v1/settings", {"multilingual": {"enabled": True}}).status_code == 403
    choose(stranger, enabled=True, languages=["de"])
    assert owner.client.get("/v1/settings").json()["multilingual"]["enabled"] is False


def test_languages_cost_an_indexing_no_query(owner, index, django_assert_num_queries):
    choose(owner, enabled=True, languages=["de"])
    owner.tenant.refresh_from_db()
    assert languages_of(owner.tenant) == ("de",)
    with django_assert_num_queries(0):
        assert languages_of(owner.tenant) == ("de",)
