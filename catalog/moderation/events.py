"""The log of judged pictures: of products in their transaction, of searches by way of a Redis list.

A search must not wait for the database, so its scans are moved there by a worker every few seconds, as search events
are (`analytics/search_events.py`).
"""

import functools
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, IntegrityError, transaction

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_events, timestamp
from catalog.models import ModerationEvent

logger = logging.getLogger(__name__)

PENDING = "trooply:moderation-scans"
BATCH = 1_000
# Scans that wait at most, some 50 MB of them: more come only while none can be stored.
MAX_PENDING = 100_000
# What is wrong with a scan itself, in whatever way it came to be: it will not be another time.
UNSTORABLE = (ValueError, TypeError, KeyError, DataError, IntegrityError)
# Longer than Celery lets the task run.
FLUSH_SECONDS = 60
FIELDS = (
    "tenant_id",
    "event_id",
    "surface",
    "category",
    "score",
    "threshold",
    "scores",
    "would_block",
    "blocked",
    "sha256",
    "created_at",
)


def record_scans(tenant: Tenant, events: Sequence[ModerationEvent]) -> None:
    """Log scans of a tenant in this transaction, and tell endpoints of those that are flagged."""
    if not events:
        return
    ModerationEvent.objects.bulk_create(events)
    record_events(tenant, EventType.MODERATION_FLAGGED, _flagged(events))


def record_scans_later(events: Sequence[ModerationEvent]) -> None:
    """Log scans of a search soon; the policy holds all the same where they are lost, which is logged.

    They are lost without Redis, and while MAX_PENDING wait: those that have come first are then kept.
    """
    rows = [{name: getattr(event, name) for name in FIELDS} for event in events]
    # Held until the end: a client that nobody holds closes its connections, and with them a pipeline's.
    client = _client()
    try:
        with client.pipeline() as pipeline:
            pipeline.rpush(PENDING, *[json.dumps(row, cls=DjangoJSONEncoder) for row in rows])
            pipeline.ltrim(PENDING, 0, MAX_PENDING - 1)
            waiting, _ = pipeline.execute()
    except redis.RedisError as error:
        logger.warning("moderation scans lost", extra={"scans": len(events), "error": str(error)})
        return
    if waiting > MAX_PENDING:
        logger.warning("moderation scans lost", extra={"scans": waiting - MAX_PENDING, "error": "too many wait"})


def flush_scans(*, wait: bool = False) -> int:
    """Move pending scans to PostgreSQL; return how many. While another process does it, do nothing or `wait` for it.

    They leave Redis once they are stored. After a crash between the two they are known by their ids.
    """
    lock = _client().lock(f"{PENDING}:flush", timeout=FLUSH_SECONDS, blocking=wait)
    if not lock.acquire():
        return 0
    try:
        return _flush()
    finally:
        lock.release()


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def _flush() -> int:
    flushed = 0
    while pending := _client().lrange(PENDING, 0, BATCH - 1):
        _store_all(pending)
        _client().ltrim(PENDING, len(pending), -1)
        flushed += len(pending)
    return flushed


def _store_all(pending: Sequence[bytes | str]) -> None:
    """Store rows together, or where that cannot be each by itself, but for those that nobody can store."""
    try:
        _store([json.loads(row) for row in pending])
    except UNSTORABLE as error:
        if len(pending) > 1:
            for row in pending:
                _store_all([row])
        else:
            logger.warning("moderation scan cannot be stored", extra={"error": type(error).__name__})


@transaction.atomic
def _store(rows: Sequence[Mapping[str, Any]]) -> None:
    """Store what is not stored yet, of tenants that are still there."""
    ids = [row["event_id"] for row in rows]
    known = set(ModerationEvent.objects.filter(event_id__in=ids).values_list("event_id", flat=True))
    tenants = Tenant.objects.in_bulk({row["tenant_id"] for row in rows})
    for tenant in tenants.values():
        new = [row for row in rows if row["tenant_id"] == tenant.pk and row["event_id"] not in known]
        record_scans(tenant, [_event(row) for row in new])


def _event(row: Mapping[str, Any]) -> ModerationEvent:
    return ModerationEvent(**{**row, "created_at": datetime.fromisoformat(row["created_at"])})


def _flagged(events: Sequence[ModerationEvent]) -> Iterator[dict[str, Any]]:
    for event in events:
        if event.would_block:
            yield {
                "event_id": event.event_id,
                "surface": event.surface,
                "category": event.category,
                "score": event.score,
                "threshold": event.threshold,
                "would_block": event.would_block,
                "blocked": event.blocked,
                "flagged_at": timestamp(event.created_at),
                **({"product_id": event.product_id} if event.product_id else {}),
            }
