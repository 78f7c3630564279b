from decimal import Decimal

import pytest

from accounts.models import User
from analytics.models import FeedbackEvent
from conftest import signed_in

PURCHASE = {
    "search_id": "srch_1",
    "result_product_id": "shoe-001",
    "action": "purchase",
    "position": 3,
    "quantity": 2,
    "order_id": "order-1001",
    "order_value": 269.96999999999997,
    "currency": "usd",
    "session_id": "visit-42",
}


def send(character, body):
    return character.client.post("/v1/search/feedback", body)


@pytest.mark.parametrize("action", ["click", "add_to_cart", "purchase"])
def test_the_guides_body_is_recorded(owner, action):
    response = send(owner, {"result_product_id": "shoe-001", "action": action})
    assert (response.status_code, response.json()) == (202, {"status": "recorded"})
    event = FeedbackEvent.objects.get()
    assert (event.tenant, event.product_id, event.action) == (owner.tenant, "shoe-001", action)
    assert (event.search_id, event.position, event.quantity, event.order_value) == ("", None, 1, None)


def test_a_purchase_is_kept_with_its_order_and_its_search(owner):
    assert send(owner, PURCHASE).status_code == 202
    event = FeedbackEvent.objects.get()
    assert (event.search_id, event.session_id, event.position, event.quantity) == ("srch_1", "visit-42", 3, 2)
    assert (event.order_id, event.order_value, event.currency) == ("order-1001", Decimal("269.97"), "USD")


def test_a_product_of_an_order_is_bought_once(owner, stranger):
    assert send(owner, PURCHASE).json() == {"status": "recorded"}
    again = send(owner, PURCHASE | {"order_value": 1})
    assert (again.status_code, again.json()) == (202, {"status": "duplicate"})
    assert send(owner, PURCHASE | {"result_product_id": "shoe-002"}).json() == {"status": "recorded"}
    assert send(stranger, PURCHASE).json() == {"status": "recorded"}
    assert FeedbackEvent.objects.filter(tenant=owner.tenant).count() == 2
    assert FeedbackEvent.objects.get(tenant=owner.tenant, product_id="shoe-001").order_value == Decimal("269.97")


def test_clicks_and_purchases_without_an_order_may_repeat(owner):
    for body in ({"result_product_id": "a", "action": "purchase"}, PURCHASE | {"action": "click", "order_value": None}):
        assert [send(owner, body).json()["status"] for _ in range(2)] == ["recorded", "recorded"]


def test_an_idempotency_key_makes_a_click_count_once(owner):
    for _ in range(2):
        owner.client.post(
            "/v1/search/feedback", {"result_product_id": "a", "action": "click"}, HTTP_IDEMPOTENCY_KEY="one"
        )
    assert FeedbackEvent.objects.count() == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"action": "view"}, "action"),
        ({"result_product_id": ""}, "result_product_id"),
        ({"result_product_id": "x" * 256}, "result_product_id"),
        ({"search_id": "x" * 256}, "search_id"),
        ({"session_id": "x" * 101}, "session_id"),
        ({"action": "click"}, "order_value"),
        ({"order_value": -0.01}, "order_value"),
        ({"order_value": "nan"}, "order_value"),
        ({"order_value": "inf"}, "order_value"),
        ({"order_value": 1e12}, "order_value"),
        ({"currency": "US$"}, "currency"),
        ({"position": 0}, "position"),
        ({"quantity": 0}, "quantity"),
    ],
)
def test_what_makes_no_sense_is_refused_and_named(owner, changes, field):
    response = send(owner, PURCHASE | changes)
    assert response.status_code == 422
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert not FeedbackEvent.objects.exists()


def member(tenant, *permissions):
    user = User.objects.create_user(f"{permissions[0]}@example.com", tenant=tenant)
    user.user_groups.add(tenant.user_groups.create(name="Some", permissions=list(permissions)))
    return signed_in(user)


def test_it_requires_the_permission_to_write_searches(tenant):
    body = {"result_product_id": "a", "action": "click"}
    refused = member(tenant, "search:read").post("/v1/search/feedback", body)
    assert (refused.status_code, refused.json()["error"]) == (403, "missing_permission")
    assert "search:write" in refused.json()["detail"]
    tenant.user_groups.filter(name="Some").delete()
    assert member(tenant, "search:write").post("/v1/search/feedback", body).status_code == 202
