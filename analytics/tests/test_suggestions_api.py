from datetime import timedelta

import pytest
from django.core.cache import cache
from django.utils import timezone

from analytics import suggestions as suggestions_module
from analytics import vocabulary as vocabulary_module
from analytics.tasks import read_vocabulary
from analytics.tests.searches import search
from catalog.models import Product


@pytest.fixture(autouse=True)
def _nothing_remembered(settings):
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}


def add_product(tenant, product_id, name, **fields):
    Product.objects.create(
        tenant=tenant, product_id=product_id, image_urls=[], name=name, status=Product.Status.INDEXED, **fields
    )


def suggestions(character, **params):
    return character.client.get("/v1/search/suggestions", params).json()["suggestions"]


def completions(character, q, **params):
    response = character.client.get("/v1/search/autocomplete", {"q": q, **params})
    assert response.status_code == 200
    assert response.json()["query"] == q.strip()
    return response.json()["suggestions"]


def test_suggestions_are_grouped_without_case_and_spelt_as_most_do(owner, stranger):
    for text in ("Red Dress", "red dress ", "Red Dress", "RED DRESS", "blue shoe", "blue shoe"):
        search(owner.tenant, text)
    search(stranger.tenant, "green hat")
    search(stranger.tenant, "green hat")
    assert suggestions(owner) == [{"query": "Red Dress", "count": 4}, {"query": "blue shoe", "count": 2}]
    assert suggestions(owner, limit=1) == [{"query": "Red Dress", "count": 4}]


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("found nothing", {"results": 0}),
        ("of one visit", {"session_id": "visit-42"}),
        ("of one shopper", {"user_id": "carol"}),
        ("beside a picture", {"mode": "hybrid"}),
        ("long ago", {"created_at": timezone.now() - timedelta(days=31)}),
        ("alice@example.com", {}),
        ("call +49 170 123-4567", {}),
        ("order 20261128001", {}),
        (" ", {}),
    ],
)
def test_what_tells_of_a_shopper_or_leads_nowhere_is_not_suggested(owner, text, fields):
    search(owner.tenant, text, **fields)
    search(owner.tenant, text, **fields)
    assert suggestions(owner) == []


def test_sizes_and_models_are_no_telephone_numbers(owner):
    search(owner.tenant, "levi 501 32/34", session_id="a")
    search(owner.tenant, "levi 501 32/34", session_id="b")
    assert suggestions(owner) == [{"query": "levi 501 32/34", "count": 2}]


@pytest.mark.parametrize(
    ("first", "second", "count"),
    [
        ({"session_id": "monday", "user_id": "carol"}, {"session_id": "tuesday", "user_id": "carol"}, None),
        ({"session_id": "monday"}, {"session_id": "monday", "user_id": "carol"}, None),
        ({"session_id": "monday", "user_id": "bob"}, {"session_id": "tuesday", "user_id": "carol"}, 2),
        ({"session_id": "monday"}, {"user_id": "carol"}, 2),
    ],
)
def test_one_shopper_is_not_taken_for_several(owner, first, second, count):
    search(owner.tenant, "red dress", **first)
    search(owner.tenant, "red dress", **second)
    assert suggestions(owner) == ([{"query": "red dress", "count": count}] if count else [])


def test_what_was_asked_once_is_not_suggested(owner):
    search(owner.tenant, "red dress")
    assert suggestions(owner) == []


def test_typing_finds_queries_categories_brands_and_products(owner, stranger):
    search(owner.tenant, "sneakers white")
    search(owner.tenant, "sneakers white")
    add_product(owner.tenant, "a", "Blue Sneaker", category="Sneakers", brand="Sneakmaster")
    add_product(owner.tenant, "b", "Red Sneaker", category="Sneakers", popularity=0.5)
    add_product(stranger.tenant, "c", "Green Sneaker")
    assert completions(owner, "snea") == [
        {"text": "sneakers white", "kind": "query", "count": 2},
        {"text": "Sneakers", "kind": "category", "count": 2},
        {"text": "Sneakmaster", "kind": "brand", "count": 1},
        {"text": "Red Sneaker", "kind": "product", "product_id": "b"},
        {"text": "Blue Sneaker", "kind": "product", "product_id": "a"},
    ]


@pytest.mark.parametrize("typed", ["crè", "CREME B", "brul creme", "  Brûlée, "])
def test_words_are_completed_whatever_their_accents_case_and_order(owner, typed):
    add_product(owner.tenant, "a", "Crème brûlée")
    assert completions(owner, typed) == [{"text": "Crème brûlée", "kind": "product", "product_id": "a"}]


@pytest.mark.parametrize("typed", ["rème", "creme b x", "", "  ", "!?"])
def test_what_starts_no_word_completes_to_nothing(owner, typed):
    add_product(owner.tenant, "a", "Crème brûlée")
    assert completions(owner, typed) == []


def test_variants_of_a_name_and_products_that_cannot_be_found_are_not_shown_twice_or_at_all(owner):
    add_product(owner.tenant, "small", "Shirt", popularity=0.1)
    add_product(owner.tenant, "large", "Shirt", popularity=0.9)
    add_product(owner.tenant, "broken", "Shirt of ours")
    Product.objects.filter(product_id="broken").update(status=Product.Status.FAILED)
    assert completions(owner, "shirt") == [{"text": "Shirt", "kind": "product", "product_id": "large"}]


def test_no_kind_hides_the_others_and_free_places_are_filled(owner):
    for number in range(6):
        for _ in range(2):
            search(owner.tenant, f"shirt {number}")
    add_product(owner.tenant, "a", "Shirt")
    kinds = [completion["kind"] for completion in completions(owner, "shi")]
    assert kinds == ["query"] * 4 + ["product"] + ["query"] * 2
    assert [completion["kind"] for completion in completions(owner, "shi", limit=5)] == ["query"] * 4 + ["product"]


@pytest.mark.parametrize("path", ["suggestions", "autocomplete?q=a", "feedback/popular"])
def test_whoever_may_not_search_is_told_nothing(reader, path):
    response = reader.client.get(f"/v1/search/{path}")
    assert (response.status_code, response.json()["error"]) == (403, "missing_permission")


@pytest.mark.parametrize("params", [{}, {"q": "a" * 101}, {"q": "a", "limit": 21}, {"q": "\0"}])
def test_autocomplete_has_bounds(owner, params):
    assert owner.client.get("/v1/search/autocomplete", params).status_code == 422


@pytest.fixture
def remembered(settings):
    """A memory of its own for this test."""
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "LOCATION": "mine"}}
    yield
    cache.clear()


def test_a_further_key_costs_no_query_but_that_of_the_credentials(owner, remembered, django_assert_num_queries):
    add_product(owner.tenant, "a", "Blue Sneaker")
    completions(owner, "s")
    with django_assert_num_queries(1):
        assert completions(owner, "sn") == [{"text": "Blue Sneaker", "kind": "product", "product_id": "a"}]


def test_what_has_grown_old_is_shown_while_it_is_read_anew(owner, remembered, monkeypatch):
    assert completions(owner, "shirt") == []
    add_product(owner.tenant, "a", "Shirt")
    assert completions(owner, "shirt") == []
    monkeypatch.setattr(suggestions_module, "FRESH_FOR", timedelta())
    assert completions(owner, "shirt") == []
    assert completions(owner, "shirt") == [{"text": "Shirt", "kind": "product", "product_id": "a"}]


def test_what_is_forgotten_is_not_suggested_from_memory(owner, remembered):
    search(owner.tenant, "red dress")
    search(owner.tenant, "red dress")
    assert suggestions(owner) == [{"query": "red dress", "count": 2}]
    owner.client.delete("/v1/search/history")
    assert suggestions(owner) == []


def test_what_a_worker_was_reading_while_it_was_forgotten_is_not_suggested(owner, remembered, monkeypatch):
    search(owner.tenant, "red dress")
    search(owner.tenant, "red dress")
    read = vocabulary_module._catalogue_entries

    def read_while_words_are_forgotten(tenant_pk):
        owner.client.delete("/v1/search/history")
        return read(tenant_pk)

    with monkeypatch.context() as patched:
        patched.setattr(vocabulary_module, "_catalogue_entries", read_while_words_are_forgotten)
        read_vocabulary(owner.tenant.pk)
    assert suggestions(owner) == []


def test_without_redis_suggestions_are_read_each_time(owner, settings, caplog):
    unreachable = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    settings.CACHES = {"default": unreachable}
    add_product(owner.tenant, "a", "Shirt")
    assert completions(owner, "shirt") == [{"text": "Shirt", "kind": "product", "product_id": "a"}]
    assert [record.message for record in caplog.records if record.name.startswith("analytics")] == [
        "vocabulary cannot be recalled",
        "vocabulary is not remembered",
    ]
