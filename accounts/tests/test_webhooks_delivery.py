"""Deliveries to a real receiver: what is sent, what comes again and when, and what it does to an endpoint."""

import hmac
import json
import logging
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from accounts.models import AuditEntry, CallbackSecret, Tenant, WebhookDelivery, WebhookEndpoint
from accounts.tasks import deliver_webhooks, tell_of_disabled_endpoint
from accounts.webhooks import delivery as rounds
from accounts.webhooks import sending
from accounts.webhooks.delivery import deliver_due, has_due
from accounts.webhooks.events import EventType, listeners, record_callback, record_event, record_events
from accounts.webhooks.messages import callback_secret_of
from accounts.webhooks.schedule import JITTER, RETRY_AFTER
from trooply.celery import app as celery_app
from trooply.testing.webhook_receiver import Reply, WebhookReceiver

DELETED = {"product_id": "shoe-001", "deleted_at": "2026-02-27T12:00:00Z"}
SECRET = "whsec_your_hmac_secret_here"


@pytest.fixture
def receiver(settings):
    with WebhookReceiver() as server:
        settings.FETCH_ALLOWED_HOSTS = [server.host]
        yield server


@pytest.fixture
def endpoint(tenant, receiver):
    return create_endpoint(tenant, receiver.url())


def create_endpoint(tenant, url, *, events=("*",), secret=SECRET, **fields):
    return tenant.webhook_endpoints.create(url=url, events=list(events), secret=secret, **fields)


def emit(tenant, count=1):
    """Tell of so many deletions and return the deliveries."""
    # As every request does, so that what was configured in between is seen.
    tenant = Tenant.objects.get(pk=tenant.pk)
    tenant.is_changing = True
    record_events(tenant, EventType.PRODUCT_DELETED, ({**DELETED, "product_id": f"p{n}"} for n in range(count)))
    return list(WebhookDelivery.objects.filter(tenant=tenant).order_by("-pk")[:count])


def come_due():
    """Let the time pass until the next attempts are due, and pauses are over."""
    WebhookDelivery.objects.filter(status="pending").update(due_at=timezone.now())
    WebhookEndpoint.objects.update(paused_until=None)


def attempts_of(delivery):
    delivery.refresh_from_db()
    return [(entry["status"], entry["error"]) for entry in delivery.log]


# --- What is sent -------------------------------------------------------------------------------------------


def test_an_event_arrives_in_its_envelope(tenant, endpoint, receiver):
    record_event(tenant, EventType.PRODUCT_DELETED, DELETED)
    deliver_due()
    delivery = WebhookDelivery.objects.get()
    event = delivery.event
    (request,) = receiver.received
    assert request.payload == {
        "id": event.event_id,
        "type": "product.deleted",
        "event": "product.deleted",
        "timestamp": event.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "webhook_id": endpoint.webhook_id,
        "data": DELETED,
    }
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["User-Agent"].startswith("Trooply")
    assert (request.headers["webhook-id"], request.headers["X-Webhook-Attempt"]) == (event.event_id, "1")
    assert abs(int(request.headers["webhook-timestamp"]) - timezone.now().timestamp()) < 60
    assert (delivery.status, delivery.attempts, attempts_of(delivery)) == ("delivered", 1, [(200, "")])
    assert delivery.finished_at is not None


def test_a_callback_is_the_report_alone_signed_by_the_tenants_secret(tenant, receiver):
    report = {"job_id": "job-1", "status": "completed", "errors": []}
    record_callback(tenant, receiver.url("/done"), report)
    deliver_due()
    (request,) = receiver.received
    assert (request.path, request.payload) == ("/done", report)
    secret = CallbackSecret.objects.get(tenant=tenant).secret
    assert secret.startswith("whsec_")
    digest = hmac.new(secret.encode(), request.body, "sha256").hexdigest()
    assert request.headers["X-Webhook-Signature"] == f"sha256={digest}"
    assert WebhookDelivery.objects.get().status == "delivered"


def test_only_what_an_endpoint_listens_to_is_recorded(tenant, receiver):
    create_endpoint(tenant, receiver.url(), events=["product.indexed"])
    create_endpoint(tenant, receiver.url(), state=WebhookEndpoint.State.DISABLED)

    def explode():
        raise AssertionError("nobody listens")
        yield

    record_events(tenant, EventType.PRODUCT_DELETED, explode())
    assert not WebhookDelivery.objects.exists()


def test_an_endpoint_that_was_deleted_meanwhile_is_told_nothing_and_holds_nothing_up(tenant, endpoint, receiver):
    other = create_endpoint(tenant, receiver.url("/other"))
    listeners(tenant)  # as a worker remembers it
    WebhookEndpoint.objects.filter(pk=endpoint.pk).delete()
    record_event(tenant, EventType.PRODUCT_DELETED, DELETED)
    connection.check_constraints()
    assert WebhookDelivery.objects.get().endpoint == other
    other.delete()
    record_event(tenant, EventType.PRODUCT_DELETED, DELETED)
    assert not WebhookDelivery.objects.exists()


def test_what_is_rolled_back_never_happened(transactional_db, tenant, endpoint, receiver):
    with transaction.atomic():
        record_event(tenant, EventType.PRODUCT_DELETED, DELETED)
        assert WebhookDelivery.objects.count() == 1
        transaction.set_rollback(True)
    deliver_due()
    assert (WebhookDelivery.objects.count(), receiver.received) == (0, [])


def test_a_transaction_calls_the_workers_once(tenant, endpoint, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as callbacks:
        for _ in range(3):
            record_event(tenant, EventType.PRODUCT_DELETED, DELETED)
    assert len(callbacks) == 1


def test_many_go_out_over_few_connections(tenant, endpoint, receiver):
    emit(tenant, 60)
    deliver_due()
    assert len({request.payload["data"]["product_id"] for request in receiver.received}) == 60
    assert len(receiver.received) == 60
    assert len({request.port for request in receiver.received}) <= rounds.LANE_AT_ONCE


# --- Failures -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "attempt"),
    [
        (Reply(500, body=b"a bug"), (500, "http_error")),
        (Reply(302, {"Location": "/elsewhere"}), (302, "redirect")),
        (Reply(307, {"Location": "/elsewhere"}), (307, "redirect")),
        (Reply(404), (404, "http_error")),
        (Reply(hangs_up=True), (None, "connection")),
    ],
)
def test_a_failure_is_logged_and_tried_again_in_five_seconds(tenant, endpoint, receiver, reply, attempt):
    receiver.reply(reply)
    (delivery,) = emit(tenant)
    before = timezone.now()
    deliver_due()
    assert attempts_of(delivery) == [attempt]
    assert (delivery.status, len(receiver.received)) == ("pending", 1)
    assert timedelta(seconds=5) <= delivery.due_at - before < timedelta(seconds=30)


def test_the_beginning_of_a_refusal_is_kept(tenant, endpoint, receiver):
    receiver.reply(Reply(500, body=b"no\x00 database " + b"x" * 1000))
    (delivery,) = emit(tenant)
    deliver_due()
    delivery.refresh_from_db()
    assert delivery.log[0]["answer"] == "no database " + "x" * 488


def test_the_schedule_goes_over_three_days_and_then_gives_up(tenant, endpoint, receiver):
    receiver.reply(Reply(500))
    (delivery,) = emit(tenant)
    waits = []
    for _ in range(10):
        come_due()
        before = timezone.now()
        deliver_due()
        delivery.refresh_from_db()
        waits.append(delivery.due_at - before)
    assert [request.headers["X-Webhook-Attempt"] for request in receiver.received] == [str(n) for n in range(1, 11)]
    assert {request.headers["webhook-id"] for request in receiver.received} == {delivery.event.event_id}
    for wait, least in zip(waits, RETRY_AFTER, strict=False):
        assert least <= wait <= least * (1 + JITTER) + timedelta(seconds=30)
    assert (delivery.status, delivery.attempts) == ("failed", 10)
    assert timedelta(days=3) < sum(RETRY_AFTER, timedelta()) < timedelta(days=4)


def test_a_receiver_that_does_not_answer_is_given_up_in_time(tenant, endpoint, receiver, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT", 0.2)
    receiver.reply(Reply(delay=60))
    (delivery,) = emit(tenant)
    deliver_due()
    assert attempts_of(delivery) == [(None, "timeout")]


def test_a_request_that_would_not_end_is_left_behind(tenant, endpoint, receiver, monkeypatch):
    monkeypatch.setattr(rounds, "LAST_CALL", 0.3)
    receiver.reply(Reply(delay=60))
    (delivery,) = emit(tenant)
    deliver_due()
    assert attempts_of(delivery) == [(None, "timeout")]


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://10.0.0.1:8080/", "http://169.254.169.254/latest", "http://[::1]/"]
)
def test_no_delivery_goes_inside(tenant, receiver, settings, url):
    settings.FETCH_ALLOWED_HOSTS = []
    endpoint = create_endpoint(tenant, url)
    record_callback(tenant, url, {"job_id": "job-1"})
    emit(tenant)
    deliver_due()
    assert [attempts_of(delivery) for delivery in WebhookDelivery.objects.all()] == [[(None, "refused_address")]] * 2
    endpoint.refresh_from_db()
    assert endpoint.failing_since is not None


def test_in_production_nothing_goes_out_without_encryption(tenant, endpoint, receiver, settings):
    settings.INSECURE_HTTP = False
    (delivery,) = emit(tenant)
    deliver_due()
    assert (attempts_of(delivery), receiver.received) == ([(None, "refused_address")], [])


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured_for_the_delivery_and_its_endpoint(tenant, endpoint, receiver, status):
    receiver.reply(Reply(status, {"Retry-After": "120"}))
    (delivery,) = emit(tenant)
    before = timezone.now()
    deliver_due()
    delivery.refresh_from_db()
    endpoint.refresh_from_db()
    for moment in (delivery.due_at, endpoint.paused_until):
        assert timedelta(seconds=120) <= moment - before < timedelta(seconds=150)
    WebhookDelivery.objects.update(due_at=timezone.now())
    assert not has_due(timezone.now())
    deliver_due()
    assert len(receiver.received) == 1


def test_nobody_is_told_to_wait_for_more_than_an_hour(tenant, endpoint, receiver):
    receiver.reply(Reply(503, {"Retry-After": "Fri, 31 Dec 2100 23:59:59 GMT"}))
    (delivery,) = emit(tenant)
    before = timezone.now()
    deliver_due()
    delivery.refresh_from_db()
    assert timedelta(minutes=59) < delivery.due_at - before < timedelta(minutes=61)


@pytest.mark.parametrize("told", ["9" * 5_000, f"Fri, 31 Dec {10**20} 23:59:59 GMT"])
def test_nonsense_of_one_receiver_harms_no_other(tenant, endpoint, receiver, told):
    create_endpoint(tenant, receiver.url("/other"))
    receiver.reply(Reply(503, {"Retry-After": told}), path="/hooks")
    emit(tenant)
    deliver_due()
    assert {attempt for row in WebhookDelivery.objects.all() for attempt in attempts_of(row)} == {
        (503, "http_error"),
        (200, ""),
    }


def test_a_request_that_we_fail_to_make_ends_no_round(tenant, endpoint, receiver, monkeypatch, caplog):
    (delivery,) = emit(tenant)
    monkeypatch.setattr(sending, "_post", lambda session, message: 1 / 0)
    deliver_due()
    delivery.refresh_from_db()
    assert (attempts_of(delivery), delivery.status) == ([(None, "internal_error")], "pending")
    assert "a webhook was not sent" in caplog.text


def test_a_secret_that_cannot_be_read_fails_its_delivery_alone(tenant, receiver, settings):
    settings.SECRET_KEY_FALLBACKS = []
    record_callback(tenant, receiver.url("/callback"), {"job_id": "job-1"})
    callback_secret_of(tenant)
    lost = create_endpoint(tenant, receiver.url("/lost"))
    settings.SECRET_KEY = "another"
    create_endpoint(tenant, receiver.url("/found"))
    emit(tenant)
    deliver_due()
    assert [request.path for request in receiver.received] == ["/found"]
    unreadable = WebhookDelivery.objects.filter(log__0__error="secret_unreadable", status="pending")
    assert {*unreadable.values_list("endpoint", flat=True)} == {None, lost.pk}


@pytest.mark.parametrize(("status", "is_paused"), [(429, True), (502, True), (504, True), (500, False)])
def test_who_cannot_keep_up_is_left_in_peace(tenant, endpoint, receiver, status, is_paused):
    receiver.reply(Reply(status))
    emit(tenant)
    deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.paused_until is not None) is is_paused


def test_what_waits_for_an_endpoint_that_is_down_costs_it_one_attempt(tenant, receiver):
    endpoint = create_endpoint(tenant, receiver.url(), failing_since=timezone.now() - timedelta(hours=10))
    receiver.reply(Reply(hangs_up=True))
    emit(tenant, 20)
    deliver_due()
    endpoint.refresh_from_db()
    assert len(receiver.received) == 1
    assert timedelta(minutes=14) < endpoint.paused_until - timezone.now() < timedelta(minutes=16)
    assert WebhookDelivery.objects.filter(attempts=0, due_at__lte=timezone.now()).count() == 19


def test_a_success_ends_the_failing(tenant, receiver):
    endpoint = create_endpoint(tenant, receiver.url(), failing_since=timezone.now() - timedelta(days=4))
    emit(tenant)
    deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, endpoint.state) == (None, "active")


# --- Endpoints that are disabled ----------------------------------------------------------------------------


def test_gone_disables_and_what_was_under_way_waits(
    tenant, endpoint, receiver, admin_user, mailoutbox, on_commit, sent_tasks
):
    receiver.reply(Reply(410))
    (delivery,) = emit(tenant)
    with on_commit(execute=True):
        deliver_due()
    endpoint.refresh_from_db()
    assert (endpoint.state, attempts_of(delivery), delivery.status) == ("gone", [(410, "http_error")], "pending")
    assert (sent_tasks, mailoutbox) == ([("accounts.tasks.tell_of_disabled_endpoint", (endpoint.pk,))], [])
    tell_of_disabled_endpoint(endpoint.pk)
    assert [mail.to for mail in mailoutbox] == [[admin_user.email]]
    emit(tenant)
    assert WebhookDelivery.objects.count() == 1


@pytest.fixture
def on_commit(django_capture_on_commit_callbacks):
    return django_capture_on_commit_callbacks


@pytest.fixture
def sent_tasks(monkeypatch):
    """What workers are called to do, with what."""
    sent = []
    monkeypatch.setattr(celery_app, "send_task", lambda name, args: sent.append((name, args)))
    return sent


def test_after_five_days_of_failure_it_is_disabled_with_a_mail_and_nothing_is_lost(
    tenant, endpoint, receiver, admin_user, reader, mailoutbox, owner
):
    receiver.reply(Reply(500))
    WebhookEndpoint.objects.update(failing_since=timezone.now() - timedelta(days=5))
    emit(tenant)
    deliver_due()
    tell_of_disabled_endpoint(endpoint.pk)
    endpoint.refresh_from_db()
    assert endpoint.state == "failing"
    (mail,) = mailoutbox
    assert mail.to == [admin_user.email]
    assert f"/webhooks/{endpoint.webhook_id}" in mail.body
    assert SECRET not in mail.body
    assert AuditEntry.objects.get().action == "webhook.disabled"
    emit(tenant)
    come_due()
    deliver_due()
    assert len(receiver.received) == 1
    receiver.reply(Reply(200))
    response = owner.client.patch(f"/v1/search/webhooks/{endpoint.webhook_id}", {"active": True})
    assert (response.json()["state"], response.json()["failing_since"]) == ("active", None)
    deliver_due()
    assert [*WebhookDelivery.objects.values_list("status", flat=True)] == ["delivered"] * 2


def test_a_callback_whose_address_is_gone_is_given_up(tenant, receiver):
    receiver.reply(Reply(410))
    record_callback(tenant, receiver.url(), {"job_id": "job-1"})
    deliver_due()
    assert WebhookDelivery.objects.get().status == "failed"


def test_a_suspended_shop_is_sent_nothing_until_it_is_back(tenant, endpoint, receiver):
    emit(tenant)
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    deliver_due()
    assert receiver.received == []
    Tenant.objects.update(status=Tenant.Status.ACTIVE)
    deliver_due()
    assert len(receiver.received) == 1


# --- Workers that die, and those that share ----------------------------------------------------------------


class Killed(BaseException):
    """What a worker does not survive."""


def die(outcomes):
    raise Killed


def test_a_worker_killed_before_it_settles_sends_again_with_the_same_id(tenant, endpoint, receiver, monkeypatch):
    emit(tenant)
    with monkeypatch.context() as patch:
        patch.setattr(rounds, "settle", die)
        with pytest.raises(Killed):
            deliver_due()
    delivery = WebhookDelivery.objects.get()
    assert (delivery.status, delivery.log) == ("pending", [])
    assert delivery.due_at > timezone.now() + timedelta(seconds=30)
    deliver_due()
    assert len(receiver.received) == 1
    come_due()
    deliver_due()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert WebhookDelivery.objects.get().status == "delivered"


def test_a_consumer_that_remembers_ids_acts_once(tenant, endpoint, receiver):
    done, seen = [], set()

    def consume(request):
        if request.headers["webhook-id"] in seen:
            return
        seen.add(request.headers["webhook-id"])
        done.append(request.payload["data"]["product_id"])

    receiver.reply(Reply(500), Reply(200))
    emit(tenant, 2)
    deliver_due()
    come_due()
    deliver_due()
    for request in receiver.received:
        consume(request)
    assert (len(receiver.received), sorted(done)) == (3, ["p0", "p1"])


def test_a_worker_that_comes_too_late_settles_nothing(tenant, endpoint, receiver, monkeypatch):
    (delivery,) = emit(tenant)
    later = timezone.now() + timedelta(hours=1)
    settle = rounds.settle

    def settle_late(outcomes):
        WebhookDelivery.objects.update(due_at=later)
        settle(outcomes)

    monkeypatch.setattr(rounds, "settle", settle_late)
    deliver_due()
    assert (attempts_of(delivery), delivery.status, delivery.due_at) == ([], "pending", later)


def test_what_is_not_begun_in_a_round_is_given_back(tenant, endpoint, receiver, monkeypatch):
    receiver.reply(Reply(delay=0.2))
    monkeypatch.setattr(rounds, "ROUND", 0.1)
    emit(tenant, 20)
    deliver_due()
    assert len(receiver.received) == rounds.LANE_AT_ONCE
    assert WebhookDelivery.objects.filter(status="pending", due_at__lte=timezone.now()).count() == 15


def test_a_slow_receiver_holds_up_nobody_else(tenant, receiver, stranger, monkeypatch):
    monkeypatch.setattr(rounds, "ROUND", 0.5)
    monkeypatch.setattr(rounds, "LAST_CALL", 1.0)
    receiver.reply(Reply(delay=60), path="/slow")
    create_endpoint(tenant, receiver.url("/slow"))
    create_endpoint(stranger.tenant, receiver.url("/quick"))
    emit(tenant, 30)
    emit(stranger.tenant, 10)
    deliver_due()
    paths = [request.path for request in receiver.received]
    assert paths.count("/quick") == 10
    assert paths.count("/slow") == rounds.LANE_AT_ONCE


def test_the_task_sends_and_goes_on_while_something_is_due(tenant, endpoint, receiver, monkeypatch):
    cache.clear()
    monkeypatch.setattr(rounds, "ROUND", 0.05)
    receiver.reply(Reply(delay=0.1))
    emit(tenant, 12)
    deliver_webhooks()
    assert len(receiver.received) == 12


def test_one_process_delivers_at_a_time(tenant, endpoint, receiver):
    cache.add("webhooks-at-work", True, 5)
    emit(tenant)
    deliver_webhooks()
    assert receiver.received == []
    cache.clear()


# --- Secrets ------------------------------------------------------------------------------------------------


def test_a_secret_is_encrypted_and_stands_in_no_log(tenant, endpoint, receiver, caplog):
    caplog.set_level(logging.DEBUG)
    receiver.reply(Reply(500))
    emit(tenant)
    deliver_due()
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM accounts_webhookendpoint")
        (stored,) = cursor.fetchone()
    assert SECRET not in stored
    assert SECRET not in caplog.text
    assert SECRET not in json.dumps(WebhookDelivery.objects.get().log)
