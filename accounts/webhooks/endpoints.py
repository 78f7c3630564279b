"""What a tenant does with its endpoints and deliveries. All that changes something is audited, never with a secret."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import InvalidToken
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, status

from accounts.audit import record
from accounts.models import CallbackSecret, Tenant, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.revisions import bump_revision, lock_configuration
from accounts.webhooks.delivery import LEASE
from accounts.webhooks.events import TEST
from accounts.webhooks.messages import callback_secret_of, message_of
from accounts.webhooks.sending import Answer, open_session, send
from accounts.webhooks.settling import Outcome, settle
from accounts.webhooks.signing import new_secret
from accounts.webhooks.tasks import call_deliverers

LIMIT = 20
OVERLAP_HOURS = 24
MAX_OVERLAP_HOURS = 72
SECRETS_OF_ENDPOINT = ("endpoint__secret", "endpoint__previous_secret")
_AUDITED = ("url", "events", "description", "state")


class LimitReached(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "limit_reached"


class SecretUnreadable(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "secret_unreadable"
    default_detail = "This secret cannot be read any more. Replace it."


@dataclass(frozen=True)
class Test:
    """A test event, and what the endpoint answered to it."""

    delivery: WebhookDelivery
    answer: Answer


def access_endpoint(tenant: Tenant, webhook_id: str, *, for_update: bool = False) -> WebhookEndpoint:
    """Return a tenant's endpoint, locked if it is to be changed, or raise Http404."""
    rows = tenant.webhook_endpoints.all()
    if for_update:
        lock_configuration(tenant)
        # Products whose events go to it can be written meanwhile.
        rows = rows.select_for_update(no_key=True)
    endpoint = rows.filter(webhook_id=webhook_id).first()
    if endpoint is None:
        raise Http404
    return endpoint


def access_delivery(tenant: Tenant, delivery_id: str) -> WebhookDelivery:
    """Return a tenant's delivery, or raise Http404."""
    rows = tenant.webhook_deliveries.select_related("event", "endpoint", "tenant").defer(*SECRETS_OF_ENDPOINT)
    delivery = rows.filter(delivery_id=delivery_id).first()
    if delivery is None:
        raise Http404
    return delivery


def find_deliveries(endpoint: WebhookEndpoint, chosen: str = "") -> QuerySet[WebhookDelivery]:
    """Return an endpoint's deliveries, all or those of a status, the newest first."""
    rows = endpoint.deliveries.select_related("event").order_by("-created_at", "-pk")
    return rows.filter(status=chosen) if chosen else rows


@transaction.atomic
def create_endpoint(tenant: Tenant, actor: str, fields: Mapping[str, Any]) -> WebhookEndpoint:
    """Create an endpoint, with a new secret if none is given; raises LimitReached when there are as many as may be."""
    # This locks the tenant: of two that add the last endpoint that may be, one is refused.
    bump_revision(tenant)
    if tenant.webhook_endpoints.count() >= LIMIT:
        raise LimitReached(f"There are {LIMIT} webhook endpoints already, and no more may be. Delete one first.")
    chosen = {name: value for name, value in fields.items() if value != ""}
    endpoint = tenant.webhook_endpoints.create(**{"secret": new_secret(), **chosen})
    record(tenant, actor, "webhook.created", target=endpoint.webhook_id, after=_audited(endpoint))
    return endpoint


@transaction.atomic
def change_endpoint(tenant: Tenant, actor: str, webhook_id: str, fields: Mapping[str, Any]) -> WebhookEndpoint:
    """Change an endpoint. What waits for one that is enabled goes out at once."""
    endpoint = access_endpoint(tenant, webhook_id, for_update=True)
    bump_revision(tenant)
    before, changes = _audited(endpoint), dict(fields)
    active = changes.pop("active", None)
    if active is not None and active != (endpoint.state == WebhookEndpoint.State.ACTIVE):
        changes["state"] = WebhookEndpoint.State.ACTIVE if active else WebhookEndpoint.State.DISABLED
        changes |= {"failing_since": None, "paused_until": None}
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=list(changes))
    record(tenant, actor, "webhook.updated", target=webhook_id, before=before, after=_audited(endpoint))
    transaction.on_commit(call_deliverers)
    return endpoint


@transaction.atomic
def remove_endpoint(tenant: Tenant, actor: str, webhook_id: str) -> None:
    """Delete an endpoint, and with it the log of its deliveries."""
    endpoint = access_endpoint(tenant, webhook_id, for_update=True)
    bump_revision(tenant)
    record(tenant, actor, "webhook.deleted", target=webhook_id, before=_audited(endpoint))
    endpoint.delete()


@transaction.atomic
def rotate_secret(
    tenant: Tenant, actor: str, webhook_id: str, *, secret: str = "", overlap_hours: int = OVERLAP_HOURS
) -> WebhookEndpoint:
    """Sign by another secret from now on, and for some hours by the previous one too."""
    endpoint = access_endpoint(tenant, webhook_id, for_update=True)
    expires_at = timezone.now() + timedelta(hours=overlap_hours) if overlap_hours else None
    endpoint.previous_secret = _readable_secret(endpoint) if overlap_hours else ""
    endpoint.previous_secret_expires_at = expires_at
    endpoint.secret = secret or new_secret()
    endpoint.save(update_fields=["secret", "previous_secret", "previous_secret_expires_at"])
    record(tenant, actor, "webhook.secret_rotated", target=webhook_id, after={"overlap_hours": overlap_hours})
    return endpoint


def show_callback_secret(tenant: Tenant) -> str:
    """Return the secret that signs the callbacks of jobs; raises SecretUnreadable when its key is gone."""
    try:
        return callback_secret_of(tenant)
    except InvalidToken as error:
        raise SecretUnreadable from error


@transaction.atomic
def rotate_callback_secret(tenant: Tenant, actor: str) -> str:
    """Sign the callbacks of jobs by a new secret from now on; return it."""
    row = CallbackSecret(tenant=tenant, secret=new_secret())
    CallbackSecret.objects.bulk_create([row], update_conflicts=True, unique_fields=["tenant"], update_fields=["secret"])
    record(tenant, actor, "webhook.callback_secret_rotated")
    return str(row.secret)


def try_endpoint(endpoint: WebhookEndpoint) -> Test:
    """Send an endpoint a test event, now, whatever its state; it is logged like others, and not repeated."""
    with transaction.atomic():
        event = WebhookEvent.objects.create(
            tenant=endpoint.tenant, type=TEST, data={"message": "This is a test. Everything works if you can read it."}
        )
        delivery = WebhookDelivery.objects.create(
            tenant=endpoint.tenant, event=event, endpoint=endpoint, due_at=timezone.now() + LEASE
        )
    with open_session() as session:
        answer = send(session, message_of(delivery))
    settle([Outcome(delivery, answer)])
    return Test(delivery, answer)


@transaction.atomic
def redeliver(delivery: WebhookDelivery, actor: str) -> None:
    """Deliver once more, at once, with the same event id; the attempts are counted anew."""
    again = {"status": WebhookDelivery.Status.PENDING, "due_at": timezone.now(), "attempts": 0, "finished_at": None}
    WebhookDelivery.objects.filter(pk=delivery.pk).update(**again)
    for name, value in again.items():
        setattr(delivery, name, value)
    record(delivery.tenant, actor, "webhook.redelivered", target=delivery.delivery_id)
    transaction.on_commit(call_deliverers)


@transaction.atomic
def redeliver_range(
    endpoint: WebhookEndpoint, actor: str, *, since: datetime, until: datetime | None = None, only_failed: bool = True
) -> int:
    """Deliver once more what was made from `since` until before `until`, if it has been settled; return how many."""
    statuses = [WebhookDelivery.Status.FAILED]
    if not only_failed:
        statuses.append(WebhookDelivery.Status.DELIVERED)
    rows = endpoint.deliveries.filter(status__in=statuses, created_at__gte=since).exclude(event__type=TEST)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    count = rows.update(status=WebhookDelivery.Status.PENDING, due_at=timezone.now(), attempts=0, finished_at=None)
    asked = {"since": since, "until": until, "only_failed": only_failed, "deliveries": count}
    record(endpoint.tenant, actor, "webhook.range_redelivered", target=endpoint.webhook_id, after=asked)
    transaction.on_commit(call_deliverers)
    return count


def _readable_secret(endpoint: WebhookEndpoint) -> str:
    try:
        return str(endpoint.secret)
    except InvalidToken:
        return ""


def _audited(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {name: getattr(endpoint, name) for name in _AUDITED}
