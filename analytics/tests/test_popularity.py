from datetime import timedelta

import pytest
from django.utils import timezone

from analytics.models import FeedbackEvent
from analytics.popularity import update_popularity
from analytics.tasks import update_popularity as update_all
from catalog.models import Product

NOW = timezone.now()
A_HALF_LIFE = timedelta(days=14)


def add_products(tenant, *ids):
    for product_id in ids:
        metadata = {"name": product_id.upper()}
        Product.objects.create(
            tenant=tenant, product_id=product_id, image_urls=[], metadata=metadata, status=Product.Status.INDEXED
        )


def report(tenant, product_id, action="click", *, times=1, age=timedelta()):
    FeedbackEvent.objects.bulk_create(
        FeedbackEvent(tenant=tenant, product_id=product_id, action=action, created_at=NOW - age) for _ in range(times)
    )


def popularity(tenant):
    return dict(tenant.products.values_list("product_id", "popularity"))


@pytest.mark.parametrize(("action", "expected"), [("click", 1 / 21), ("add_to_cart", 4 / 24), ("purchase", 10 / 30)])
def test_one_event_makes_no_star(tenant, action, expected):
    add_products(tenant, "a", "b")
    report(tenant, "a", action)
    assert update_popularity(tenant.pk, at=NOW) == 1
    assert popularity(tenant) == {"a": round(expected, 3), "b": 0}


def test_where_much_happens_products_are_measured_by_the_shops_own_mean(tenant):
    add_products(tenant, "a", "b")
    report(tenant, "a", "purchase", times=9)
    report(tenant, "b", "click", times=10)
    update_popularity(tenant.pk, at=NOW)
    assert popularity(tenant) == {"a": round(90 / (90 + 50), 3), "b": round(10 / (10 + 50), 3)}


def test_what_happened_a_half_life_ago_counts_half(tenant):
    add_products(tenant, "a")
    report(tenant, "a", "purchase", age=A_HALF_LIFE)
    update_popularity(tenant.pk, at=NOW)
    assert popularity(tenant) == {"a": 5 / 25}


def test_what_is_older_than_ninety_days_is_forgotten(tenant):
    add_products(tenant, "a", "b")
    report(tenant, "a", "purchase", times=1_000, age=timedelta(days=90))
    update_popularity(tenant.pk, at=NOW - timedelta(seconds=1))
    assert popularity(tenant)["a"] > 0
    report(tenant, "b", age=timedelta(days=91))
    assert update_popularity(tenant.pk, at=NOW) == 1
    assert popularity(tenant) == {"a": 0, "b": 0}


def test_a_second_run_writes_nothing(tenant):
    add_products(tenant, "a")
    report(tenant, "a", "add_to_cart")
    assert [update_popularity(tenant.pk, at=NOW) for _ in range(2)] == [1, 0]


def test_feedback_of_another_shop_and_on_missing_products_is_nothing_to_this_one(tenant, stranger):
    add_products(tenant, "a")
    add_products(stranger.tenant, "a")
    report(stranger.tenant, "a", "purchase")
    report(tenant, "deleted", "click")
    assert update_popularity(tenant.pk, at=NOW) == 0
    assert popularity(tenant) == {"a": 0}


def test_the_task_goes_to_every_shop_that_has_feedback(tenant, stranger):
    for shop in (tenant, stranger.tenant):
        add_products(shop, "a")
        report(shop, "a", "purchase", times=1_000, age=timedelta(minutes=1))
    update_all()
    assert popularity(tenant)["a"] == popularity(stranger.tenant)["a"] == 0.5


def test_popular_products_are_counted_over_the_days_asked_for(owner, stranger):
    add_products(owner.tenant, "a", "b", "c")
    add_products(stranger.tenant, "a")
    report(owner.tenant, "a", "click", times=3)
    report(owner.tenant, "b", "add_to_cart")
    report(owner.tenant, "b", "purchase", age=timedelta(days=8))
    report(owner.tenant, "deleted", "purchase")
    report(stranger.tenant, "a", "purchase")
    week = owner.client.get("/v1/search/feedback/popular", {"days": 7}).json()
    first = {"product_id": "b", "score": 4, "clicks": 0, "add_to_carts": 1, "purchases": 0, "metadata": {"name": "B"}}
    second = {"product_id": "a", "score": 3, "clicks": 3, "add_to_carts": 0, "purchases": 0, "metadata": {"name": "A"}}
    assert week == {"products": [first, second]}
    month = owner.client.get("/v1/search/feedback/popular", {"days": 30, "limit": 1}).json()
    assert month == {"products": [first | {"score": 14, "purchases": 1}]}


@pytest.mark.parametrize("params", [{"days": 0}, {"days": 401}, {"limit": 0}, {"limit": 101}, {"days": "all"}])
def test_popular_products_have_bounds(owner, params):
    response = owner.client.get("/v1/search/feedback/popular", params)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == list(params)
