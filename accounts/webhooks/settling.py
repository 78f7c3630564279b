"""What an answer changes: the delivery that was tried, and the endpoint that it was for."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit import record
from accounts.models import WebhookDelivery, WebhookEndpoint
from accounts.revisions import bump_revision
from accounts.webhooks.events import TEST
from accounts.webhooks.schedule import DISABLED_AFTER, next_attempt, pause_after
from accounts.webhooks.sending import Answer
from accounts.webhooks.tasks import call_to_tell_of_disabled

# Attempts that a delivery's log remembers, though it is sent again and again.
LOGGED_ATTEMPTS = 50
# One statement for each, sent together: Django's `bulk_update` takes many times as long. A delivery is settled only as
# it was claimed: pending, under the same lease.
_SETTLE = """
UPDATE accounts_webhookdelivery
SET status = %(status)s, due_at = %(due_at)s, attempts = %(attempts)s, log = %(log)s, finished_at = %(finished_at)s
WHERE id = %(pk)s AND status = 'pending' AND due_at = %(lease)s
"""


@dataclass(frozen=True)
class Outcome:
    """A delivery as it was claimed, whose `due_at` is the lease, and what came of it."""

    delivery: WebhookDelivery
    answer: Answer


def settle(outcomes: Sequence[Outcome]) -> None:
    """Write down what came of deliveries; of one that was claimed anew meanwhile nothing is written."""
    now = timezone.now()
    with transaction.atomic(), connection.cursor() as cursor:
        in_order = sorted(outcomes, key=lambda outcome: outcome.delivery.pk)
        cursor.executemany(_SETTLE, [_settled(outcome.delivery, outcome.answer, now) for outcome in in_order])
    for outcome in outcomes:
        if outcome.delivery.endpoint is not None and outcome.delivery.event.type != TEST:
            _settle_endpoint(outcome.delivery.endpoint, outcome.answer, now)


def _settled(delivery: WebhookDelivery, answer: Answer, now: datetime) -> dict[str, Any]:
    """Settle a delivery and return what `_SETTLE` writes."""
    lease = delivery.due_at
    _settle_delivery(delivery, answer, now)
    return {
        "pk": delivery.pk,
        "lease": lease,
        "status": delivery.status,
        "due_at": delivery.due_at,
        "attempts": delivery.attempts,
        "log": json.dumps(delivery.log),
        "finished_at": delivery.finished_at,
    }


def _settle_delivery(delivery: WebhookDelivery, answer: Answer, now: datetime) -> None:
    delivery.attempts += 1
    delivery.log = [*delivery.log, _entry(answer, now)][-LOGGED_ATTEMPTS:]
    if answer.is_success:
        delivery.status, delivery.finished_at = WebhookDelivery.Status.DELIVERED, now
        return
    due_at = None if _is_final(delivery, answer) else next_attempt(delivery.attempts, answer, now)
    if due_at is None:
        delivery.status, delivery.finished_at = WebhookDelivery.Status.FAILED, now
    else:
        delivery.due_at = due_at


def _entry(answer: Answer, now: datetime) -> dict[str, Any]:
    entry = {"at": now.isoformat(), "status": answer.status, "error": answer.error, "milliseconds": answer.milliseconds}
    return entry | {"answer": answer.excerpt} if answer.excerpt else entry


def _is_final(delivery: WebhookDelivery, answer: Answer) -> bool:
    """Return whether a failure is not tried again: a test, or a callback whose address is gone for good.

    What an endpoint that is gone has not got waits for it to be enabled.
    """
    return delivery.event.type == TEST or (delivery.endpoint is None and answer.status == HTTPStatus.GONE)


def _settle_endpoint(endpoint: WebhookEndpoint, answer: Answer, now: datetime) -> None:
    row = WebhookEndpoint.objects.filter(pk=endpoint.pk)
    if answer.is_success:
        if endpoint.failing_since or endpoint.paused_until:
            endpoint.failing_since = endpoint.paused_until = None
            row.update(failing_since=None, paused_until=None)
        return
    if endpoint.failing_since is None:
        endpoint.failing_since = now
        row.filter(failing_since=None).update(failing_since=now)
    if answer.status == HTTPStatus.GONE:
        _disable(endpoint, WebhookEndpoint.State.GONE)
    elif now - endpoint.failing_since >= DISABLED_AFTER:
        _disable(endpoint, WebhookEndpoint.State.FAILING)
    elif pause := pause_after(answer, now - endpoint.failing_since):
        endpoint.paused_until = now + pause
        row.update(paused_until=endpoint.paused_until)


@transaction.atomic
def _disable(endpoint: WebhookEndpoint, state: WebhookEndpoint.State) -> None:
    bump_revision(endpoint.tenant)
    endpoint.state = state
    # Somebody may have switched it off, or on again, meanwhile.
    active = WebhookEndpoint.objects.filter(
        pk=endpoint.pk, state=WebhookEndpoint.State.ACTIVE, failing_since__lte=endpoint.failing_since
    )
    if not active.update(state=state, paused_until=None):
        return
    record(
        endpoint.tenant,
        "Trooply",
        "webhook.disabled",
        target=endpoint.webhook_id,
        before={"state": WebhookEndpoint.State.ACTIVE},
        after={"state": state},
    )
    transaction.on_commit(lambda: call_to_tell_of_disabled(endpoint.pk))
