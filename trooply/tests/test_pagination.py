from base64 import b64encode

import pytest
from django.utils import timezone

from catalog.models import Product

MESSAGE = "This cursor does not belong to this list; start again without it."


def cursor(position):
    return b64encode(f"p={position}".encode()).decode()


def create_products(tenant, count):
    products = Product.objects.bulk_create(
        Product(tenant=tenant, product_id=f"shoe-{number:04}", name="Shoe", image_urls=[]) for number in range(count)
    )
    Product.objects.update(created_at=timezone.now())
    return {product.product_id for product in products}


def assert_is_refused(response):
    assert (response.status_code, response.json()["error"]) == (400, "invalid_parameter")
    assert response.json()["message"] == MESSAGE


@pytest.mark.parametrize(
    ("sort", "sent"),
    [
        ("created_at", cursor("abc")),
        ("created_at", cursor("2026-13-45")),
        ("name", cursor("%00")),
        ("name", "é"),
        ("name", "abc"),
        ("name", b64encode(b"o=many").decode()),
    ],
)
def test_a_cursor_that_was_not_given_is_refused(owner, sort, sent):
    assert_is_refused(owner.client.get("/v1/products", {"sort": sort, "cursor": sent}))


def test_a_cursor_of_another_order_is_refused(owner):
    create_products(owner.tenant, 3)
    by_id = owner.client.get("/v1/products", {"sort": "product_id", "limit": 1}).json()
    assert_is_refused(owner.client.get("/v1/products", {"sort": "created_at", "cursor": by_id["next_cursor"]}))


@pytest.mark.parametrize("sort", ["-created_at", "name"])
def test_many_products_that_sort_alike_are_each_listed_once(owner, sort):
    expected = create_products(owner.tenant, 1_201)
    listed, query = [], {"sort": sort, "limit": 100}
    for _ in range(13):
        page = owner.client.get("/v1/products", query).json()
        listed += [product["product_id"] for product in page["data"]]
        query["cursor"] = page["next_cursor"]
    assert page["next_cursor"] is None
    assert len(listed) == 1_201
    assert set(listed) == expected
