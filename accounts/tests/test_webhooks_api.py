"""Endpoints through the API: made, changed, tried, and what they were sent."""

import json
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import ApiKey, AuditEntry, IdempotentRequest, Tenant, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.delivery import deliver_due
from accounts.webhooks.events import EventType, record_event
from conftest import signed_in
from trooply.testing.webhook_receiver import Reply, WebhookReceiver

PATH = "/v1/search/webhooks"
SENT = {
    "url": "https://your-server.com/webhooks/visual-search",
    "events": ["product.indexed", "product.deleted"],
    "secret": "your-hmac-secret",
}


@pytest.fixture
def receiver(settings):
    with WebhookReceiver() as server:
        settings.FETCH_ALLOWED_HOSTS = [server.host]
        yield server


@pytest.fixture
def endpoint(owner, receiver):
    created = owner.client.post(PATH, {"url": receiver.url(), "events": ["*"]})
    return created.json()


def errors_of(response):
    assert response.status_code == 422, response.content
    return {error["field"]: error["message"] for error in response.json()["errors"]}


def emit(tenant, **data):
    record_event(Tenant.objects.get(pk=tenant.pk), EventType.PRODUCT_DELETED, data)
    return WebhookDelivery.objects.latest("pk")


def test_a_secret_of_the_shops_own_is_never_shown(owner):
    response = owner.client.post(PATH, SENT)
    assert response.status_code == 201
    created = response.json()
    assert created.items() >= {"url": SENT["url"], "events": SENT["events"], "active": True, "state": "active"}.items()
    assert created["id"].startswith("wh_")
    assert owner.client.get(PATH).json() == [created]
    assert owner.client.get(f"{PATH}/{created['id']}").json() == created
    assert SENT["secret"] not in json.dumps(created)
    assert WebhookEndpoint.objects.get().secret == SENT["secret"]


def test_a_secret_that_we_made_is_shown_once_and_kept_nowhere_in_the_clear(owner):
    response = owner.client.post(PATH, {"url": SENT["url"], "events": ["*"]}, HTTP_IDEMPOTENCY_KEY="first")
    secret = response.json()["secret"]
    assert secret.startswith("whsec_")
    assert response["Cache-Control"] == "no-store"
    again = owner.client.post(PATH, {"url": SENT["url"], "events": ["*"]}, HTTP_IDEMPOTENCY_KEY="first")
    assert again["Idempotent-Replayed"] == "true"
    kept = [again.json(), IdempotentRequest.objects.get().body, *owner.client.get(PATH).json()]
    kept += AuditEntry.objects.values_list("after", flat=True)
    assert secret not in json.dumps(kept)
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_webhookendpoint")
        assert secret not in cursor.fetchone()[0]


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"secret": "fifteen letters"}, "secret", "ASCII"),
        ({"secret": "fifteen-letters"}, "secret", "16"),
        ({"events": []}, "events", "one event at least"),
        ({"events": ["product.eaten"]}, "events", "product.indexed, product.updated"),
        ({"event": ["*"]}, "event", "url, events, description, secret"),
        ({"url": "https://127.0.0.1/"}, "url", "public internet"),
        ({"url": "https://2130706433/"}, "url", "valid URL"),
        ({"url": "https://[::1]/"}, "url", "public internet"),
        ({"url": "https://localhost/"}, "url", "public internet"),
        ({"url": "https://169.254.169.254/latest/meta-data"}, "url", "public internet"),
        ({"url": "https://example.com:5432/"}, "url", "Port 5432"),
        ({"url": "https://user:password@example.com/"}, "url", "password"),
        ({"url": "ftp://example.com/"}, "url", "HTTPS"),
        ({"url": "example"}, "url", "valid URL"),
    ],
)
def test_what_cannot_work_is_refused_with_its_field(owner, change, field, words):
    message = errors_of(owner.client.post(PATH, SENT | change))[field]
    assert words in message
    assert not WebhookEndpoint.objects.exists()


def test_in_production_only_https_will_do(owner, settings):
    settings.INSECURE_HTTP = False
    response = owner.client.post(PATH, SENT | {"url": "http://example.com/"}, secure=True)
    assert errors_of(response) == {"url": "Webhooks go to HTTPS addresses only: https://…"}


def test_there_may_be_twenty_endpoints(owner):
    for _ in range(20):
        assert owner.client.post(PATH, SENT).status_code == 201
    response = owner.client.post(PATH, SENT)
    assert (response.status_code, response.json()["error"]) == (409, "limit_reached")
    assert WebhookEndpoint.objects.count() == 20


def test_a_change_reaches_other_processes_at_once(owner, endpoint, receiver):
    address = f"{PATH}/{endpoint['id']}"
    emit(owner.tenant, product_id="a")
    assert owner.client.patch(address, {"events": ["product.indexed"], "description": "Till"}).status_code == 200
    event_count = WebhookDelivery.objects.count()
    emit(owner.tenant, product_id="b")
    assert WebhookDelivery.objects.count() == event_count == 1
    shown = owner.client.get(address).json()
    assert (shown["events"], shown["description"]) == (["product.indexed"], "Till")


def test_what_waits_goes_out_when_an_endpoint_is_enabled_again(owner, endpoint, receiver):
    address = f"{PATH}/{endpoint['id']}"
    emit(owner.tenant, product_id="a")
    assert owner.client.patch(address, {"active": False}).json()["state"] == "disabled"
    deliver_due()
    assert receiver.received == []
    emit(owner.tenant, product_id="b")
    owner.client.patch(address, {"active": True})
    deliver_due()
    assert [request.payload["data"] for request in receiver.received] == [{"product_id": "a"}]


def test_a_deleted_endpoint_takes_its_log_along(owner, endpoint):
    emit(owner.tenant)
    response = owner.client.delete(f"{PATH}/{endpoint['id']}")
    assert (response.status_code, response.content) == (204, b"")
    assert (owner.client.get(PATH).json(), WebhookDelivery.objects.count()) == ([], 0)


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        (Reply(204), {"delivered": True, "status": 204, "error": "", "answer": ""}),
        (Reply(500, body=b"oops"), {"delivered": False, "status": 500, "error": "http_error", "answer": "oops"}),
        (Reply(hangs_up=True), {"delivered": False, "status": None, "error": "connection", "answer": ""}),
    ],
)
def test_a_test_tells_at_once_what_came_back_and_is_not_repeated(owner, endpoint, receiver, reply, told):
    receiver.reply(reply)
    answer = owner.client.post(f"{PATH}/{endpoint['id']}/test").json()
    assert answer.items() >= told.items()
    assert answer["milliseconds"] >= 0
    (request,) = receiver.received
    assert (request.payload["event"], request.payload["webhook_id"]) == ("webhook.test", endpoint["id"])
    delivery = owner.client.get(f"{PATH}/deliveries/{answer['delivery_id']}").json()
    assert (delivery["status"], delivery["payload"]) == (
        "delivered" if told["delivered"] else "failed",
        request.payload,
    )
    assert WebhookEndpoint.objects.get().failing_since is None


def test_deliveries_are_listed_by_status_page_by_page(owner, endpoint, receiver):
    for name in "abc":
        emit(owner.tenant, product_id=name)
    receiver.reply(Reply(500), Reply(200))
    deliver_due()
    address = f"{PATH}/{endpoint['id']}/deliveries"
    page = owner.client.get(address, {"limit": 2}).json()
    assert (len(page["data"]), page["has_more"]) == (2, True)
    rest = owner.client.get(address, {"limit": 2, "cursor": page["next_cursor"]}).json()
    assert (len(rest["data"]), rest["has_more"]) == (1, False)
    (pending,) = owner.client.get(address, {"status": "pending"}).json()["data"]
    assert pending.items() >= {"event": "product.deleted", "attempts": 1, "finished_at": None}.items()
    assert pending["log"][0].items() >= {"status": 500, "error": "http_error"}.items()
    assert pending["next_attempt_at"] is not None
    assert len(owner.client.get(address, {"status": "delivered"}).json()["data"]) == 2
    assert "status" in errors_of(owner.client.get(address, {"status": "lost"}))


def test_an_event_is_sent_again_with_its_id(owner, endpoint, receiver):
    delivery = emit(owner.tenant, product_id="a")
    deliver_due()
    response = owner.client.post(f"{PATH}/deliveries/{delivery.delivery_id}/redeliver")
    assert (response.status_code, response.json()["status"]) == (202, "pending")
    deliver_due()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    shown = owner.client.get(f"{PATH}/deliveries/{delivery.delivery_id}").json()
    assert (shown["status"], len(shown["log"])) == ("delivered", 2)


@pytest.mark.parametrize(("status", "names"), [("failed", {"failed"}), ("all", {"failed", "delivered"})])
def test_a_range_is_sent_again(owner, endpoint, receiver, status, names):
    now = timezone.now()
    for name, hours in (("failed", 2), ("delivered", 2), ("failed", 8), ("failed", 0), ("pending", 2)):
        delivery = emit(owner.tenant, product_id=name)
        created = {"status": name, "created_at": now - timedelta(hours=hours), "due_at": now + timedelta(hours=9)}
        WebhookDelivery.objects.filter(pk=delivery.pk).update(**created)
    body = {
        "since": (now - timedelta(hours=3)).isoformat(),
        "until": (now - timedelta(hours=1)).isoformat(),
        "status": status,
    }
    response = owner.client.post(f"{PATH}/{endpoint['id']}/redeliver", body)
    assert (response.status_code, response.json()) == (202, {"redelivered": len(names)})
    deliver_due()
    assert {request.payload["data"]["product_id"] for request in receiver.received} == names


def test_the_secret_of_callbacks_is_shown_and_replaced(owner):
    address = f"{PATH}/callback-secret"
    secret = owner.client.get(address).json()["secret"]
    assert owner.client.get(address).json() == {"secret": secret}
    replaced = owner.client.post(address)
    assert replaced["Cache-Control"] == "no-store"
    assert replaced.json()["secret"] != secret
    assert owner.client.get(address).json() == replaced.json()


def test_every_act_is_audited_without_a_secret(owner, endpoint):
    address = f"{PATH}/{endpoint['id']}"
    owner.client.patch(address, {"description": "Till"})
    rotated = owner.client.post(f"{address}/rotate-secret").json()
    callback = owner.client.post(f"{PATH}/callback-secret").json()
    owner.client.post(f"{address}/redeliver", {"since": "2026-01-01T00:00:00Z"})
    owner.client.delete(address)
    entries = list(AuditEntry.objects.order_by("pk").values("action", "actor", "before", "after", "target"))
    assert [(entry["action"], entry["actor"]) for entry in entries] == [
        ("webhook.created", "owner"),
        ("webhook.updated", "owner"),
        ("webhook.secret_rotated", "owner"),
        ("webhook.callback_secret_rotated", "owner"),
        ("webhook.range_redelivered", "owner"),
        ("webhook.deleted", "owner"),
    ]
    for secret in (endpoint["secret"], rotated["secret"], callback["secret"]):
        assert secret not in json.dumps(entries)


def test_a_secret_that_is_refused_is_not_repeated(owner, caplog):
    response = owner.client.post(PATH, SENT | {"secret": "a secret with spaces"})
    assert "a secret with spaces" not in response.content.decode() + caplog.text


def test_permissions_are_asked_for(owner, reader, stranger, endpoint):
    _, key = ApiKey.objects.create_key(tenant=owner.tenant, name="Log", scopes=["webhooks:read"])
    watcher = signed_in(owner.tenant)
    watcher.credentials(HTTP_AUTHORIZATION=f"Bearer {key}")
    address = f"{PATH}/{endpoint['id']}"
    assert (watcher.get(PATH).status_code, watcher.get(f"{address}/deliveries").status_code) == (200, 200)
    for client in (watcher, reader.client):
        assert client.post(PATH, SENT).status_code == 403
        assert client.patch(address, {"active": False}).status_code == 403
        assert client.post(f"{address}/test").status_code == 403
        assert client.get(f"{PATH}/callback-secret").status_code == 403
    assert reader.client.get(PATH).status_code == 403
    assert stranger.client.get(PATH).json() == []
    assert stranger.client.patch(address, {"active": False}).status_code == 404
