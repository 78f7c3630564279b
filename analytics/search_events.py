"""Search events: pushed to a Redis list when a search is answered, moved to PostgreSQL in batches."""

import functools
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import redis
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DataError, transaction
from django.utils import timezone

from accounts.models import Tenant
from analytics.models import MAX_TEXT_LENGTH, SearchEvent

logger = logging.getLogger(__name__)

PENDING = "trooply:search-events"
BATCH = 1_000
# Longer than Celery lets the task run.
FLUSH_SECONDS = 60
TOP_PRODUCTS = 10


@dataclass(frozen=True)
class SearchContext:
    """What is remembered of a search beside its figures: how to run it again, for whom it was, what was shown first.

    `params` are the request's fields without the bytes of pictures; `filters` are fields and values, such as
    `{"field": "brand", "value": "SportMax"}`.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    filters: Sequence[Mapping[str, Any]] = ()
    session_id: str = ""
    user_id: str = ""
    experiment: str = ""
    variant: str = ""
    top_product_ids: Sequence[str] = ()
    surface: str = SearchEvent.Surface.API


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def record_search(
    tenant: Tenant,
    *,
    search_id: str,
    mode: str,
    text: str,
    results: int,
    milliseconds: float,
    context: SearchContext = SearchContext(),
) -> None:
    """Remember a search. Without Redis the event is lost, which is logged; the shopper gets the answer all the same.

    Of a text its first 500 characters are kept, of the products shown the first 10. Further pages of a search have its
    id, and are no further event.
    """
    event = asdict(context) | {
        "tenant_id": tenant.pk,
        "search_id": search_id,
        "mode": mode,
        "text": text[:MAX_TEXT_LENGTH],
        "results": results,
        "milliseconds": milliseconds,
        "top_product_ids": list(context.top_product_ids[:TOP_PRODUCTS]),
        "created_at": timezone.now(),
    }
    try:
        _client().rpush(PENDING, json.dumps(event, cls=DjangoJSONEncoder))
    except redis.RedisError as error:
        logger.warning("search event lost", extra={"search_id": search_id, "error": str(error)})


def flush_search_events(*, wait: bool = False) -> int:
    """Move pending events to PostgreSQL; return how many. While another process does it, do nothing or `wait` for it.

    They leave Redis once they are stored. A crash between the two stores them again under the same id, which is
    ignored.
    """
    lock = _client().lock(f"{PENDING}:flush", timeout=FLUSH_SECONDS, blocking=wait)
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
    rows = [
        SearchEvent(**event | {"created_at": datetime.fromisoformat(event["created_at"])})
        for event in events
        if event["tenant_id"] in tenants
    ]
    try:
        _insert(rows)
    except DataError:
        _insert_one_by_one(rows)


def _insert_one_by_one(rows: list[SearchEvent]) -> None:
    """Store all rows but those that PostgreSQL refuses, which would otherwise hold up the list for ever."""
    for row in rows:
        try:
            _insert([row])
        except DataError as error:
            logger.error("search event refused", extra={"search_id": row.search_id, "error": str(error)})


@transaction.atomic
def _insert(rows: list[SearchEvent]) -> None:
    SearchEvent.objects.bulk_create(rows, ignore_conflicts=True)
