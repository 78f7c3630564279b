"""Products by the Catalog API, as its document says it."""

import uuid

import pytest

from accounts.models import ApiKey
from billing.models import Plan, Subscription
from catalog.models import Product
from conftest import picture

JACKET = {
    "title": "Classic Black Leather Jacket",
    "external_id": "SKU-12345",
    "price": 299.99,
    "category": "Outerwear",
}


@pytest.fixture
def upload(owner, pictures, django_capture_on_commit_callbacks):
    def run(color=(20, 20, 20), **fields):
        url = pictures.serve(f"/{uuid.uuid4()}.jpg", picture(color))
        with django_capture_on_commit_callbacks(execute=True):
            return owner.client.post("/v1/catalog/products", {**JACKET, "image_url": url, **fields})

    return run


def get(owner, product_id):
    response = owner.client.get(f"/v1/catalog/products/{product_id}")
    assert response.status_code == 200, response.content
    return response.json()


def test_a_product_is_taken_in_and_found_once_it_was_seen(owner, upload):
    response = upload()
    body = response.json()
    assert response.status_code == 201
    assert body == {
        "id": str(Product.objects.get().uuid),
        "external_id": "SKU-12345",
        "status": "created",
        "embedding_status": "processing",
    }
    found = get(owner, body["id"])
    assert found["embedding_status"] == "completed"
    assert (found["title"], found["price"], found["currency"]) == ("Classic Black Leather Jacket", 299.99, "USD")
    assert found["features"]["dominant_colors"][0]["hex"].startswith("#")
    assert get(owner, "SKU-12345") == found


def test_until_its_turn_comes_a_product_is_pending(owner, pictures):
    # Nothing calls the workers: the test's transaction never commits.
    owner.client.post("/v1/catalog/products", {**JACKET, "image_url": pictures.url("/slow.jpg")})
    assert get(owner, "SKU-12345")["embedding_status"] == "pending"
    assert owner.client.get("/v1/products/SKU-12345").json()["status"] == "pending"


def test_the_same_external_id_updates(owner, upload):
    first = upload().json()
    second = upload(price=199)
    assert (second.status_code, second.json()["status"], second.json()["id"]) == (200, "updated", first["id"])
    assert get(owner, "SKU-12345")["price"] == 199


def test_a_product_without_an_id_of_the_shop_has_ours(owner, pictures):
    url = pictures.serve("/own.jpg", picture())
    body = owner.client.post("/v1/catalog/products", {"title": "Nameless", "image_url": url}).json()
    assert body["external_id"] is None
    assert get(owner, body["id"])["external_id"] is None


def test_an_id_of_the_shop_may_be_a_uuid(owner, upload):
    external_id = "550e8400-e29b-41d4-a716-446655440000"
    body = upload(external_id=external_id).json()
    assert (body["external_id"], body["id"] == external_id) == (external_id, False)
    assert get(owner, external_id) == get(owner, body["id"])
    assert get(owner, external_id)["external_id"] == external_id


def test_a_product_without_an_id_of_the_shop_is_updated_by_ours(owner, pictures):
    sent = {"title": "Nameless", "image_url": pictures.serve("/own.jpg", picture())}
    own_id = owner.client.post("/v1/catalog/products", sent).json()["id"]
    body = owner.client.post("/v1/catalog/products", {**sent, "external_id": own_id}).json()
    assert (body["id"], body["external_id"], body["status"]) == (own_id, None, "updated")


def test_a_picture_that_cannot_be_fetched_is_told(owner, upload, pictures):
    upload(image_url=pictures.url("/none.jpg"))
    found = get(owner, "SKU-12345")
    assert found["embedding_status"] == "failed"
    assert "404" in found["embedding_error"]


def test_many_products_are_answered_one_by_one(owner, upload, pictures):
    upload()
    url = pictures.serve("/b.jpg", picture())
    products = [
        {**JACKET, "image_url": url},
        {"title": "Second", "image_url": url, "external_id": "SKU-2"},
        {"title": "No picture"},
    ]
    response = owner.client.post("/v1/catalog/products", {"products": products})
    body = response.json()
    assert (response.status_code, body["created"], body["updated"], body["failed"]) == (200, 1, 1, 1)
    assert [result["status"] for result in body["results"]] == ["updated", "created", "failed"]
    assert body["results"][2]["error"]["code"] == "validation_failed"


def test_an_external_id_sent_twice_is_created_once(owner, pictures):
    product = {**JACKET, "image_url": pictures.serve("/a.jpg", picture())}
    body = owner.client.post("/v1/catalog/products", {"products": [product, product]}).json()
    assert [result["status"] for result in body["results"]] == ["created", "updated"]
    assert (body["created"], body["updated"]) == (1, 1)
    assert body["results"][0]["id"] == body["results"][1]["id"]


@pytest.mark.parametrize(("plan", "limit"), [("free", 10), ("basic", 50), ("premium", 100), ("enterprise", 100)])
def test_a_batch_is_as_large_as_the_tier_allows(owner, plan, limit):
    Subscription.objects.filter(tenant=owner.tenant).update(plan=Plan.objects.get(name=plan))
    response = owner.client.post("/v1/catalog/products", {"products": [{}] * (limit + 1)})
    assert response.status_code == 422
    assert response.json()["error"]["details"][0]["field"] == "products"
    assert owner.client.post("/v1/catalog/products", {"products": [{}] * limit}).json()["failed"] == limit


def test_products_are_listed_in_pages(owner, upload):
    upload(external_id="a")
    upload(external_id="b")
    body = owner.client.get("/v1/catalog/products", {"per_page": 1, "page": 2}).json()
    assert [product["external_id"] for product in body["products"]] == ["a"]
    assert (body["page"], body["per_page"], body["total"]) == (2, 1, 2)


def test_a_product_is_deleted(owner, upload):
    own_id = upload().json()["id"]
    assert owner.client.delete(f"/v1/catalog/products/{own_id}").status_code == 204
    assert owner.client.get(f"/v1/catalog/products/{own_id}").status_code == 404


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"image_url": "https://a.example/b.jpg"}, "title"),
        ({"title": "x", "image_url": "https://a.example/b.jpg", "price": -1}, "price"),
        ({"title": "x", "image_url": "https://a.example/b.jpg", "external_id": "a/b"}, "external_id"),
    ],
)
def test_errors_have_their_own_shape(owner, body, field):
    response = owner.client.post("/v1/catalog/products", body)
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "validation_failed"
    assert [detail["field"] for detail in error["details"]] == [field]


def test_strangers_and_readers_are_kept_out(stranger, reader, owner, upload):
    own_id = upload().json()["id"]
    response = stranger.client.get(f"/v1/catalog/products/{own_id}")
    assert (response.status_code, response.json()["error"]["code"]) == (404, "not_found")
    assert reader.client.post("/v1/catalog/products", JACKET).status_code == 403
    assert reader.client.get(f"/v1/catalog/products/{own_id}").status_code == 200


def test_a_key_opens_it_as_x_api_key(owner, upload, client):
    upload()
    _, key = ApiKey.objects.create_key(tenant=owner.tenant, name="k", scopes=["products:read"])
    assert client.get("/v1/catalog/products", headers={"x-api-key": key}).json()["total"] == 1
