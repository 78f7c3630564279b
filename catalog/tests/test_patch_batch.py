import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import WebhookEndpoint, WebhookEvent
from catalog.models import CustomField, Embedding, Product

URL = "/v1/products/patch-batch"


@pytest.fixture
def shop(owner):
    """Three products as rows alone: what changes metadata needs no picture."""
    for name in "abc":
        Product.objects.create(
            tenant=owner.tenant,
            product_id=name,
            image_urls=[f"https://shop.example/{name}.jpg"],
            metadata={"name": name.upper(), "price": 10, "tags": ["new"]},
            name=name.upper(),
            price=10,
            tags=["new"],
            status=Product.Status.INDEXED,
        )
    return owner


def send(owner, *products):
    return owner.client.post(URL, {"products": list(products)})


def counts(response):
    body = response.json()
    return body["updated"], body["unchanged"], body["failed"]


def test_prices_and_stock_change_in_metadata_and_in_what_filters_read(shop):
    response = send(
        shop,
        {"product_id": "a", "price": 7.5, "currency": "eur", "stock_quantity": 0},
        {"product_id": "b", "metadata": {"price": 8, "in_stock": False, "tags": None}},
        {"product_id": "c", "price": 10},
    )
    assert response.status_code == 200
    assert response.json() == {"updated": 2, "unchanged": 1, "failed": 0, "errors": []}
    a, b, c = Product.objects.order_by("product_id")
    assert a.metadata == {"name": "A", "price": 7.5, "tags": ["new"], "currency": "eur", "stock_quantity": 0}
    assert (str(a.price), a.currency, a.in_stock, a.tags, a.name) == ("7.50", "EUR", False, ["new"], "A")
    assert b.metadata == {"name": "B", "price": 8, "in_stock": False}
    assert (str(b.price), b.in_stock, b.tags) == ("8.00", False, [])
    assert a.updated_at > a.created_at
    assert c.updated_at < a.updated_at


def test_one_that_cannot_be_changed_fails_alone_and_says_why(shop):
    CustomField.objects.create(tenant=shop.tenant, key="season", display_name="Season", type="number")
    response = send(
        shop,
        {"product_id": "a", "price": 1},
        {"product_id": "nobody", "price": 1},
        {"product_id": "b", "price": "cheap"},
        {"product_id": "b", "metadata": {"season": "SS26"}},
        {"product_id": "b", "metadata": {f"key{n}": n for n in range(200)}},
        {"product_id": "b", "colour": "red"},
        {"product_id": "b"},
        {"price": 1},
        "not an object",
    )
    assert counts(response) == (1, 0, 8)
    assert [(e["index"], e["product_id"], e["code"]) for e in response.json()["errors"]] == [
        (1, "nobody", "not_found"),
        (2, "b", "validation_failed"),
        (3, "b", "not_a_number"),
        (4, "b", "validation_failed"),
        (5, "b", "validation_failed"),
        (6, "b", "validation_failed"),
        (7, "", "validation_failed"),
        (8, "", "validation_failed"),
    ]
    messages = [e["message"] for e in response.json()["errors"]]
    assert messages[1] == "metadata.price: Send a number of 0 or more, without a currency sign."
    assert messages[3] == "metadata: Metadata has at most 200 keys."
    assert Product.objects.get(product_id="b").metadata == {"name": "B", "price": 10, "tags": ["new"]}


def test_changes_of_one_product_are_applied_in_their_order(shop):
    response = send(
        shop,
        {"product_id": "a", "price": 1},
        {"product_id": "a", "price": -1},
        {"product_id": "a", "metadata": {"price": 2, "badge": "sale"}},
        {"product_id": "a", "metadata": {"badge": None}},
    )
    assert counts(response) == (3, 0, 1)
    assert Product.objects.get(product_id="a").metadata == {"name": "A", "price": 2, "tags": ["new"]}


def test_true_is_not_one(shop):
    assert counts(send(shop, {"product_id": "a", "metadata": {"vegan": 1}})) == (1, 0, 0)
    assert counts(send(shop, {"product_id": "a", "metadata": {"vegan": True}})) == (1, 0, 0)
    assert Product.objects.get(product_id="a").metadata["vegan"] is True


def test_a_feed_may_have_one_change_a_line(shop):
    lines = [json.dumps({"product_id": "a", "price": 3}), "", "{", json.dumps({"product_id": "b", "price": 4})]
    response = shop.client.post(URL, "\n".join(lines), content_type="application/x-ndjson")
    assert counts(response) == (2, 0, 1)
    assert response.json()["errors"][0]["index"] == 1
    assert {str(p.price) for p in Product.objects.filter(product_id__in="ab")} == {"3.00", "4.00"}


def test_it_embeds_nothing_and_names_colours_as_a_single_change_does(owner, index):
    index(red=(255, 0, 0), twin=(255, 0, 0))
    vectors = list(Embedding.objects.order_by("pk").values_list("pk", flat=True))
    send(owner, {"product_id": "red", "metadata": {"color": "crimson"}})
    owner.client.patch("/v1/products/twin", {"metadata": {"color": "crimson"}})
    assert list(Embedding.objects.order_by("pk").values_list("pk", flat=True)) == vectors
    red, twin = Product.objects.order_by("product_id")
    assert red.colors == twin.colors
    assert "red" in red.colors


def test_it_tells_endpoints_of_what_has_changed_and_of_nothing_else(shop):
    WebhookEndpoint.objects.create(tenant=shop.tenant, url="https://shop.example/hook", events=["product.updated"])
    send(shop, {"product_id": "a", "price": 9}, {"product_id": "b", "price": 10}, {"product_id": "nobody", "price": 1})
    event = WebhookEvent.objects.get()
    assert (event.data["product_id"], event.data["changes"]) == ("a", ["metadata.price"])
    assert event.data["new_image_url"] == "https://shop.example/a.jpg"


def test_a_thousand_changes_cost_as_many_queries_as_one(shop):
    extra = [
        Product(tenant=shop.tenant, product_id=f"p{n}", image_urls=["u"], status="indexed", metadata={})
        for n in range(999)
    ]
    Product.objects.bulk_create(extra)
    send(shop, {"product_id": "b", "price": 1})
    with CaptureQueriesContext(connection) as one:
        assert counts(send(shop, {"product_id": "a", "price": 1})) == (1, 0, 0)
    with CaptureQueriesContext(connection) as many:
        assert counts(send(shop, *({"product_id": f"p{n}", "price": n} for n in range(999)))) == (999, 0, 0)
    assert len(many) == len(one)


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "products"), ({"products": []}, "products"), ({"products": [{}] * 10_001}, "products")],
)
def test_it_takes_1_to_10000_changes(owner, body, field):
    response = owner.client.post(URL, body)
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, field)


def test_of_a_feed_only_as_many_lines_are_read_as_it_takes(owner):
    body = b"x\n" * 300_000
    tracemalloc.start()
    try:
        response = owner.client.post(URL, body, content_type="application/x-ndjson")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "products")
    assert peak < 16 * 1024**2


def test_it_requires_the_right_to_write(shop, reader, stranger):
    assert send(reader, {"product_id": "a", "price": 1}).status_code == 403
    assert counts(send(stranger, {"product_id": "a", "price": 1})) == (0, 0, 1)
    assert str(Product.objects.get(product_id="a").price) == "10.00"


def test_a_repeated_key_gets_the_first_answer(shop):
    key = {"HTTP_IDEMPOTENCY_KEY": "k"}
    first = shop.client.post(URL, {"products": [{"product_id": "a", "price": 1}]}, **key)
    again = shop.client.post(URL, {"products": [{"product_id": "a", "price": 1}]}, **key)
    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
