import json

import pytest

from accounts.revisions import bump_revision
from catalog.facets import MAX_VALUES
from catalog.models import Product


@pytest.fixture
def shop(owner):
    """Four products that can be found, and one that failed."""
    owner.tenant.custom_fields.create(key="materials", display_name="Materials", type="string[]", facet=True)
    owner.tenant.custom_fields.create(key="weight", display_name="Weight", type="number", facet=True)
    owner.tenant.custom_fields.create(key="released", display_name="Released", type="date", facet=True)
    owner.tenant.custom_fields.create(key="vegan", display_name="Vegan", type="boolean", facet=True)
    owner.tenant.custom_fields.create(key="season", display_name="Season", type="string")
    bump_revision(owner.tenant)
    facts = [
        {"brand": "Kestrel", "price": 10, "materials": ["wool", "silk", "wool"], "weight": 2.5, "vegan": False},
        {"brand": "KESTREL", "price": 30.5, "materials": "wool", "weight": "heavy", "released": "2026-03-01T10:00:00Z"},
        {"brand": "Kestrel", "price": 20, "materials": [], "weight": 10**400, "released": "2026-01-31", "vegan": True},
        {"brand": "Acme", "materials": [3, "silk"], "weight": -1, "released": "soon", "vegan": "yes"},
        {"brand": "Never", "price": 999},
    ]
    Product.objects.bulk_create(
        Product(
            tenant=owner.tenant,
            product_id=f"p{number}",
            image_urls=[""],
            status="failed" if number == 4 else "indexed",
            metadata=each,
            brand=each["brand"],
            price=each.get("price"),
            colors=["red", "white"] if number % 2 else ["red"],
            category="shoes" if number < 2 else "bags",
        )
        for number, each in enumerate(facts)
    )
    return owner


def facets(character, **parameters):
    response = character.client.get("/v1/products/facets", parameters)
    assert response.status_code == 200, response.content
    return response.json()["facets"]


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        ("brand", [{"value": "Kestrel", "count": 3}, {"value": "Acme", "count": 1}]),
        ("color", [{"value": "red", "count": 4}, {"value": "white", "count": 2}]),
        ("price", {"min": 10.0, "max": 30.5}),
        ("in_stock", [{"value": True, "count": 4}]),
        ("materials", [{"value": "silk", "count": 2}, {"value": "wool", "count": 2}]),
        ("weight", {"min": -1, "max": 2.5}),
        ("released", {"min": "2026-01-31", "max": "2026-03-01"}),
        ("vegan", [{"value": False, "count": 1}, {"value": True, "count": 1}]),
        ("tags", []),
        ("quality", {"min": None, "max": None}),
    ],
)
def test_products_are_counted_by_each_field(shop, name, counted):
    assert facets(shop, facets=name) == {name: counted}


def test_without_names_all_fields_are_counted_in_one_query(shop, django_assert_num_queries):
    bump_revision(shop.tenant)
    facets(shop)
    with django_assert_num_queries(2):  # who calls, and the counts
        counted = facets(shop)
    assert list(counted) == [
        *("category", "brand", "price", "currency", "tags", "in_stock", "color", "product_type", "quality"),
        *("materials", "released", "vegan", "weight"),
    ]


def test_only_products_that_pass_the_filters_are_counted(shop):
    wanted = json.dumps({"materials": "silk", "price": {"lt": 20}})
    assert facets(shop, facets="brand,price", filters=wanted) == {
        "brand": [{"value": "Kestrel", "count": 1}],
        "price": {"min": 10.0, "max": 10.0},
    }
    assert facets(shop, facets="brand", category="BAGS", color="white") == {"brand": [{"value": "Acme", "count": 1}]}


def test_the_most_frequent_values_are_shown(owner):
    Product.objects.bulk_create(
        Product(tenant=owner.tenant, product_id=f"p{n}-{m}", image_urls=[""], status="indexed", brand=f"brand {n:02}")
        for n in range(MAX_VALUES + 2)
        for m in range(2 if n >= 50 else 1)
    )
    brands = facets(owner, facets="brand")["brand"]
    assert len(brands) == MAX_VALUES
    assert brands[:3] == [
        {"value": "brand 50", "count": 2},
        {"value": "brand 51", "count": 2},
        {"value": "brand 00", "count": 1},
    ]


def test_a_stranger_counts_their_own(shop, stranger):
    assert facets(stranger, facets="brand,price") == {"brand": [], "price": {"min": None, "max": None}}


@pytest.mark.parametrize(
    ("parameters", "error", "field"),
    [
        ({"facets": "season"}, "unknown_facet_field", "facets"),
        ({"facets": "brand,name"}, "unknown_facet_field", "facets"),
        ({"filters": '{"saeson": "SS26"}'}, "unknown_filter_field", "filters.saeson"),
        ({"filters": "{"}, "validation_failed", "filters"),
        ({"price_min": "NaN"}, "validation_failed", "price_min"),
        ({"category": "a\0"}, "validation_failed", "category"),
    ],
)
def test_what_cannot_be_counted_is_named(shop, parameters, error, field):
    response = shop.client.get("/v1/products/facets", parameters)
    body = response.json()
    assert (response.status_code, body["error"]) == (422, error)
    assert [each["field"] for each in body["errors"]] == [field]


def test_the_reader_may_count(shop, reader):
    assert facets(reader, facets="brand")["brand"][0] == {"value": "Kestrel", "count": 3}
