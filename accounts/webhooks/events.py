"""The outbox: what happened is written down in the transaction that made it happen, and delivered once that commits.

So no event tells of a change that was rolled back, and none is lost with a process. What nobody listens to is not kept.
For an endpoint that we have disabled because it kept failing the events are kept all the same, and go out once it is
enabled again; one that the shop has switched off, or that is gone by its own word, does not listen.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from itertools import islice
from typing import Any

from django.db import connection, transaction

from accounts.models import Tenant, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.revisions import until_changed
from accounts.webhooks.tasks import call_deliverers

BATCH = 1_000
# The lock of a foreign key: they stay until the transaction ends, and may be changed meanwhile.
_STILL_THERE = "SELECT id FROM accounts_webhookendpoint WHERE id = ANY(%s) ORDER BY id FOR KEY SHARE"


class EventType(StrEnum):
    """Everything that an endpoint can be told of."""

    PRODUCT_INDEXED = "product.indexed"
    PRODUCT_UPDATED = "product.updated"
    PRODUCT_DELETED = "product.deleted"
    PRODUCT_DUPLICATE = "product.duplicate_detected"
    PRODUCT_FAILED = "product.failed"
    # Of jobs that bring products in: imports and full syncs. Any job tells its own `callback_url`.
    BULK_COMPLETED = "bulk.completed"
    MODERATION_FLAGGED = "moderation.flagged"
    QUOTA_WARNING = "quota.warning"


# What an endpoint listens to that wants all events, also those that we shall think of.
ALL = "*"
# What is sent to try an endpoint.
TEST = "webhook.test"
# The type of what is sent to the `callback_url` of a job, which is no endpoint.
JOB_CALLBACK = "job.callback"


@until_changed
def listeners(tenant: Tenant) -> Mapping[str, Sequence[int]]:
    """Return the endpoints of a tenant that listen, by their rows, for each type that some of them listen to."""
    found: dict[str, list[int]] = {}
    listening = tenant.webhook_endpoints.filter(state__in=[WebhookEndpoint.State.ACTIVE, WebhookEndpoint.State.FAILING])
    for pk, events in listening.values_list("pk", "events"):
        for event in EventType if ALL in events else events:
            found.setdefault(event, []).append(pk)
    return found


def record_event(tenant: Tenant, event_type: EventType, data: Mapping[str, Any]) -> None:
    """Tell a tenant's endpoints of one thing that this transaction does."""
    record_events(tenant, event_type, [data])


def record_events(tenant: Tenant, event_type: EventType, data: Iterable[Mapping[str, Any]]) -> None:
    """Tell a tenant's endpoints of what this transaction does; `data` is not even read when none of them listens."""
    known = listeners(tenant).get(event_type, ())
    endpoints = _still_there(known) if known else []
    if not endpoints:
        return
    remaining = iter(data)
    while batch := [WebhookEvent(tenant=tenant, type=event_type, data=dict(one)) for one in islice(remaining, BATCH)]:
        events = WebhookEvent.objects.bulk_create(batch)
        WebhookDelivery.objects.bulk_create(
            WebhookDelivery(tenant=tenant, event=event, endpoint_id=endpoint)
            for event in events
            for endpoint in endpoints
        )
    _call_deliverers_on_commit()


def record_callback(tenant: Tenant, url: str, data: Mapping[str, Any]) -> None:
    """Send this to the `callback_url` of a job when the transaction commits."""
    event = WebhookEvent.objects.create(tenant=tenant, type=JOB_CALLBACK, data=dict(data))
    WebhookDelivery.objects.create(tenant=tenant, event=event, callback_url=url)
    _call_deliverers_on_commit()


def timestamp(at: datetime) -> str:
    """Return a moment in UTC as webhooks write it: 2026-02-27T10:30:00Z."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _still_there(endpoints: Sequence[int]) -> list[int]:
    """Leave out endpoints that were deleted since this process has read what its tenant has configured."""
    with connection.cursor() as cursor:
        cursor.execute(_STILL_THERE, [list(endpoints)])
        return [pk for (pk,) in cursor.fetchall()]


def _call_deliverers_on_commit() -> None:
    """Call them once for a transaction, however many events it records."""
    if all(function is not call_deliverers for _, function, _ in transaction.get_connection().run_on_commit):
        transaction.on_commit(call_deliverers)
