import base64
import re

import pytest

from accounts.models import Tenant, WebhookDelivery, WebhookEvent
from accounts.revisions import bump_revision
from accounts.webhooks.events import EventType
from catalog import indexing
from catalog.documents import ProductDocument
from catalog.errors import PictureError
from catalog.indexing import index_products, record_failure
from catalog.models import Embedding, Product
from catalog.product_events import metadata_changes
from catalog.products import delete_products
from conftest import picture

BLUE, RED = (20, 40, 200), (200, 40, 20)
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@pytest.fixture(autouse=True)
def _endpoint(tenant):
    """Somebody listens to everything that is told of the owner's products."""
    tenant.webhook_endpoints.create(url="https://shop.example/hook", events=list(EventType), secret="s" * 24)
    bump_revision(tenant)


@pytest.fixture
def shoe(owner, pictures):
    """The address of the picture of a product whose indexing has been told and forgotten."""
    url = pictures.serve("/shoe.jpg", picture(BLUE))
    send(owner, url, {"name": "Shoe", "price": 90})
    WebhookEvent.objects.all().delete()
    return url


def send(owner, *images, metadata=None, product_id="shoe-001"):
    metadata = images[-1] if isinstance(images[-1], dict) else metadata
    urls = [image for image in images if isinstance(image, str)]
    response = owner.client.post("/v1/products", {"product_id": product_id, "images": urls, "metadata": metadata or {}})
    assert response.status_code in (200, 201), response.content
    return response.json()


def told():
    """Return what has been told, in its order, as (type, data); moments are checked and left out."""
    events = []
    for event in WebhookEvent.objects.order_by("pk"):
        (moment,) = [name for name in event.data if name.endswith("_at")]
        assert TIMESTAMP.fullmatch(event.data.pop(moment))
        events.append((event.type, event.data))
    return events


def test_a_new_product_is_told_as_the_documentation_shows(owner, pictures):
    url = pictures.serve("/shoe.jpg", picture(BLUE))
    vector_id = send(owner, url, {"name": "Shoe"})["vector_id"]
    data = {"product_id": "shoe-001", "vector_id": vector_id, "image_url": url, "metadata": {"name": "Shoe"}}
    assert told() == [("product.indexed", data)]
    assert WebhookDelivery.objects.get().tenant == owner.tenant


def test_a_product_that_is_sent_again_as_it_is_is_not_told(owner, shoe):
    send(owner, shoe, {"name": "Shoe", "price": 90})
    owner.client.patch("/v1/products/shoe-001", {"metadata": {"price": 90, "color": None}})
    assert told() == []


def test_another_picture_and_price_are_told_with_the_previous_address(owner, pictures, shoe):
    url = pictures.serve("/v2.jpg", picture(RED))
    send(owner, url, {"name": "Shoe", "price": 80})
    changes = ["image_url", "metadata.price"]
    data = {"product_id": "shoe-001", "changes": changes, "previous_image_url": shoe, "new_image_url": url}
    assert told() == [("product.updated", data)]


def test_other_bytes_at_the_same_address_are_told(owner, pictures, shoe):
    pictures.serve("/shoe.jpg", picture(RED))
    send(owner, shoe, {"name": "Shoe", "price": 90})
    ((_, data),) = told()
    assert (data["changes"], data["previous_image_url"], data["new_image_url"]) == (["image_url"], shoe, shoe)


def test_a_further_view_is_told_as_images(owner, pictures, shoe):
    other = pictures.serve("/side.jpg", picture(RED))
    for urls in ([shoe, other], [shoe]):
        send(owner, *urls, {"name": "Shoe", "price": 90})
    assert [data["changes"] for _, data in told()] == [["images"], ["images"]]


def test_a_change_of_price_by_patch_is_told(owner, shoe):
    owner.client.patch("/v1/products/shoe-001", {"metadata": {"price": 80, "sale": True, "name": None}})
    changes = ["metadata.name", "metadata.price", "metadata.sale"]
    data = {"product_id": "shoe-001", "changes": changes, "previous_image_url": shoe, "new_image_url": shoe}
    assert told() == [("product.updated", data)]


def test_a_picture_sent_inside_the_request_has_no_address(owner):
    send(owner, base64.b64encode(picture(BLUE)).decode())
    send(owner, base64.b64encode(picture(RED)).decode())
    (_, indexed), (_, updated) = told()
    assert (indexed["image_url"], updated["previous_image_url"], updated["new_image_url"]) == ("", "", "")
    assert updated["changes"] == ["image_url"]


def test_metadata_that_no_event_has_room_for_is_left_out(owner, pictures):
    send(owner, pictures.serve("/shoe.jpg", picture(BLUE)), {"name": "Shoe", "text": "ü" * 4_000})
    ((_, data),) = told()
    assert ("metadata" in data, data["metadata_omitted"]) == (False, True)


def test_deleted_products_are_told_each_to_its_own_shop(owner, stranger, pictures, shoe):
    send(stranger, shoe)
    assert delete_products(Product.objects.all()) == 2
    assert told() == [("product.deleted", {"product_id": "shoe-001"})]


def test_a_failure_is_told_once_and_the_product_that_follows_as_indexed(owner, pictures):
    url = pictures.url("/shoe.jpg")
    document = ProductDocument("shoe-001", (url,))
    error = PictureError("image_fetch_failed", "It is gone.", retryable=True)
    for _ in range(2):
        record_failure(owner.tenant, document, error)
    pictures.serve("/shoe.jpg", picture(BLUE))
    send(owner, url)
    failed = {"code": "image_fetch_failed", "message": "It is gone.", "retryable": True}
    (event, data), (after, _) = told()
    assert (event, data, after) == (
        "product.failed",
        {"product_id": "shoe-001", "image_url": url, **failed},
        "product.indexed",
    )


def test_a_failed_update_is_told_once_and_again_after_a_good_one(owner, shoe):
    document = ProductDocument("shoe-001", ("https://shop.example/gone.jpg",), {"name": "Shoe", "price": 90})
    error = PictureError("image_fetch_failed", "It is gone.")
    record_failure(owner.tenant, document, error)
    record_failure(owner.tenant, document, error)
    product = Product.objects.get()
    assert (product.status, product.error_message, product.image_urls) == ("indexed", "It is gone.", [shoe])
    send(owner, shoe, {"name": "Shoe", "price": 90})
    assert Product.objects.get().error_message == ""
    record_failure(owner.tenant, document, error)
    assert [event for event, _ in told()] == ["product.failed", "product.failed"]


def test_two_requests_that_create_a_product_at_once_are_told_as_a_new_one_and_its_update(owner, pictures, monkeypatch):
    blue, red = pictures.serve("/blue.jpg", picture(BLUE)), pictures.serve("/red.jpg", picture(RED))
    create = indexing._create

    def create_second(*args):
        monkeypatch.setattr(indexing, "_create", create)
        send(owner, red)
        return create(*args)

    monkeypatch.setattr(indexing, "_create", create_second)
    index_products(owner.tenant, [ProductDocument("shoe-001", (blue,))])
    assert [event for event, _ in told()] == ["product.indexed", "product.updated"]
    assert (Product.objects.get().image_urls, Embedding.objects.count()) == ([blue], 1)


def test_a_plan_that_is_used_up_is_told_with_the_product_that_does_it(owner, pictures):
    plan = owner.tenant.subscription.plan
    plan.max_products = 1
    plan.save()
    send(owner, pictures.serve("/shoe.jpg", picture(BLUE)))
    assert [(event, data.get("percent")) for event, data in told()] == [
        ("product.indexed", None),
        ("quota.warning", 80),
        ("quota.warning", 100),
    ]


def test_a_product_that_is_sent_again_as_it_is_costs_few_statements(owner, shoe, django_assert_max_num_queries):
    documents = [ProductDocument("shoe-001", (shoe,), {"name": "Shoe", "price": 90})]
    # As it is read with the credentials of a request: what it has configured is remembered.
    tenant = Tenant.objects.get()
    index_products(tenant, documents)
    with django_assert_max_num_queries(9):
        index_products(tenant, documents)


def test_what_is_rolled_back_is_not_told(owner, pictures, shoe, monkeypatch):
    def fail(*args, **fields):
        raise RuntimeError("the process is killed")

    pictures.serve("/shoe.jpg", picture(RED))
    before = Embedding.objects.values().get()
    monkeypatch.setattr("catalog.indexing.Outcome", fail)
    with pytest.raises(RuntimeError, match="killed"):
        index_products(owner.tenant, [ProductDocument("shoe-001", (shoe,))])
    assert (told(), Embedding.objects.values().get()) == ([], before)


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ({"a": 1, "b": 2}, {"a": 1.0, "c": 3}, ["metadata.b", "metadata.c"]),
        ({"a": None}, {}, ["metadata.a"]),
        ({"a": 1}, {"a": True}, ["metadata.a"]),
        ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, ["metadata.a"]),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "x"}]}, []),
    ],
)
def test_the_keys_that_differ_are_named(before, after, changes):
    assert metadata_changes(before, after) == changes
