import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import FeedbackEvent, SearchEvent
from analytics.search_events import SearchContext, flush_search_events, record_search


def record(tenant, search_id, *, text="red shoe", context=None):
    context = context or SearchContext()
    record_search(tenant, search_id=search_id, mode="text", text=text, results=3, milliseconds=12.5, context=context)


def test_what_was_asked_by_whom_and_what_was_shown_is_kept(tenant):
    context = SearchContext(
        params={"query": "red shoe", "price_max": 100},
        filters=[{"field": "brand", "value": "SportMax"}],
        session_id="visit-42",
        user_id="customer-7",
        experiment="exp_1",
        variant="b",
        top_product_ids=[f"shoe-{number}" for number in range(12)],
        surface="widget",
    )
    record(tenant, "srch_1", context=context)
    flush_search_events()
    event = SearchEvent.objects.get(search_id="srch_1")
    assert event.tenant == tenant
    assert (event.mode, event.text, event.results, event.milliseconds) == ("text", "red shoe", 3, 12.5)
    assert event.params == {"query": "red shoe", "price_max": 100}
    assert event.filters == [{"field": "brand", "value": "SportMax"}]
    assert (event.session_id, event.user_id) == ("visit-42", "customer-7")
    assert (event.experiment, event.variant, event.surface) == ("exp_1", "b", "widget")
    assert event.top_product_ids == [f"shoe-{number}" for number in range(10)]


def test_a_search_without_a_context_came_through_the_api(tenant):
    record(tenant, "srch_1", text="x" * 501)
    flush_search_events()
    event = SearchEvent.objects.get()
    assert event.text == "x" * 500
    assert (event.surface, event.params, event.filters, event.session_id) == ("api", {}, [], "")


def test_further_pages_of_a_search_are_no_further_event(tenant):
    record(tenant, "srch_1")
    record(tenant, "srch_1", text="page 2")
    flush_search_events()
    record(tenant, "srch_1", text="page 3")
    flush_search_events()
    assert [event.text for event in SearchEvent.objects.all()] == ["red shoe"]


def test_an_event_that_cannot_be_stored_holds_up_no_other(tenant, caplog):
    caplog.set_level(logging.ERROR, logger="analytics.search_events")
    record(tenant, "srch_1")
    record(tenant, "srch_2", context=SearchContext(params={"query": "\0"}))
    record(tenant, "srch_3", context=SearchContext(session_id="x" * 256))
    record(tenant, "srch_4")
    assert flush_search_events() >= 4
    assert {event.search_id for event in SearchEvent.objects.all()} == {"srch_1", "srch_4"}
    assert [record.search_id for record in caplog.records] == ["srch_2", "srch_3"]
    assert flush_search_events() == 0


@pytest.mark.parametrize("model", [SearchEvent, FeedbackEvent])
def test_events_older_than_the_longest_report_expire(tenant, model):
    fields = {SearchEvent: {"results": 1, "milliseconds": 1}, FeedbackEvent: {"product_id": "a", "action": "click"}}
    edge = timezone.now() - timedelta(days=400)
    for search_id, created_at in (("old", edge), ("new", edge + timedelta(minutes=1))):
        model.objects.create(tenant=tenant, search_id=search_id, created_at=created_at, **fields[model])
    assert [event.search_id for event in model.expired()] == ["old"]
