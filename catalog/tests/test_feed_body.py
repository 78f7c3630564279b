import io
import json
import tempfile
import tracemalloc

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import RequestFactory
from django.urls import resolve

from accounts.tokens import issue_token
from catalog.models import Job

NDJSON = "application/x-ndjson"
PLACE = "/v1/products/bulk"


def feed(*names, **facts):
    """Return the lines of a feed of products that wait for no picture."""
    lines = [{"product_id": name, "image_url": "https://shop.example/a.jpg", "metadata": facts} for name in names]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def change_plan(tenant, **columns):
    plan = tenant.subscription.plan
    for name, value in columns.items():
        setattr(plan, name, value)
    plan.save()


def test_a_feed_becomes_a_job_with_an_item_for_each_line(owner):
    response = owner.client.post(PLACE, feed("a", "b"), content_type=NDJSON)
    assert (response.status_code, response.json()["total"]) == (202, 2)
    items = Job.objects.get().items.order_by("index")
    assert [(item.index, item.product_id, item.document) for item in items] == [
        (n, name, {"sent": json.loads(feed(name))}) for n, name in enumerate("ab")
    ]


def test_a_line_that_is_no_product_fails_alone_and_blank_lines_do_not_count(owner):
    body = b"{broken\n\n  \n" + feed("a") + b'[1]\n"text"'
    job_id = owner.client.post(PLACE, body, content_type=NDJSON).json()["job_id"]
    job = owner.client.get(f"/v1/jobs/{job_id}").json()
    assert (job["total"], job["failed"]) == (4, 3)
    assert [(error["index"], error["code"]) for error in job["errors"]] == [
        (0, "validation_failed"),
        (2, "validation_failed"),
        (3, "validation_failed"),
    ]
    assert job["errors"][0]["message"].startswith("This line is no JSON")
    assert job["errors"][1]["message"] == "A product is a JSON object."


def test_the_callback_of_a_feed_stands_in_its_address(owner):
    address = "https://shop.example/hook"
    assert owner.client.post(f"{PLACE}?callback_url={address}", feed("a"), content_type=NDJSON).status_code == 202
    assert Job.objects.get().callback_url == address
    assert owner.client.post(f"{PLACE}?callback_url=nonsense", feed("a"), content_type=NDJSON).status_code == 422


def test_a_feed_may_be_larger_than_a_request_and_has_a_limit_of_its_own(owner, settings):
    settings.MAX_BODY_BYTES, settings.MAX_FEED_BYTES = 150, 400
    assert owner.client.post(PLACE, feed(*"abc"), content_type=f"{NDJSON}; charset=utf-8").status_code == 202
    too_large = owner.client.post(PLACE, feed(*"abcdef"), content_type=NDJSON)
    assert (too_large.status_code, too_large.json()["error"]) == (413, "payload_too_large")
    assert owner.client.post(PLACE, feed(*"abc"), content_type="application/json").status_code == 413
    assert owner.client.post("/v1/products", feed(*"abc"), content_type=NDJSON).status_code == 413
    assert Job.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "announced", "status", "code"),
    [
        (feed("a", "b"), 1_000, 400, "incomplete_body"),
        (feed("a", "b", note="long" * 100), None, 400, "line_too_long"),
        (b"", None, 422, "validation_failed"),
        (b"\n \n", None, 422, "validation_failed"),
    ],
)
def test_of_a_feed_that_cannot_be_taken_whole_nothing_is_kept(owner, settings, body, announced, status, code):
    settings.MAX_BODY_BYTES = 300
    length = {} if announced is None else {"CONTENT_LENGTH": str(announced)}
    sent = {"wsgi.input": io.BytesIO(body), **length}
    response = owner.client.generic("POST", PLACE, body, content_type=NDJSON, **sent)
    assert (response.status_code, response.json()["error"]) == (status, code)
    assert not Job.objects.exists()


def test_a_feed_has_as_many_lines_as_the_plan_has_products(owner):
    change_plan(owner.tenant, max_batch_size=1, max_products=2)
    refused = owner.client.post(PLACE, feed(*"abc"), content_type=NDJSON)
    assert refused.status_code == 422
    assert "feeds of 2 lines" in refused.json()["errors"][0]["message"]
    assert not Job.objects.exists()
    assert owner.client.post(PLACE, feed(*"ab"), content_type=NDJSON).status_code == 202


def test_a_feed_with_more_new_products_than_the_plan_has_room_for_is_refused_whole(owner, index):
    index(a=(255, 0, 0))
    change_plan(owner.tenant, max_products=2)
    refused = owner.client.post(PLACE, feed(*"bc"), content_type=NDJSON)
    assert (refused.status_code, refused.json()["error"]) == (403, "plan_limit_reached")
    assert not Job.objects.exists()
    assert owner.client.post(PLACE, feed("a", "b"), content_type=NDJSON).status_code == 202


def test_a_feed_that_is_sent_twice_with_a_key_is_taken_once(owner):
    def send(body):
        return owner.client.post(PLACE, body, content_type=NDJSON, HTTP_IDEMPOTENCY_KEY="feed-1")

    first, second, other = send(feed("a")), send(feed("a")), send(feed("b"))
    assert (first.status_code, second.json(), second["Idempotent-Replayed"]) == (202, first.json(), "true")
    assert (other.status_code, other.json()["error"]) == (409, "idempotency_key_reused")
    assert Job.objects.count() == 1


def test_a_feed_is_never_in_memory_as_a_whole(owner):
    body = feed(*(f"p{n}" for n in range(200)), note="x" * 200_000)
    sent = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body)), "HTTP_IDEMPOTENCY_KEY": "large"}
    tracemalloc.start()
    try:
        response = owner.client.generic("POST", PLACE, content_type=NDJSON, **sent)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (response.status_code, response.json()["total"]) == (202, 200)
    assert peak < len(body) / 2


@pytest.mark.parametrize(
    ("place", "sent"),
    [
        (PLACE, {"data": feed("a"), "content_type": NDJSON}),
        (PLACE, {"data": feed("a"), "content_type": NDJSON, "CONTENT_LENGTH": "10000"}),
        ("/v1/products/import", {"data": feed("a"), "content_type": NDJSON}),
        ("/v1/products/import", {"data": {"file": SimpleUploadedFile("a.csv", b"words")}}),
    ],
)
def test_its_file_is_closed_however_the_request_ends_and_whoever_closes_the_answer(owner, monkeypatch, place, sent):
    opened = []

    class Watched(tempfile.SpooledTemporaryFile):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            opened.append(self)

    monkeypatch.setattr("catalog.feeds.body.tempfile.SpooledTemporaryFile", Watched)
    token = f"Bearer {issue_token(owner.tenant)}"
    resolve(place).func(RequestFactory().post(place, HTTP_AUTHORIZATION=token, **sent))
    assert [file.closed for file in opened] == [True]
