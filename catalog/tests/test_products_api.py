import base64
from contextlib import closing
from decimal import Decimal

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from catalog.models import Embedding, Product, ProductImage
from conftest import picture


def send(client, **fields):
    return client.post("/v1/products", {"product_id": "shoe-001", **fields})


@pytest.fixture
def shoe(owner, pictures):
    url = pictures.serve("/shoe.jpg", picture((20, 40, 200)))
    metadata = {
        "name": "Blue Sneaker",
        "category": "footwear",
        "price": 89.99,
        "color_name": "Blue",
        "tags": ["run"],
    }
    response = send(owner.client, image_url=url, metadata=metadata)
    assert response.status_code == 201
    return response.json()


def test_a_product_is_indexed_as_the_guide_shows(shoe):
    embedding = Embedding.objects.get()
    assert shoe == {
        "status": "indexed",
        "product_id": "shoe-001",
        "vector_id": f"vec_{embedding.pk}",
        "message": "Product image indexed successfully",
    }


def test_what_filters_read_is_promoted_from_the_metadata(shoe):
    product = Product.objects.get()
    assert (product.name, product.category, product.price) == ("Blue Sneaker", "footwear", Decimal("89.99"))
    assert (product.tags, product.in_stock, product.status) == (["run"], True, "indexed")
    assert product.colors[0] == "blue"


def test_a_product_is_shown_with_what_was_seen_in_it(owner, shoe):
    body = owner.client.get("/v1/products/shoe-001").json()
    image = body["images"][0]
    assert (image["width"], image["height"], image["position"]) == (400, 400, 0)
    assert image["palette"][0]["name"] == "blue"
    assert 0 <= image["quality"]["score"] <= 1
    assert set(image["attributes"]) == {"color", "material", "pattern", "style"}
    assert "moderation" not in image
    assert image["thumbnail_url"].startswith("http://127.0.0.1:8000/media/thumbnails/")
    with closing(owner.client.get(image["thumbnail_url"])) as thumbnail:
        assert (thumbnail.status_code, thumbnail["Content-Type"]) == (200, "image/jpeg")


def test_a_thumbnail_of_an_earlier_version_is_still_shown(owner):
    name = default_storage.save("thumbnails/1/ab/ab.webp", ContentFile(picture(file_format="WEBP")))
    with closing(owner.client.get(default_storage.url(name))) as thumbnail:
        assert (thumbnail.status_code, thumbnail["Content-Type"]) == (200, "image/webp")


def test_attributes_that_a_picture_seems_to_have_come_with_a_confidence(owner, shoe):
    suggestions = [{"value": "denim", "confidence": 0.7}, {"value": "cotton", "confidence": 0.55}]
    ProductImage.objects.update(attributes={"material": suggestions})
    (image,) = owner.client.get("/v1/products/shoe-001").json()["images"]
    assert image["attributes"] == {"material": suggestions}


def test_every_picture_is_scored_for_moderation(shoe):
    image = ProductImage.objects.get()
    assert set(image.moderation) == {"nudity", "violence", "weapons", "drugs", "hate_symbols", "minors_risk"}
    assert all(0 <= score <= 1 for score in image.moderation.values())


def test_the_same_bytes_are_not_embedded_again(owner, pictures, shoe):
    before = Embedding.objects.values().get()
    response = send(owner.client, image_url=pictures.url("/shoe.jpg"), metadata={"name": "New name"})
    assert response.status_code == 200
    assert Embedding.objects.values().get() == before
    assert Product.objects.get().metadata == {"name": "New name"}


def test_other_bytes_at_the_same_address_are(owner, pictures, shoe):
    before = Embedding.objects.get()
    pictures.serve("/shoe.jpg", picture((200, 40, 20)))
    send(owner.client, image_url=pictures.url("/shoe.jpg"))
    after = Embedding.objects.get()
    assert after.pk == before.pk
    assert after.vector != before.vector


def test_several_views_are_kept_in_order_and_removed_when_gone(owner, pictures):
    urls = [pictures.serve(f"/{n}.jpg", picture((n * 60, 0, 0))) for n in range(3)]
    send(owner.client, image_url=urls[0], images=urls)
    assert list(ProductImage.objects.values_list("position", flat=True)) == [0, 1, 2]
    assert Product.objects.get().image_urls == urls
    send(owner.client, images=urls[:1])
    assert (ProductImage.objects.count(), Embedding.objects.count()) == (1, 1)


@pytest.mark.parametrize("prefix", ["data:image/jpeg;base64,", ""])
@pytest.mark.parametrize("field", ["image_url", "image_base64"])
def test_a_picture_may_be_sent_inside_the_request(owner, prefix, field):
    response = send(owner.client, **{field: prefix + base64.b64encode(picture()).decode()})
    assert response.status_code == 201
    assert Product.objects.get().image_urls == [""]


def test_a_change_of_price_touches_no_picture(owner, pictures, shoe):
    requests = pictures.requests["/shoe.jpg"]
    response = owner.client.patch("/v1/products/shoe-001", {"metadata": {"price": 79.5, "tags": None}})
    assert response.status_code == 200
    product = Product.objects.get()
    assert product.price == Decimal("79.50")
    assert product.metadata == {
        "name": "Blue Sneaker",
        "category": "footwear",
        "price": 79.5,
        "color_name": "Blue",
    }
    assert pictures.requests["/shoe.jpg"] == requests


def test_a_deleted_product_is_gone_with_its_vectors(owner, shoe):
    assert owner.client.delete("/v1/products/shoe-001").status_code == 204
    assert owner.client.get("/v1/products/shoe-001").status_code == 404
    assert Embedding.objects.count() == 0


def test_a_replaced_picture_leaves_no_file(owner, pictures, shoe, settings, django_capture_on_commit_callbacks):
    before = list(settings.MEDIA_ROOT.rglob("*.jpg"))
    pictures.serve("/shoe.jpg", picture((200, 40, 20)))
    with django_capture_on_commit_callbacks(execute=True):
        send(owner.client, image_url=pictures.url("/shoe.jpg"))
    after = list(settings.MEDIA_ROOT.rglob("*.jpg"))
    assert (len(before), len(after)) == (1, 1)
    assert before != after


@pytest.mark.parametrize("product_id", ["bulk", "demo", "facets", "stats", "a/b"])
def test_an_id_that_no_address_can_hold_is_refused(owner, product_id):
    response = owner.client.post("/v1/products", {"product_id": product_id, "image_url": "https://example.com/a.jpg"})
    assert [error["field"] for error in response.json()["errors"]] == ["product_id"]


@pytest.mark.parametrize("address", ["www.example.com/a.jpg", "ftp://example.com/a.jpg", "shoe.jpg"])
def test_half_an_address_is_taken_for_an_address(owner, address):
    response = send(owner.client, image_url=address)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_image_url")


def test_a_large_picture_keeps_its_size_on_record(owner, pictures):
    url = pictures.serve("/large.jpg", picture(size=(3000, 1500)))
    send(owner.client, image_url=url)
    image = ProductImage.objects.get()
    assert image.width / image.height == 2


def test_deleting_removes_files_that_no_other_product_shows(
    owner, pictures, shoe, settings, django_capture_on_commit_callbacks
):
    owner.client.post("/v1/products", {"product_id": "twin", "image_url": pictures.url("/shoe.jpg")})
    with django_capture_on_commit_callbacks(execute=True):
        owner.client.delete("/v1/products/shoe-001")
    assert len(list(settings.MEDIA_ROOT.rglob("*.jpg"))) == 1
    with django_capture_on_commit_callbacks(execute=True):
        owner.client.delete("/v1/products/twin")
    assert list(settings.MEDIA_ROOT.rglob("*.jpg")) == []


@pytest.mark.parametrize(
    ("metadata", "field", "code"),
    [
        ({"price": "cheap"}, "metadata.price", "not_a_number"),
        ({"price": -1}, "metadata.price", "not_a_number"),
        ({"price": True}, "metadata.price", "not_a_number"),
        ({"tags": "red"}, "metadata.tags", "not_a_list_of_texts"),
        ({"name": ["x"]}, "metadata.name", "not_text"),
        ({"category": "x" * 256}, "metadata.category", "too_long"),
        ({"in_stock": "yes"}, "metadata.in_stock", "not_a_boolean"),
        ({"currency": "dollars"}, "metadata.currency", "too_long"),
        ({"currency": "ßßß"}, "metadata.currency", "not_a_currency"),
        (["x"], "metadata", "not_an_object"),
    ],
)
def test_metadata_of_the_wrong_type_is_named(owner, metadata, field, code):
    response = send(owner.client, image_url="https://example.com/a.jpg", metadata=metadata)
    body = response.json()
    assert (response.status_code, body["error"]) == (422, "validation_failed")
    assert [(error["field"], error["code"]) for error in body["errors"]] == [(field, code)]
    assert Product.objects.count() == 0


def test_a_change_of_the_wrong_type_is_named(owner, shoe):
    response = owner.client.patch("/v1/products/shoe-001", {"metadata": {"price": "cheap"}})
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == ["metadata.price"]
    assert Product.objects.get().price == Decimal("89.99")


def test_a_number_beyond_all_bounds_is_refused(owner):
    body = '{"product_id": "a", "image_url": "https://example.com/a.jpg", "metadata": {"weight": 1e999}}'
    response = owner.client.post("/v1/products", body, content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_json")


def test_an_id_with_a_null_character_is_not_found(owner):
    assert owner.client.get("/v1/products/a%00b").status_code == 404


def test_a_product_needs_an_id_and_a_picture(owner):
    body = owner.client.post("/v1/products", {}).json()
    assert {error["field"] for error in body["errors"]} == {"product_id"}
    body = owner.client.post("/v1/products", {"product_id": "a"}).json()
    assert {error["field"] for error in body["errors"]} == {"image_url"}


@pytest.mark.parametrize(
    ("answer", "status", "code", "retryable"),
    [
        ({"status": 404}, 422, "image_fetch_failed", False),
        ({"status": 500}, 422, "image_fetch_failed", True),
        ({"body": b"<html>"}, 422, "image_fetch_failed", False),
        ({"body": picture()[:500]}, 422, "image_decode_failed", False),
        ({"body": b"GIF"}, 422, "unsupported_format", False),
    ],
)
def test_a_picture_that_cannot_be_used_is_explained(owner, pictures, answer, status, code, retryable):
    content_type = "text/html" if answer.get("body") == b"<html>" else "image/jpeg"
    url = pictures.serve("/bad.jpg", **{"body": b"x", "content_type": content_type, **answer})
    response = send(owner.client, image_url=url)
    body = response.json()
    assert (response.status_code, body["error"], body["retryable"]) == (status, code, retryable)
    assert Product.objects.count() == 0


def test_an_address_inside_our_network_is_refused(owner, settings):
    settings.FETCH_ALLOWED_HOSTS = []
    response = send(owner.client, image_url="http://127.0.0.1:8000/shoe.jpg")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_image_url")


def test_a_failed_update_leaves_the_old_version_in_place(owner, pictures, shoe):
    url = pictures.serve("/gone.jpg", b"", status=404)
    assert send(owner.client, image_url=url, metadata={"name": "Broken"}).status_code == 422
    product = Product.objects.get()
    assert (product.name, product.status) == ("Blue Sneaker", "indexed")


def test_the_plan_limits_new_products_but_not_updates(owner, pictures, shoe):
    owner.tenant.subscription.plan.max_products = 1
    owner.tenant.subscription.plan.save()
    response = owner.client.post("/v1/products", {"product_id": "b", "image_url": pictures.url("/shoe.jpg")})
    assert (response.status_code, response.json()["error"]) == (403, "plan_limit_reached")
    assert "Premium allows 1 products" in response.json()["message"]
    assert send(owner.client, image_url=pictures.url("/shoe.jpg")).status_code == 200


def test_a_list_is_paged_without_gaps_or_repeats(owner, index):
    index(a=(255, 0, 0), b=(0, 255, 0), c=(0, 0, 255))
    first = owner.client.get("/v1/products?limit=2").json()
    second = owner.client.get(f"/v1/products?limit=2&cursor={first['next_cursor']}").json()
    ids = [product["product_id"] for page in (first, second) for product in page["data"]]
    assert ids == ["c", "b", "a"]
    assert (first["has_more"], second["has_more"], second["next_cursor"]) == (True, False, None)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("category=SHOES", ["a"]),
        ("status=failed", []),
        ("q=a", ["a"]),
        ("sort=name", ["a", "b"]),
        ("sort=-product_id", ["b", "a"]),
    ],
)
def test_a_list_is_filtered_and_sorted(owner, index, query, expected):
    index(metadata={"category": "shoes"}, a=(255, 0, 0))
    index(b=(0, 255, 0))
    body = owner.client.get(f"/v1/products?{query}").json()
    assert [product["product_id"] for product in body["data"]] == expected


def test_stats_count_what_the_plan_has_room_for(owner, index):
    index(metadata={"category": "shoes"}, a=(255, 0, 0), b=(0, 255, 0))
    body = owner.client.get("/v1/products/stats").json()
    assert (body["total_products"], body["plan_limit"], body["remaining"]) == (2, 50_000, 49_998)
    assert body["by_status"] == {"indexed": 2}
    assert body["by_category"] == {"shoes": 2}


def test_reading_is_not_writing(reader, pictures):
    assert reader.client.get("/v1/products").status_code == 200
    response = reader.client.post("/v1/products", {"product_id": "a", "image_url": pictures.url("/a.jpg")})
    assert (response.status_code, response.json()["message"]) == (
        403,
        "Missing required permission: products:write",
    )


def test_products_of_two_shops_under_one_id_do_not_meet(owner, stranger, index):
    index(a=(255, 0, 0))
    assert stranger.client.get("/v1/products/a").status_code == 404
    assert stranger.client.get("/v1/products").json()["data"] == []
    assert stranger.client.delete("/v1/products/a").status_code == 404
    assert owner.client.get("/v1/products/a").status_code == 200


def test_indexing_again_costs_few_queries(owner, pictures, shoe, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        send(owner.client, image_url=pictures.url("/shoe.jpg"))
