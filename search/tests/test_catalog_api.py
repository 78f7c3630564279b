"""The search of the Catalog API, as its document says it."""

from uuid import uuid4

import pytest

from catalog.models import Embedding, Product, ProductImage
from catalog.tests.test_catalog_api import upload  # noqa: F401  # a fixture
from conftest import picture


@pytest.mark.parametrize("by", ["image_url", "product_id"])
def test_a_search_answers_in_its_own_words(owner, upload, pictures, by):  # noqa: F811
    first = upload().json()
    upload(color=(25, 22, 20), external_id="twin", title="Twin", price=50)
    query = (
        {"image_url": pictures.serve("/q.jpg", picture((20, 20, 20)))}
        if by == "image_url"
        else {"product_id": first["id"]}
    )
    body = owner.client.post("/v1/catalog/search", query).json()
    assert body["query"] == {"type": "image" if by == "image_url" else "product"}
    assert body["total_found"] == len(body["results"])
    assert isinstance(body["processing_time_ms"], int)
    best = body["results"][0]
    assert set(best) == {"id", "external_id", "title", "image_url", "price", "similarity_score"}
    assert best["external_id"] == ("SKU-12345" if by == "image_url" else "twin")
    assert best["similarity_score"] >= 0.7


def test_a_search_is_filtered(owner, upload, pictures):  # noqa: F811
    upload()
    url = pictures.serve("/q.jpg", picture((20, 20, 20)))
    for filters, count in (({"max_price": 100}, 0), ({"min_price": 100}, 1), ({"category": "outerwear"}, 1)):
        body = owner.client.post("/v1/catalog/search", {"image_url": url, **filters}).json()
        assert (filters, body["total_found"]) == (filters, count)


def test_all_products_that_fit_are_counted(owner, index, pictures):
    index(metadata={"price": 10, "category": "Balls"}, red=(220, 20, 20))
    index(metadata={"price": 10, "category": "Balls"}, blue=(20, 40, 220))
    copy_product(owner.tenant.products.get(product_id="red"), 599)
    query = {"image_url": pictures.url("/red.jpg"), "similarity_threshold": 0.99}
    for filters, count in (({}, 600), ({"min_price": 10}, 600), ({"max_price": 9}, 0)):
        body = owner.client.post("/v1/catalog/search", {**query, **filters}).json()
        assert (filters, body["total_found"], len(body["results"])) == (filters, count, min(count, 20))
    similar = {"product_id": "red", "similarity_threshold": 0.99}
    assert owner.client.post("/v1/catalog/search", similar).json()["total_found"] == 599


def copy_product(product, times):
    """Store copies of a product, with its picture and vector, under other ids."""
    image, vector = product.images.get(), product.embeddings.get()
    products = Product.objects.bulk_create(
        copy_of(product, product_id=f"copy-{number}", uuid=uuid4()) for number in range(times)
    )
    images = ProductImage.objects.bulk_create(copy_of(image, product_id=row.pk) for row in products)
    Embedding.objects.bulk_create(copy_of(vector, product_id=row.product_id, image_id=row.pk) for row in images)


def copy_of(row, **others):
    model = type(row)
    columns = {
        field.attname: getattr(row, field.attname) for field in model._meta.concrete_fields if field.name != "id"
    }
    return model(**{**columns, **others})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "image_url"),
        ({"image_url": "https://a.example/b.jpg", "product_id": "x"}, "image_url"),
        ({"image_base64": "AAAA", "similarity_threshold": "nan"}, "similarity_threshold"),
    ],
)
def test_errors_have_their_own_shape(owner, body, field):
    response = owner.client.post("/v1/catalog/search", body)
    assert response.status_code == 422
    error = response.json()["error"]
    assert error["code"] == "validation_failed"
    assert [detail["field"] for detail in error["details"]] == [field]


def test_a_reader_may_not_search(reader):
    assert reader.client.post("/v1/catalog/search", {}).status_code == 403
