import base64
import json
import math

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from analytics import search_events
from analytics.models import SearchEvent
from analytics.search_events import flush_search_events
from catalog import relevance
from catalog.models import Encoder, RelevanceCalibration
from conftest import picture

RED, GREEN, BLUE = (220, 20, 20), (20, 160, 40), (20, 40, 220)


@pytest.fixture
def shop(index):
    index(metadata={"category": "Balls", "price": 10}, red=RED)
    index(metadata={"category": "Balls", "price": 20}, green=GREEN)
    index(metadata={"category": "discs", "price": 30, "color_name": "Azure"}, blue=BLUE)


def ids(response):
    assert response.status_code == 200, response.content
    return [result["product_id"] for result in response.json()["results"]]


def search_url(owner, pictures, color, **fields):
    url = pictures.serve("/query.jpg", picture(color, size=(300, 300)))
    return owner.client.post("/v1/search/url", {"image_url": url, **fields})


def test_the_answer_has_the_shape_of_the_guide(owner, pictures, shop):
    body = search_url(owner, pictures, RED, limit=2).json()
    assert body["count"] == 2
    assert body["search_id"].startswith("srch_")
    assert list(body["timing_ms"]) == ["parse", "fetch", "encode", "database", "rank"]
    assert body["query_time_ms"] == pytest.approx(sum(body["timing_ms"].values()), abs=0.1)
    best = body["results"][0]
    assert best["product_id"] == "red"
    assert best["metadata"] == {"name": "red", "category": "Balls", "price": 10}
    assert best["similarity_score"] > 0.9
    assert 0 <= best["relevance"] <= 1
    assert best["match"] in ("strong", "fair", "weak")
    assert best["thumbnail_url"].startswith("http://127.0.0.1:8000/media/thumbnails/")
    assert best["image_url"] == pictures.url("/red.jpg")


@pytest.mark.parametrize(("color", "expected"), [(RED, "red"), (GREEN, "green"), (BLUE, "blue")])
def test_a_picture_finds_its_like(owner, pictures, shop, color, expected):
    assert ids(search_url(owner, pictures, color))[0] == expected


def test_an_upload_finds_what_the_address_finds(owner, pictures, shop):
    upload = SimpleUploadedFile("query.png", picture(BLUE, file_format="PNG"), "image/png")
    response = owner.client.post("/v1/search", {"image": upload, "limit": "3", "threshold": "0.1"}, format="multipart")
    assert ids(response)[0] == "blue"


@pytest.mark.parametrize("prefix", ["data:image/jpeg;base64,", ""])
def test_a_picture_may_come_as_base64(owner, shop, prefix):
    encoded = prefix + base64.b64encode(picture(GREEN)).decode()
    assert ids(owner.client.post("/v1/search/url", {"image_base64": encoded}))[0] == "green"


@pytest.mark.parametrize("word", ["red", "green", "blue"])
def test_words_find_the_colour_they_name(owner, shop, word):
    assert ids(owner.client.post("/v1/search/text", {"query": f"a {word} ball"}))[0] == word


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"category": "balls"}, {"red", "green"}),
        ({"price_min": 20}, {"green", "blue"}),
        ({"price_max": 20}, {"red", "green"}),
        ({"price_min": 15, "price_max": "25"}, {"green"}),
        ({"color": "blue"}, {"blue"}),
        ({"color": "#dc1414"}, {"red"}),
        ({"color": "azure"}, {"blue"}),
        ({"category": "shoes"}, set()),
    ],
)
def test_filters_leave_only_what_fits(owner, shop, fields, expected):
    response = owner.client.post("/v1/search/text", {"query": "ball", **fields})
    assert set(ids(response)) == expected


def test_a_threshold_cuts_what_is_less_similar(owner, pictures, shop):
    best, second, _ = sorted(scores(search_url(owner, pictures, RED).json()), reverse=True)
    cut = search_url(owner, pictures, RED, threshold=second + 0.0002).json()
    assert (scores(cut), cut["applied_threshold"]) == ([best], second + 0.0002)


COLORS = {
    "red": RED,
    "green": GREEN,
    "blue": BLUE,
    "yellow": (240, 210, 40),
    "orange": (240, 120, 20),
    "black": (20, 20, 20),
    "purple": (120, 30, 160),
}


def calibrate(tenant, *, junk_below, mode="text", steepness=1_000):
    """Let hits of this cosine have a relevance of 0.1, as if the tenant's catalogue had told it."""
    RelevanceCalibration.objects.create(
        tenant=tenant,
        encoder=Encoder.objects.get(state=Encoder.State.SERVING),
        mode=mode,
        pictures=100,
        is_own=True,
        queries=100,
        scores=1_000,
        slope=steepness,
        offset=-math.log(9) - steepness * junk_below,
        histogram={"hits": [], "misses": []},
    )
    relevance.forget()


def search_text(owner, **fields):
    return owner.client.post("/v1/search/text", {"query": "ball", **fields}).json()


def scores(body):
    return [result["similarity_score"] for result in body["results"]]


def nearest(body):
    """Return the similarities, the greatest first, whatever ranking has made of them."""
    return sorted(scores(body), reverse=True)


def test_without_a_threshold_junk_is_left_out(owner, index):
    index(**COLORS)
    every = nearest(search_text(owner, threshold=0))
    assert len(every) == 7
    cut = (every[5] + every[6]) / 2
    calibrate(owner.tenant, junk_below=cut)
    body = search_text(owner)
    assert nearest(body) == every[:6]
    assert body["applied_threshold"] == pytest.approx(cut, abs=1e-4)


def test_the_best_are_shown_however_weak_and_called_weak(owner, index):
    index(**COLORS)
    calibrate(owner.tenant, junk_below=1.0)
    body = search_text(owner)
    assert nearest(body) == nearest(search_text(owner, threshold=0))[:5]
    assert {result["match"] for result in body["results"]} == {"weak"}
    assert 0 <= nearest(body)[-1] - body["applied_threshold"] < 0.0002


def test_pages_under_a_smart_threshold_neither_repeat_nor_skip(owner, index):
    index(**COLORS)
    calibrate(owner.tenant, junk_below=1.0)
    pages = [search_text(owner, limit=2, offset=offset) for offset in (0, 2, 4, 6)]
    assert [len(page["results"]) for page in pages] == [2, 2, 1, 0]
    assert [score for page in pages for score in scores(page)] == scores(search_text(owner))


def test_a_threshold_that_is_named_counts_as_it_is(owner, index):
    index(**COLORS)
    calibrate(owner.tenant, junk_below=0.0)
    assert (search_text(owner, threshold=1)["count"], search_text(owner, threshold=1)["applied_threshold"]) == (0, 1)
    assert search_text(owner, threshold=None)["count"] == 7


def test_relevance_is_what_the_catalogue_has_told(owner, index):
    index(**COLORS)
    junk = nearest(search_text(owner, threshold=0))[3]
    calibrate(owner.tenant, junk_below=junk, steepness=10)
    results = search_text(owner, threshold=0)["results"]
    expected = [1 / (1 + 9 * math.exp(-10 * (result["similarity_score"] - junk))) for result in results]
    assert [result["relevance"] for result in results] == pytest.approx(expected, abs=1e-3)
    assert [result["match"] for result in results] == [
        "strong" if value >= 0.75 else "fair" if value >= 0.4 else "weak" for value in expected
    ]


def test_pictures_are_judged_on_a_scale_of_their_own(owner, pictures, shop):
    calibrate(owner.tenant, junk_below=1.0, mode="text")
    calibrate(owner.tenant, junk_below=-1.0, mode="image")
    assert {result["match"] for result in search_text(owner)["results"]} == {"weak"}
    assert {result["match"] for result in search_url(owner, pictures, RED).json()["results"]} == {"strong"}


def test_pages_neither_repeat_nor_skip(owner, shop):
    whole = ids(owner.client.post("/v1/search/text", {"query": "ball"}))
    paged = [ids(owner.client.post("/v1/search/text", {"query": "ball", "limit": 1, "offset": n}))[0] for n in range(3)]
    assert paged == whole


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("text", {}, "query"),
        ("text", {"query": "  "}, "query"),
        ("text", {"query": "x" * 501}, "query"),
        ("text", {"query": "x", "limit": 0}, "limit"),
        ("text", {"query": "x", "limit": 101}, "limit"),
        ("text", {"query": "x", "threshold": 1.5}, "threshold"),
        ("text", {"query": "x", "price_min": "cheap"}, "price_min"),
        ("url", {}, "image_url"),
        ("url", {"image_url": "https://example.com/a.jpg", "image_base64": "AAAA"}, "image_url"),
    ],
)
def test_what_is_wrong_is_named(owner, path, body, field):
    response = owner.client.post(f"/v1/search/{path}", body)
    assert (response.status_code, response.json()["error"]) == (422, "validation_failed")
    assert [error["field"] for error in response.json()["errors"]] == [field]


def test_broken_json_is_told(owner):
    response = owner.client.post("/v1/search/text", "{", content_type="application/json")
    assert (response.status_code, response.json()["error"]) == (400, "invalid_json")


def test_a_file_that_is_no_picture_is_told(owner):
    upload = SimpleUploadedFile("notes.txt", b"hello", "text/plain")
    response = owner.client.post("/v1/search", {"image": upload}, format="multipart")
    assert (response.status_code, response.json()["error"]) == (422, "unsupported_format")


def test_an_upload_that_is_too_large_is_told(owner):
    upload = SimpleUploadedFile("big.jpg", b"x" * 10_000_001, "image/jpeg")
    response = owner.client.post("/v1/search", {"image": upload}, format="multipart")
    assert (response.status_code, response.json()["error"]) == (413, "image_too_large")


def test_an_address_that_does_not_answer_is_told(owner, pictures):
    response = owner.client.post("/v1/search/url", {"image_url": pictures.url("/none.jpg")})
    assert (response.status_code, response.json()["error"]) == (422, "image_fetch_failed")


def test_shops_do_not_see_each_other(stranger, owner, shop):
    assert ids(stranger.client.post("/v1/search/text", {"query": "red ball"})) == []


def test_searching_needs_its_permission(reader):
    response = reader.client.post("/v1/search/text", {"query": "red"})
    assert (response.status_code, response.json()["error"]) == (403, "missing_permission")


def test_a_search_is_remembered(owner, shop):
    flush_search_events()
    before = SearchEvent.objects.count()
    body = owner.client.post("/v1/search/text", {"query": "Red Ball"}).json()
    assert flush_search_events() >= 1
    assert flush_search_events() == 0
    event = SearchEvent.objects.get(search_id=body["search_id"])
    assert (event.tenant, event.mode, event.text, event.results) == (owner.tenant, "text", "Red Ball", 3)
    assert SearchEvent.objects.count() == before + 1


def test_a_search_costs_four_queries(owner, shop, django_assert_num_queries):
    owner.client.post("/v1/search/text", {"query": "warm up"})
    # Tenant of the token, nearest vectors, what ranking reads of them, the products of the page.
    with django_assert_num_queries(4):
        owner.client.post("/v1/search/text", {"query": "red ball"})


def test_without_redis_a_search_is_answered_and_the_loss_is_logged(owner, shop, settings, caplog):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    search_events._client.cache_clear()
    try:
        assert ids(owner.client.post("/v1/search/text", {"query": "red ball"}))[0] == "red"
    finally:
        search_events._client.cache_clear()
    assert "search event lost" in caplog.messages


def test_the_request_id_of_the_client_is_kept(owner):
    response = owner.client.post("/v1/search/text", {"query": ""}, headers={"x-request-id": "abc-123"})
    assert response["X-Request-ID"] == "abc-123"
    assert json.loads(response.content)["request_id"] == "abc-123"
