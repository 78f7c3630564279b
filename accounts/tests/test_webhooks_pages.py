"""The portal's pages of webhooks, as a person uses them."""

import re

import pytest
from django.utils import timezone

from accounts.models import AuditEntry, CallbackSecret, Tenant, User, WebhookDelivery, WebhookEndpoint
from accounts.webhooks.delivery import deliver_due
from accounts.webhooks.events import EventType, record_event
from conftest import PASSWORD
from trooply.testing.webhook_receiver import Reply, WebhookReceiver


@pytest.fixture
def receiver(settings):
    with WebhookReceiver() as server:
        settings.FETCH_ALLOWED_HOSTS = [server.host]
        yield server


@pytest.fixture
def desk(admin_user, client):
    client.force_login(admin_user)
    return client


@pytest.fixture
def endpoint(tenant, receiver):
    return tenant.webhook_endpoints.create(url=receiver.url(), events=["*"], secret="a-secret-of-the-shop")


def emit(tenant, **data):
    tenant = Tenant.objects.get(pk=tenant.pk)
    tenant.is_changing = True
    record_event(tenant, EventType.PRODUCT_DELETED, data)
    return WebhookDelivery.objects.latest("pk")


def text_of(response):
    assert response.status_code == 200, response.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def test_a_new_endpoint_shows_its_secret_this_once(desk, receiver):
    page = desk.post("/webhooks/new", {"url": receiver.url(), "events": ["*"], "description": "Till"})
    endpoint = WebhookEndpoint.objects.get()
    assert endpoint.secret in text_of(page)
    assert "no-store" in page["Cache-Control"]
    for path in ("/webhooks", f"/webhooks/{endpoint.webhook_id}", f"/webhooks/{endpoint.webhook_id}/edit"):
        assert endpoint.secret not in desk.get(path).content.decode()
    assert AuditEntry.objects.get().actor == "alice@example.com"


def test_what_is_wrong_is_told_beside_its_field_and_the_secret_is_not_repeated(desk):
    page = desk.post("/webhooks/new", {"url": "https://10.0.0.1/", "secret": "short-one", "description": "Till"})
    html = page.content.decode()
    assert page.status_code == 422
    assert 'id="url-error"' in html
    assert 'id="events-error"' in html
    assert 'id="secret-error"' in html
    assert 'value="Till"' in html
    assert "short-one" not in html
    assert not WebhookEndpoint.objects.exists()


def test_an_endpoint_is_edited_switched_and_deleted(desk, endpoint):
    page = f"/webhooks/{endpoint.webhook_id}"
    form = {"url": endpoint.url, "events": ["product.failed"], "description": "Repairs"}
    assert desk.post(f"{page}/edit", form)["Location"] == page
    desk.post(f"{page}/switch", {"active": "false"})
    endpoint.refresh_from_db()
    assert (endpoint.events, endpoint.description, endpoint.state) == (["product.failed"], "Repairs", "disabled")
    assert "Disabled" in text_of(desk.get("/webhooks"))
    desk.post(f"{page}/switch", {"active": "true"})
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    desk.post(f"{page}/delete")
    assert not WebhookEndpoint.objects.exists()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(204), "It works: 204"),
        (Reply(500, body=b"<oops>"), "It answered 500. "),
        (Reply(301, {"Location": "/"}), "a redirect, which we do not follow"),
        (Reply(hangs_up=True), "It could not be reached."),
    ],
)
def test_a_test_shows_what_came_back(desk, endpoint, receiver, reply, words):
    receiver.reply(reply)
    assert words in text_of(desk.post(f"/webhooks/{endpoint.webhook_id}/test"))


def test_the_log_is_filtered_and_shows_payload_and_answers(desk, tenant, endpoint, receiver):
    receiver.reply(Reply(500, body=b"<b>no database</b>"), Reply(200))
    failed = emit(tenant, product_id="<i>shoe</i>")
    deliver_due()
    emit(tenant, product_id="boot")
    deliver_due()
    page = f"/webhooks/{endpoint.webhook_id}"
    everything, pending = text_of(desk.get(page)), text_of(desk.get(f"{page}?status=pending"))
    assert (everything.count("product.deleted"), pending.count("product.deleted")) == (2, 1)
    assert failed.event.event_id in pending
    html = desk.get(f"/webhooks/deliveries/{failed.delivery_id}").content.decode()
    assert "&lt;i&gt;shoe&lt;/i&gt;" in html
    assert "&lt;b&gt;no database&lt;/b&gt;" in html
    assert failed.event.event_id in html


def test_one_or_all_that_failed_are_sent_again(desk, tenant, endpoint, receiver):
    for name in "abc":
        emit(tenant, product_id=name)
    WebhookDelivery.objects.update(status="failed", finished_at=timezone.now(), attempts=10)
    first = WebhookDelivery.objects.earliest("pk")
    desk.post(f"/webhooks/deliveries/{first.delivery_id}/redeliver")
    deliver_due()
    assert [request.payload["data"]["product_id"] for request in receiver.received] == ["a"]
    page = desk.post(f"/webhooks/{endpoint.webhook_id}/redeliver", {"days": "7"}, follow=True)
    assert "2 events are sent once more." in text_of(page)
    deliver_due()
    assert {request.payload["data"]["product_id"] for request in receiver.received[1:]} == {"b", "c"}


def test_a_secret_is_rotated_with_an_overlap(desk, endpoint):
    page = desk.post(f"/webhooks/{endpoint.webhook_id}/rotate", {"overlap_hours": "12"})
    endpoint.refresh_from_db()
    assert endpoint.secret in text_of(page)
    assert endpoint.previous_secret == "a-secret-of-the-shop"
    refused = desk.post(f"/webhooks/{endpoint.webhook_id}/rotate", {"overlap_hours": "73"}, follow=True)
    assert "Not rotated" in text_of(refused)


def test_the_secret_of_callbacks_is_shown_and_replaced(desk, tenant):
    shown = desk.post("/webhooks/callback-secret")
    secret = CallbackSecret.objects.get(tenant=tenant).secret
    assert secret in text_of(shown)
    desk.post("/webhooks/callback-secret", {"rotate": "true"})
    assert CallbackSecret.objects.get(tenant=tenant).secret != secret


def test_secrets_whose_key_is_gone_are_replaced(desk, owner, tenant, endpoint, settings):
    desk.post("/webhooks/callback-secret")
    key = settings.SECRET_KEY
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another", []
    refused = owner.client.get("/v1/search/webhooks/callback-secret")
    assert (refused.status_code, refused.json()["error"]) == (409, "secret_unreadable")
    owner.client.post("/v1/search/webhooks/callback-secret")
    assert owner.client.get("/v1/search/webhooks/callback-secret").status_code == 200
    answer = owner.client.post(f"/v1/search/webhooks/{endpoint.webhook_id}/rotate-secret")
    assert answer.status_code == 200
    row = WebhookEndpoint.objects.get(pk=endpoint.pk)
    assert (row.secret, row.previous_secret) == (answer.json()["secret"], "")
    settings.SECRET_KEY = key
    assert "It cannot be read any more" in text_of(desk.post("/webhooks/callback-secret"))


def test_an_attempt_tells_its_time_as_other_pages_do(desk, tenant, endpoint):
    delivery = emit(tenant)
    at = "2026-02-27T20:08:58.123456+00:00"
    delivery.log = [{"at": at, "status": 200, "error": "", "milliseconds": 1}]
    delivery.save()
    assert "27 Feb, 20:08:58 UTC" in text_of(desk.get(f"/webhooks/deliveries/{delivery.delivery_id}"))


def test_who_may_only_read_sees_no_buttons_and_no_secret(client, tenant, endpoint):
    user = User.objects.create_user("eve@example.com", PASSWORD, tenant=tenant)
    user.user_groups.add(tenant.user_groups.create(name="Log", permissions=["webhooks:read"]))
    client.force_login(user)
    for path in ("/webhooks", f"/webhooks/{endpoint.webhook_id}"):
        html = client.get(path).content.decode()
        assert "Send a test" not in html
        assert "Show the secret" not in html
    for path in ("/webhooks/callback-secret", f"/webhooks/{endpoint.webhook_id}/rotate"):
        assert client.post(path).status_code == 403


def test_a_stranger_finds_no_page(client, stranger, endpoint, tenant):
    user = User.objects.create_user("charlie@example.com", PASSWORD, tenant=stranger.tenant)
    user.user_groups.add(stranger.tenant.user_groups.get(name="Admin"))
    client.force_login(user)
    delivery = emit(tenant)
    for path in (f"/webhooks/{endpoint.webhook_id}", f"/webhooks/deliveries/{delivery.delivery_id}"):
        assert client.get(path).status_code == 404
    for act in ("test", "rotate", "switch", "delete", "redeliver"):
        assert client.post(f"/webhooks/{endpoint.webhook_id}/{act}", {"overlap_hours": "1"}).status_code == 404
    assert client.post(f"/webhooks/deliveries/{delivery.delivery_id}/redeliver").status_code == 404


def test_the_list_costs_the_same_however_many_there_are(desk, tenant, endpoint, django_assert_max_num_queries):
    desk.get("/webhooks")
    for _ in range(5):
        tenant.webhook_endpoints.create(url="https://example.com/", events=["*"], secret="a-secret-of-the-shop")
    emit(tenant)
    with django_assert_max_num_queries(8):
        desk.get("/webhooks")
