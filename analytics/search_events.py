"""Search events: pushed to a Redis list when a search is answered, moved to PostgreSQL in batches."""

import functools
import json
import logging
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.utils import timezone

from accounts.models import Tenant
from analytics.models import SearchEvent

logger = logging.getLogger(__name__)

PENDING = "trooply:search-events"
BATCH = 1_000
# Longer than Celery lets the task run.
FLUSH_SECONDS = 60


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def record_search(tenant: Tenant, *, search_id: str, mode: str, text: str, results: int, milliseconds: float) -> None:
    """Remember a search. Without Redis the event is lost, which is logged; the shopper gets the answer all the same."""
    event = {
        "tenant_id": tenant.pk,
        "search_id": search_id,
        "mode": mode,
        "text": text,
        "results": results,
        "milliseconds": milliseconds,
        "created_at": timezone.now().isoformat(),
    }
    try:
        _client().rpush(PENDING, json.dumps(event))
    except redis.RedisError as error:
        logger.warning("search event lost", extra={"search_id": search_id, "error": str(error)})


def flush_search_events() -> int:
    """Move pending events to PostgreSQL; return how many. Does nothing while another process does it.

    They leave Redis once they are stored. A crash between the two stores them again under the same id, which is
    ignored.
    """
    lock = _client().lock(f"{PENDING}:flush", timeout=FLUSH_SECONDS, blocking=False)
    if not lock.acquire():
        return 0
    try:
        return _flush()
    finally:
        lock.release()


def _flush() -> int:
    flushed = 0
    while pending := _client().lrange(PENDING, 0, BATCH - 1):
        _store([json.loads(event) for event in pending])
        _client().ltrim(PENDING, len(pending), -1)
        flushed += len(pending)
    return flushed


def _store(events: list[dict[str, Any]]) -> None:
    tenants = set(Tenant.objects.filter(pk__in={e["tenant_id"] for e in events}).values_list("pk", flat=True))
    SearchEvent.objects.bulk_create(
        [
            SearchEvent(**event | {"created_at": datetime.fromisoformat(event["created_at"])})
            for event in events
            if event["tenant_id"] in tenants
        ],
        ignore_conflicts=True,
    )
