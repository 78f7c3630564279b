import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from analytics import search_events
from analytics.models import FeedbackEvent, SearchEvent
from analytics.search_events import SearchContext, record_search
from analytics.tests.searches import search


def history(character, **params):
    response = character.client.get("/v1/search/history", params)
    assert response.status_code == 200, response.content
    return response.json()


def queries(character, **params):
    return [entry["query"] for entry in history(character, **params)["data"]]


def test_a_search_is_shown_as_it_can_be_asked_again(owner, stranger):
    created_at = datetime(2026, 3, 20, 12, tzinfo=UTC)
    event = search(
        owner.tenant,
        "red dress",
        results=3,
        milliseconds=12.5,
        created_at=created_at,
        params={"query": "red dress", "price_max": 100},
        filters=[{"field": "price", "value": 100}],
        top_product_ids=["a", "b"],
        surface="portal",
    )
    search(stranger.tenant, "of another shop")
    assert history(owner) == {
        "data": [
            {
                "search_id": event.search_id,
                "type": "text",
                "query": "red dress",
                "results": 3,
                "latency_ms": 12.5,
                "created_at": "2026-03-20T12:00:00Z",
                "surface": "portal",
                "params": {"query": "red dress", "price_max": 100},
                "filters": [{"field": "price", "value": 100}],
                "top_product_ids": ["a", "b"],
                "session_id": "",
                "user_id": "",
                "experiment": "",
                "variant": "",
            }
        ],
        "has_more": False,
        "next_cursor": None,
        "summary": {"total": 1, "today": 0},
    }


def test_pages_follow_each_other_from_the_newest_on(owner):
    for age in range(3):
        search(owner.tenant, f"{age}", created_at=timezone.now() - timedelta(days=age))
    first = history(owner, limit=2)
    assert [entry["query"] for entry in first["data"]] == ["0", "1"]
    assert first["summary"] == {"total": 3, "today": 1}
    second = history(owner, limit=2, cursor=first["next_cursor"])
    assert ([entry["query"] for entry in second["data"]], second["has_more"]) == (["2"], False)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"mode": "text"}, ["Red dress", "old red hat"]),
        ({"mode": "upload"}, [""]),
        ({"q": "RED"}, ["Red dress", "old red hat"]),
        ({"created_after": "2026-03-01T00:00:00Z", "q": "red"}, ["Red dress"]),
        ({"created_after": "2026-03-20T12:00:00Z"}, []),
    ],
)
def test_history_is_filtered_by_kind_words_and_time(owner, params, expected):
    for text, mode, day in (("Red dress", "text", 20), ("", "upload", 19)):
        search(owner.tenant, text, mode=mode, created_at=datetime(2026, 3, day, 12, tzinfo=UTC))
    search(owner.tenant, "old red hat", created_at=datetime(2026, 2, 1, tzinfo=UTC))
    assert queries(owner, **params) == expected


@pytest.mark.parametrize(
    "params", [{"limit": 0}, {"limit": 101}, {"created_after": "yesterday"}, {"q": "x" * 501}, {"mode": "\0"}]
)
def test_history_has_bounds(owner, params):
    assert owner.client.get("/v1/search/history", params).status_code == 422


def test_all_searches_can_be_forgotten_and_still_count(owner, stranger):
    search(
        owner.tenant,
        "my secret",
        params={"query": "my secret"},
        filters=[{"field": "size", "value": "XXL"}],
        session_id="visit",
        user_id="customer",
        top_product_ids=["a"],
    )
    record_search(
        owner.tenant,
        search_id="srch_pending",
        mode="text",
        text="on its way",
        results=1,
        milliseconds=1,
        context=SearchContext(session_id="visit"),
    )
    FeedbackEvent.objects.create(tenant=owner.tenant, product_id="a", action="click", session_id="visit")
    search(stranger.tenant, "theirs", session_id="visit")
    response = owner.client.delete("/v1/search/history")
    assert (response.status_code, response.json()) == (200, {"deleted": 2})
    assert history(owner)["summary"] == {"total": 0, "today": 0}
    for event in SearchEvent.objects.filter(tenant=owner.tenant):
        assert (event.text, event.params, event.filters, event.top_product_ids) == ("", {}, [], [])
        assert (event.session_id, event.user_id) == ("", "")
    assert FeedbackEvent.objects.get().session_id == ""
    assert owner.client.get("/v1/search/analytics").json()["total_searches"] == 2
    assert queries(stranger) == ["theirs"]
    assert owner.client.delete("/v1/search/history").json() == {"deleted": 0}


def test_what_another_process_is_storing_is_forgotten_too(owner):
    record_search(owner.tenant, search_id="srch_late", mode="text", text="my secret", results=1, milliseconds=1)
    flush = search_events._client().lock(f"{search_events.PENDING}:flush", timeout=60, thread_local=False)
    flush.acquire()
    threading.Timer(0.5, flush.release).start()
    assert owner.client.delete("/v1/search/history").json() == {"deleted": 1}
    assert SearchEvent.objects.get().text == ""


@pytest.mark.parametrize(
    ("params", "left", "sessions"),
    [
        ("user_id=bob", {"of Carol"}, {"", "other"}),
        ("session_id=visit", {"of Bob", "of Carol"}, {"other"}),
        ("session_id=visit&user_id=carol", {"of Bob", "of Carol"}, {"other"}),
        ("user_id=nobody", {"of Bob", "of Carol"}, {"visit", "other"}),
    ],
)
def test_one_shopper_can_be_forgotten(owner, params, left, sessions):
    bobs = search(owner.tenant, "of Bob", session_id="home", user_id="bob")
    search(owner.tenant, "of Carol", session_id="work", user_id="carol")
    for session_id in ("visit", "other"):
        search_id = bobs.search_id if session_id == "visit" else ""
        FeedbackEvent.objects.create(
            tenant=owner.tenant, product_id="a", action="click", session_id=session_id, search_id=search_id
        )
    owner.client.delete(f"/v1/search/history?{params}")
    assert set(queries(owner)) == left
    assert set(FeedbackEvent.objects.values_list("session_id", flat=True)) - {""} == sessions - {""}


def test_who_may_not_see_the_figures_sees_no_history_and_forgets_none(reader):
    assert reader.client.get("/v1/search/history").status_code == 403
    response = reader.client.delete("/v1/search/history")
    assert (response.status_code, response.json()["error"]) == (403, "missing_permission")
