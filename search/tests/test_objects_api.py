import base64
import io
from itertools import pairwise

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from PIL import Image

from analytics.models import SearchEvent
from analytics.search_events import flush_search_events
from catalog.demo.labels import picture_file
from catalog.demo.products import DEMO_PRODUCTS

URL = "/v1/search/objects"
PRODUCTS = {product.product_id: product for product in DEMO_PRODUCTS}
BACKPACK, DRESS, HOODIE, SNEAKER = "demo-backpack-black", "demo-dress-blue", "demo-hoodie-grey", "demo-sneaker-yellow"
OTHER_SNEAKER = "demo-running-sneaker-black"


@pytest.fixture
def shop(owner, pictures):
    for product_id in (BACKPACK, DRESS, HOODIE, SNEAKER, OTHER_SNEAKER):
        product = PRODUCTS[product_id]
        url = pictures.serve(f"/{product_id}.webp", picture_file(product).read_bytes())
        body = {"product_id": product_id, "image_url": url, "metadata": product.metadata}
        assert owner.client.post("/v1/products", body).status_code == 201


def look_of(*product_ids):
    """Return the bytes of a picture of products side by side."""
    image = Image.new("RGB", (420 * len(product_ids), 460), "white")
    for place, product_id in enumerate(product_ids):
        with Image.open(picture_file(PRODUCTS[product_id])) as shown:
            image.paste(shown.convert("RGB").resize((380, 380)), (20 + 420 * place, 40))
    return saved(image)


def saved(image):
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def search(client, data, **fields):
    return client.post(URL, {"image_base64": base64.b64encode(data).decode(), **fields})


def found(response):
    """Return the product found first in each region, from left to right."""
    assert response.status_code == 200, response.content
    objects = sorted(response.json()["objects"], key=lambda shown: shown["box"]["x"])
    return [shown["results"][0]["product_id"] for shown in objects]


@pytest.mark.parametrize("look", [(BACKPACK, DRESS), (HOODIE, SNEAKER), (SNEAKER, BACKPACK, DRESS)])
def test_each_thing_in_a_picture_finds_its_product_first(owner, shop, look):
    assert found(search(owner.client, look_of(*look))) == list(look)


def test_the_answer_says_where_each_thing_is_and_what(owner, shop):
    body = search(owner.client, look_of(BACKPACK, DRESS), limit=2).json()
    assert body["count"] == 2
    assert body["search_id"].startswith("srch_")
    assert set(body) == {"search_id", "query_time_ms", "timing_ms", "count", "objects"}
    left, right = sorted(body["objects"], key=lambda shown: shown["box"]["x"])
    assert (left["label"], right["label"]) == ("backpack", "dress")
    assert left["box"]["x"] + left["box"]["width"] < 0.5 < right["box"]["x"]
    assert 0 < left["confidence"] <= 1
    assert left["count"] == len(left["results"]) == 2
    assert left["results"][0]["similarity_score"] > 0.9
    assert left["results"][1]["similarity_score"] >= left["applied_threshold"]


def test_a_picture_may_come_as_a_file_or_an_address(owner, pictures, shop):
    look = look_of(BACKPACK, DRESS)
    form = {"image": SimpleUploadedFile("look.png", look, "image/png"), "limit": "1", "filter": '{"must": []}'}
    assert found(owner.client.post(URL, form, format="multipart")) == [BACKPACK, DRESS]
    assert found(owner.client.post(URL, {"image_url": pictures.serve("/look.png", look)})) == [BACKPACK, DRESS]


def test_no_more_things_are_shown_than_asked_for(owner, shop):
    every = search(owner.client, look_of(SNEAKER, BACKPACK, DRESS)).json()["objects"]
    few = search(owner.client, look_of(SNEAKER, BACKPACK, DRESS), max_regions=2).json()["objects"]
    assert [shown["box"] for shown in few] == [shown["box"] for shown in every[:2]]


def test_filters_hold_for_each_thing(owner, shop):
    response = search(owner.client, look_of(BACKPACK, DRESS), category="footwear", price_max=60)
    assert [[result["product_id"] for result in shown["results"]] for shown in response.json()["objects"]] == [
        [SNEAKER],
        [SNEAKER],
    ]


def test_it_takes_what_other_searches_take(owner, shop):
    [shown] = search(owner.client, look_of(SNEAKER), group_by="category", explain=True, limit=20).json()["objects"]
    first, *others = shown["results"]
    assert (first["product_id"], first["variants"]) == (SNEAKER, [OTHER_SNEAKER])
    assert "visual_similarity" in first["signals"]
    assert OTHER_SNEAKER not in [other["product_id"] for other in others]


def test_a_picture_of_nothing_is_searched_for_as_a_whole_and_that_is_said(owner, shop):
    body = search(owner.client, saved(Image.new("RGB", (300, 300), "white")), limit=3).json()
    assert (body["count"], body["objects"]) == (0, [])
    assert body["whole"]["count"] == len(body["whole"]["results"]) == 3
    assert body["hint"].startswith("No single things could be told apart")


def test_it_is_one_search_in_the_records(owner, shop):
    body = search(owner.client, look_of(BACKPACK, DRESS), category="bags").json()
    flush_search_events()
    event = SearchEvent.objects.get(tenant=owner.tenant)
    assert (event.search_id, event.mode, event.results) == (body["search_id"], "objects", 2)
    assert event.params == {"category": "bags"}
    assert event.top_product_ids == [BACKPACK, BACKPACK]


def test_another_thing_costs_as_many_queries_as_its_products_need(owner, shop):
    search(owner.client, look_of(BACKPACK))  # reads what is remembered afterwards
    taken = []
    for look in ((DRESS,), (BACKPACK, DRESS), (SNEAKER, BACKPACK, DRESS)):
        with CaptureQueriesContext(connection) as queries:
            assert found(search(owner.client, look_of(*look))) == list(look)
        # Which encoder serves is asked every two seconds, whatever is searched.
        taken.append(sum('FROM "catalog_encoder"' not in query["sql"] for query in queries))
    # The nearest vectors, what ranking reads of their products, and the products shown.
    assert [later - earlier for earlier, later in pairwise(taken)] == [3, 3]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "image_url"),
        ({"image_url": "https://example.com/look.jpg", "image_base64": "aGVsbG8="}, "image_url"),
        ({"image": "look.png"}, "image"),
        ({"image_base64": "aGVsbG8=", "max_regions": 7}, "max_regions"),
        ({"image_base64": "aGVsbG8=", "max_regions": 0}, "max_regions"),
        ({"image_base64": "aGVsbG8=", "limit": 21}, "limit"),
        ({"image_base64": "aGVsbG8=", "threshold": 2}, "threshold"),
        ({"image_base64": "aGVsbG8=", "filters": {"colour": "red"}}, "filters.colour"),
        ({"image_base64": "aGVsbG8=", "offset": 10}, "offset"),
        ({"image_base64": "aGVsbG8=", "max_region": 2}, "max_region"),
    ],
)
def test_what_is_wrong_is_named(owner, fields, wrong):
    response = owner.client.post(URL, fields)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [wrong]


def test_what_is_no_picture_is_told(owner):
    response = search(owner.client, b"no picture")
    assert (response.status_code, response.json()["error"]) == (422, "unsupported_format")


def test_it_needs_the_right_to_search(reader):
    assert search(reader.client, look_of(BACKPACK)).status_code == 403


def test_a_stranger_finds_nothing_of_the_shop(shop, stranger):
    objects = search(stranger.client, look_of(BACKPACK, DRESS)).json()["objects"]
    assert [shown["results"] for shown in objects] == [[], []]
