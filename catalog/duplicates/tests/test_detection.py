import base64
import re

import pytest

from accounts.models import WebhookEvent
from catalog.documents import ProductDocument
from catalog.indexing import index_products
from conftest import picture

BLUE, RED = (20, 40, 200), (200, 40, 20)
EVENT = "product.duplicate_detected"


@pytest.fixture
def send(owner, pictures):
    """Index a product of the owner whose cover is a disc of a colour."""

    def run(product_id, color=BLUE, *, size=400, **metadata):
        url = pictures.serve(f"/{product_id}-{size}.jpg", picture(color, size=(size, size)))
        response = owner.client.post(
            "/v1/products", {"product_id": product_id, "image_url": url, "metadata": {"name": product_id} | metadata}
        )
        assert response.status_code in (200, 201), response.content
        return url

    return run


def told():
    return [event.data for event in WebhookEvent.objects.order_by("pk")]


def pairs():
    return [(data["new_product_id"], data["existing_product_id"]) for data in told()]


def test_a_new_product_with_a_resized_picture_of_another_is_told_as_the_documentation_shows(send, listener):
    listener(EVENT)
    existing = send("shoe-001")
    send("shoe-003", RED)
    new = send("shoe-002", size=300)
    [data] = told()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", data.pop("detected_at"))
    assert 0.95 < data.pop("similarity_score") <= 1
    assert data == {
        "new_product_id": "shoe-002",
        "existing_product_id": "shoe-001",
        "new_image_url": new,
        "existing_image_url": existing,
    }


def test_it_is_told_of_a_picture_once_and_again_when_it_changes(send, owner, listener):
    listener(EVENT)
    send("a")
    send("b")
    send("b", price=5)
    owner.client.patch("/v1/products/b", {"metadata": {"price": 6}})
    assert pairs() == [("b", "a")]
    send("b", RED)
    assert pairs() == [("b", "a")]
    send("b", size=200)
    assert pairs() == [("b", "a"), ("b", "a")]


def test_variants_are_no_duplicates(send, listener):
    listener(EVENT)
    send("shirt")
    send("shirt-m", parent_id="shirt")
    send("shirt-l", parent_id="shirt", size=300)
    assert pairs() == []
    send("other-shirt", parent_id="others")
    assert [new for new, _ in pairs()] == ["other-shirt"]


def test_products_of_one_batch_are_compared_with_each_other(owner, listener):
    listener(EVENT)
    cover = base64.b64encode(picture(BLUE)).decode()
    index_products(owner.tenant, [ProductDocument(name, (cover,), {"name": name}) for name in ("a", "b")])
    assert pairs() == [("b", "a")]


def test_nobody_who_does_not_listen_pays_for_it(send, listener, monkeypatch):
    listener("product.indexed")
    monkeypatch.setattr("catalog.duplicates.detection.find_nearest", lambda *args, **options: pytest.fail("searched"))
    send("a")
    send("b")
    assert {event.type for event in WebhookEvent.objects.all()} == {"product.indexed"}


def test_shops_do_not_know_each_other(send, listener, stranger, pictures):
    listener(EVENT)
    url = pictures.serve("/strange.jpg", picture(BLUE))
    assert stranger.client.post("/v1/products", {"product_id": "x", "image_url": url}).status_code == 201
    send("a")
    assert told() == []
