from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import FeedbackEvent
from analytics.tests.searches import search


def report(character, **params):
    response = character.client.get("/v1/search/analytics", params)
    assert response.status_code == 200, response.content
    return response.json()


def feedback(tenant, action, *, of=None, **fields):
    search_id = of.search_id if of else ""
    FeedbackEvent.objects.create(tenant=tenant, product_id="a", action=action, search_id=search_id, **fields)


def test_an_account_without_searches_has_figures_too(owner):
    assert report(owner, days=1) == {
        "total_searches": 0,
        "avg_latency_ms": 0,
        "zero_result_searches": 0,
        "zero_result_rate": 0,
        "by_day": [{"date": timezone.now().date().isoformat(), "searches": 0}],
        "by_type": {},
        "top_queries": [],
        "conversion": {
            "clicks": 0,
            "add_to_carts": 0,
            "purchases": 0,
            "click_through_rate": 0,
            "conversion_rate": 0,
            "revenue": [],
        },
    }


def test_searches_are_counted_by_day_type_and_query(owner, stranger):
    yesterday = timezone.now() - timedelta(days=1)
    search(owner.tenant, "Red dress", milliseconds=10)
    search(owner.tenant, "red dress", milliseconds=20)
    search(owner.tenant, "red dress", milliseconds=30, created_at=yesterday)
    search(owner.tenant, "unicorn", milliseconds=5, results=0, created_at=yesterday)
    search(owner.tenant, mode="upload", milliseconds=10)
    search(owner.tenant, "too long ago", created_at=timezone.now() - timedelta(days=3))
    search(stranger.tenant, "theirs")
    found = report(owner, days=3)
    assert (found["total_searches"], found["avg_latency_ms"]) == (5, 15.0)
    assert (found["zero_result_searches"], found["zero_result_rate"]) == (1, 0.2)
    assert [day["searches"] for day in found["by_day"]] == [0, 2, 3]
    assert found["by_day"][1]["date"] == yesterday.date().isoformat()
    assert found["by_type"] == {"text": 4, "upload": 1}
    assert found["top_queries"] == [{"query": "red dress", "count": 3}, {"query": "unicorn", "count": 1}]


def test_all_feedback_counts_and_only_what_names_a_search_of_ours_is_attributed(owner, stranger):
    first, second, _ = (search(owner.tenant, "red dress") for _ in range(3))
    theirs = search(stranger.tenant, "red dress")
    for _ in range(2):
        feedback(owner.tenant, "click", of=first)
    feedback(owner.tenant, "click")
    feedback(owner.tenant, "add_to_cart", of=first)
    feedback(owner.tenant, "purchase", of=first, order_id="1", order_value=20, currency="EUR")
    feedback(owner.tenant, "purchase", of=second, order_id="2", order_value=30.5, currency="EUR")
    feedback(owner.tenant, "purchase", of=second, order_id="3", order_value=7, currency="USD")
    feedback(owner.tenant, "purchase", of=second)
    feedback(owner.tenant, "purchase", of=theirs, order_id="4", order_value=1_000, currency="EUR")
    feedback(stranger.tenant, "purchase", of=first, order_id="5", order_value=1_000, currency="EUR")
    assert report(owner)["conversion"] == {
        "clicks": 3,
        "add_to_carts": 1,
        "purchases": 5,
        "click_through_rate": 0.3333,
        "conversion_rate": 0.6667,
        "revenue": [
            {"currency": "EUR", "amount": 50.5, "orders": 2},
            {"currency": "USD", "amount": 7.0, "orders": 1},
        ],
    }


def test_an_order_whose_products_are_reported_one_by_one_is_paid_once(owner):
    found = search(owner.tenant, "red dress")
    for product_id in ("a", "b"):
        FeedbackEvent.objects.create(
            tenant=owner.tenant,
            product_id=product_id,
            action="purchase",
            search_id=found.search_id,
            order_id="1",
            order_value=20,
        )
    for _ in range(2):
        feedback(owner.tenant, "purchase", of=found, order_value=5)
    assert report(owner)["conversion"]["revenue"] == [{"currency": "", "amount": 30.0, "orders": 3}]


@pytest.mark.parametrize("days", [0, 401, -1, "all"])
def test_a_report_has_bounds(owner, days):
    response = owner.client.get("/v1/search/analytics", {"days": days})
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, ["days"])


def test_the_longest_report_has_a_figure_for_each_day(owner):
    assert len(report(owner, days=400)["by_day"]) == 400


def test_it_requires_the_permission_to_read_figures(reader):
    assert reader.client.get("/v1/search/analytics").status_code == 403
