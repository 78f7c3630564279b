import base64
import json

import pytest

from accounts.models import AuditEntry, WebhookEndpoint, WebhookEvent
from catalog.models import Job, ModerationEvent, ModerationFloor, Product, ProductImage
from catalog.moderation import events, scores
from catalog.moderation.events import flush_scans
from catalog.moderation.policy import DEFAULTS
from conftest import picture
from trooply.tasks import prune

RED, BLUE = (220, 20, 20), (20, 40, 220)
POLICY, EVENTS, SUMMARY = "/v1/moderation/policy", "/v1/moderation/events", "/v1/moderation/summary"
# From here on any picture is flagged: as nudity, whatever the detector tells of it.
ANY = {"nudity": 0.0} | {name: 1.0 for name in DEFAULTS if name not in ("nudity", "minors_risk")}


@pytest.fixture(autouse=True)
def _floors(db):
    """The floor that migrations lay, which a test with real transactions flushes."""
    ModerationFloor.objects.get_or_create(category="minors_risk", defaults={"threshold": 0.9})


@pytest.fixture(autouse=True)
def _no_scans_of_other_tests():
    events._client().delete(events.PENDING)


@pytest.fixture
def flag_all(owner):
    def change(*, enforce=False):
        response = owner.client.put(POLICY, {"enforce": enforce, "thresholds": ANY})
        assert response.status_code == 200, response.content

    return change


@pytest.fixture
def send(owner, pictures):
    """Send a product whose picture is a disc of a colour at an address."""

    def post(product_id="red", color=RED):
        url = pictures.serve(f"/{product_id}.jpg", picture(color), content_type="image/jpeg")
        return owner.client.post("/v1/products", {"product_id": product_id, "image_url": url, "metadata": {}})

    return post


@pytest.fixture
def bulk(owner, django_capture_on_commit_callbacks):
    """Send products by name of colour as a job, and let it run; return its items in their order."""

    def run(*products):
        with django_capture_on_commit_callbacks(execute=True):
            body = owner.client.post("/v1/products/bulk", {"products": products}).json()
        return list(Job.objects.get(job_id=body["job_id"]).items.order_by("index"))

    return run


@pytest.fixture
def review(owner, django_capture_on_commit_callbacks):
    """Decide on an event, and let the job run that it may start."""

    def run(event, decision):
        with django_capture_on_commit_callbacks(execute=True):
            return owner.client.post(f"{EVENTS}/{event.event_id}/review", {"decision": decision})

    return run


def listen(tenant):
    WebhookEndpoint.objects.create(
        tenant=tenant, url="https://example.com/hook", events=["moderation.flagged"], secret="whsec_x"
    )


def search(owner, color=RED):
    return owner.client.post("/v1/search/url", {"image_base64": base64.b64encode(picture(color)).decode()})


def test_a_shop_begins_in_shadow_mode_with_our_defaults(owner):
    body = owner.client.get(POLICY).json()
    assert (body["enforce"], body["thresholds"], body["defaults"]) == (False, DEFAULTS, DEFAULTS)
    assert body["floors"] == {"minors_risk": 0.9}
    assert {told["category"]: told["detector"] for told in body["detectors"]} == dict.fromkeys(
        DEFAULTS, "zero_shot"
    ) | {"nudity": "opennsfw"}


def test_without_the_detector_the_policy_says_that_nudity_is_judged_by_words(owner, settings):
    settings.NUDITY_DETECTOR = False
    told = owner.client.get(POLICY).json()
    assert told["detectors"][0]["detector"] == "zero_shot"
    assert "words only" in told["detectors"][0]["note"]
    assert told["defaults"]["nudity"] == 0.9


def test_a_part_changes_alone_and_a_whole_goes_back_to_the_defaults(owner):
    owner.client.patch(POLICY, {"thresholds": {"nudity": 0.6, "drugs": 0.7}})
    body = owner.client.patch(POLICY, {"enforce": True, "thresholds": {"drugs": None}}).json()
    assert (body["enforce"], body["thresholds"]) == (True, DEFAULTS | {"nudity": 0.6})
    body = owner.client.put(POLICY, {"thresholds": {"weapons": 0.4}}).json()
    assert (body["enforce"], body["thresholds"]) == (False, DEFAULTS | {"weapons": 0.4})
    last = AuditEntry.objects.filter(action="moderation_policy.changed").latest("pk")
    assert (last.before["enforce"], last.after["thresholds"]["weapons"]) == (True, 0.4)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"thresholds": {"nudity": 1.1}}, "thresholds.nudity"),
        ({"thresholds": {"nudity": "nan"}}, "thresholds.nudity"),
        ({"thresholds": {"spam": 0.5}}, "thresholds.spam"),
        ({"enforced": True}, "enforced"),
        ({"thresholds": {"minors_risk": 0.95}}, "thresholds.minors_risk"),
    ],
)
def test_a_policy_that_cannot_be_is_refused_by_name(owner, body, field):
    response = owner.client.patch(POLICY, body)
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, [field])
    assert owner.client.get(POLICY).json()["thresholds"] == DEFAULTS


def test_in_shadow_mode_a_flagged_product_is_indexed_logged_and_told_of(owner, flag_all, send):
    listen(owner.tenant)
    flag_all()
    assert send().status_code == 201
    [event] = owner.client.get(EVENTS).json()["data"]
    image = ProductImage.objects.get()
    assert (event["surface"], event["category"], event["threshold"]) == ("indexing", "nudity", 0.0)
    assert (event["would_block"], event["blocked"], event["product_id"]) == (True, False, "red")
    assert (event["scores"], event["sha256"]) == (image.moderation, image.sha256)
    assert event["score"] == event["scores"]["nudity"]
    told = WebhookEvent.objects.get().data
    assert told == {
        "event_id": event["id"],
        "surface": "indexing",
        "category": "nudity",
        "score": event["score"],
        "threshold": 0.0,
        "would_block": True,
        "blocked": False,
        "product_id": "red",
        "flagged_at": event["created_at"][:19] + "Z",
    }


def test_enforcing_refuses_a_product_and_keeps_nothing_of_its_picture(owner, flag_all, send, settings):
    flag_all(enforce=True)
    response = send()
    assert (response.status_code, response.json()["error"]) == (403, "moderation_blocked")
    assert "nudity" in response.json()["message"]
    product = Product.objects.get()
    assert (product.status, product.error_code) == ("failed", "moderation_blocked")
    assert ProductImage.objects.count() == 0
    assert not [path for path in settings.MEDIA_ROOT.rglob("*") if path.is_file()]
    event = ModerationEvent.objects.get()
    assert (event.would_block, event.blocked, event.product_id) == (True, True, "red")


def test_in_bulk_a_refused_product_fails_alone_and_known_bytes_are_not_judged_again(owner, flag_all, bulk, pictures):
    good = {"product_id": "good", "image_url": pictures.serve("/good.jpg", picture(BLUE), content_type="image/jpeg")}
    bad = {"product_id": "bad", "image_url": pictures.serve("/bad.jpg", picture(RED), content_type="image/jpeg")}
    assert [item.status for item in bulk(good)] == ["succeeded"]
    flag_all(enforce=True)
    assert [(item.status, item.code) for item in bulk(bad, good)] == [
        ("failed", "moderation_blocked"),
        ("succeeded", ""),
    ]
    product = Product.objects.get(product_id="bad")
    assert (product.status, product.error_code) == ("failed", "moderation_blocked")
    assert sorted(ModerationEvent.objects.values_list("surface", "product_id")) == [("bulk", "bad"), ("bulk", "good")]


@pytest.mark.parametrize(
    ("sampled", "enforce", "seen"), [(1, False, True), (10**12, False, False), (10**12, True, True)]
)
def test_in_bulk_the_detector_sees_a_sample_or_all_where_it_decides(
    owner, bulk, pictures, monkeypatch, sampled, enforce, seen
):
    monkeypatch.setattr(scores, "SAMPLED", sampled)
    owner.client.patch(POLICY, {"enforce": enforce})
    url = pictures.serve("/red.jpg", picture(RED), content_type="image/jpeg")
    bulk({"product_id": "red", "image_url": url})
    assert ("nudity" in ProductImage.objects.get().moderation) == seen
    assert ("nudity" in ModerationEvent.objects.get().scores) == seen


def test_a_floor_refuses_in_shadow_mode_whatever_was_allowed(owner, send):
    floor = ModerationFloor.objects.create(category="nudity", threshold=0.0)
    assert owner.client.get(POLICY).json()["thresholds"]["nudity"] == 0.0
    assert send().status_code == 403
    event = ModerationEvent.objects.get()
    response = owner.client.post(f"{EVENTS}/{event.event_id}/review", {"decision": "allow_once"})
    assert (response.status_code, response.json()["errors"][0]["code"]) == (422, "above_floor")
    Product.objects.update(is_exempt_from_moderation=True)
    assert send().status_code == 403
    floor.delete()
    assert send().status_code == 200


def test_a_picture_that_was_allowed_passes_and_no_other_does(owner, flag_all, send, review):
    flag_all(enforce=True)
    send()
    event = ModerationEvent.objects.get()
    body = review(event, "allow_once").json()
    # The picture has an address, so it was fetched again.
    assert body["job_id"] == Job.objects.get().job_id
    assert body["event"]["review"] == "allowed_once"
    assert Product.objects.get(product_id="red").status == "indexed"
    assert send("blue", BLUE).status_code == 403
    entry = AuditEntry.objects.get(action="moderation_event.reviewed")
    assert (entry.target, entry.after["review"], entry.actor) == (event.event_id, "allowed_once", "owner")


def test_an_allowed_product_may_show_anything(owner, flag_all, send, review):
    flag_all(enforce=True)
    send()
    review(ModerationEvent.objects.get(), "allow_product")
    assert send(color=BLUE).status_code == 200
    event = ModerationEvent.objects.latest("pk")
    assert (event.product_id, event.category, event.would_block) == ("red", "nudity", False)
    assert send("blue", BLUE).status_code == 403


def test_a_picture_that_was_sent_in_the_request_has_to_be_sent_again(owner, flag_all, review):
    flag_all(enforce=True)
    sent = {"product_id": "red", "image_base64": base64.b64encode(picture(RED)).decode(), "metadata": {}}
    assert owner.client.post("/v1/products", sent).status_code == 403
    body = review(ModerationEvent.objects.get(), "allow_once").json()
    assert (body["job_id"], "Send the product again" in body["next_step"]) == (None, True)
    assert owner.client.post("/v1/products", sent).status_code == 200


def test_a_searched_picture_has_no_product_to_allow(owner, index, flag_all):
    index(red=RED)
    flag_all()
    assert search(owner).status_code == 200
    flush_scans(wait=True)
    event = ModerationEvent.objects.get(surface="search_upload")
    path = f"{EVENTS}/{event.event_id}/review"
    assert owner.client.post(path, {"decision": "allow_product"}).json()["errors"][0]["code"] == "no_product"
    assert owner.client.post(path, {"decision": "confirm"}).json()["event"]["review"] == "confirmed"


def test_a_search_is_judged_by_the_policy_of_its_day_though_its_picture_is_remembered(owner, index, flag_all):
    index(blue=BLUE)
    listen(owner.tenant)
    assert search(owner).status_code == 200
    flag_all(enforce=True)
    response = search(owner)
    assert (response.status_code, response.json()["error"]) == (403, "moderation_blocked")
    flush_scans(wait=True)
    passed, refused = ModerationEvent.objects.filter(surface="search_upload").order_by("created_at")
    assert (passed.would_block, passed.blocked) == (False, False)
    assert (refused.would_block, refused.blocked) == (True, True)
    assert passed.scores == refused.scores
    assert WebhookEvent.objects.get().data["event_id"] == refused.event_id
    owner.client.post(f"{EVENTS}/{refused.event_id}/review", {"decision": "allow_once"})
    assert search(owner).status_code == 200


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("hybrid", {"query": "a ball", "image_base64": True}),
        ("crop", {"image_base64": True, "crop": {"x": 0, "y": 0, "width": 0.5, "height": 0.5}}),
        ("objects", {"image_base64": True}),
        ("text", {"query": "a ball", "negative": [{"image_base64": True}]}),
    ],
)
def test_every_way_to_search_with_a_picture_is_judged(owner, index, flag_all, path, fields):
    index(blue=BLUE)
    flag_all(enforce=True)
    sent = base64.b64encode(picture(RED)).decode()
    if "negative" in fields:
        fields = fields | {"negative": [{"image_base64": sent}]}
    else:
        fields = fields | {"image_base64": sent}
    assert owner.client.post(f"/v1/search/{path}", fields).json()["error"] == "moderation_blocked"


def test_a_scan_that_is_flushed_twice_is_one(owner, index, flag_all):
    index(red=RED)
    flag_all()
    search(owner)
    client = events._client()
    pending = client.lrange(events.PENDING, 0, -1)
    flush_scans(wait=True)
    client.rpush(events.PENDING, *pending)
    assert flush_scans(wait=True) == 1
    assert ModerationEvent.objects.filter(surface="search_upload").count() == 1


def test_a_scan_that_cannot_be_stored_holds_up_no_other(owner, index, flag_all, caplog):
    index(red=RED)
    flag_all()
    client = events._client()
    search(owner)
    [pending] = client.lrange(events.PENDING, 0, -1)
    client.lpush(events.PENDING, b"{", json.dumps(json.loads(pending) | {"event_id": "x" * 41, "score": "high"}))
    assert flush_scans(wait=True) == 3
    assert ModerationEvent.objects.filter(surface="search_upload").count() == 1
    told = [one for one in caplog.records if one.message == "moderation scan cannot be stored"]
    assert len(told) == 2


def test_no_more_scans_wait_than_there_is_room_for(owner, index, flag_all, monkeypatch, caplog):
    monkeypatch.setattr(events, "MAX_PENDING", 2)
    index(red=RED)
    flag_all()
    for _ in range(3):
        search(owner)
    assert flush_scans(wait=True) == 2
    assert [one.scans for one in caplog.records if one.message == "moderation scans lost"] == [1]


def test_without_redis_the_policy_holds_all_the_same(owner, index, flag_all, settings):
    index(red=RED)
    flag_all(enforce=True)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    events._client.cache_clear()
    try:
        assert search(owner).status_code == 403
    finally:
        events._client.cache_clear()


def test_the_summary_counts_by_category_and_day_and_shows_how_scores_lie(owner, index, flag_all):
    index(red=RED)
    flag_all()
    index(blue=BLUE)
    body = owner.client.get(SUMMARY).json()
    assert (body["days"], body["scans"], body["flagged"], body["blocked"]) == (7, 2, 1, 0)
    assert body["by_category"]["nudity"] == {"scans": 2, "flagged": 1, "blocked": 0}
    assert [(day["scans"], day["flagged"]) for day in body["by_day"]] == [(2, 1)]
    counts = body["distribution"]["counts"]
    assert {name: sum(one) for name, one in counts.items()} == dict.fromkeys(DEFAULTS, 2)
    for event in ModerationEvent.objects.all():
        assert counts["nudity"][int(event.scores["nudity"] * 20)] > 0
    assert owner.client.get(SUMMARY, {"days": 31}).status_code == 422


def test_events_are_listed_newest_first_and_by_flag(owner, index, flag_all):
    index(red=RED)
    flag_all()
    index(blue=BLUE)
    assert [event["product_id"] for event in owner.client.get(EVENTS).json()["data"]] == ["blue", "red"]
    for flagged, product_id in (("true", "blue"), ("false", "red")):
        listed = owner.client.get(EVENTS, {"flagged": flagged, "limit": 1}).json()
        assert [event["product_id"] for event in listed["data"]] == [product_id]


@pytest.mark.parametrize(("method", "path"), [("get", POLICY), ("put", POLICY), ("get", EVENTS), ("get", SUMMARY)])
def test_whoever_may_only_read_products_sees_nothing_of_it(reader, method, path):
    assert getattr(reader.client, method)(path).status_code == 403


def test_events_are_kept_for_a_month_and_what_was_allowed_for_good(owner, index):
    index(red=RED, blue=BLUE)
    event = ModerationEvent.objects.get(product_id="red")
    owner.client.post(f"{EVENTS}/{event.event_id}/review", {"decision": "allow_once"})
    ModerationEvent.objects.update(created_at="2020-01-01T00:00:00Z")
    prune()
    assert [event.product_id for event in ModerationEvent.objects.all()] == ["red"]
