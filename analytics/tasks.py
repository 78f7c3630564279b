"""Background work of analytics; each task calls one function."""

import logging

import redis
from celery import shared_task
from django.core.cache import cache
from django.utils import timezone
from kombu.exceptions import OperationalError

from analytics import popularity, search_events
from analytics.vocabulary import make_vocabulary

logger = logging.getLogger(__name__)

# Meanwhile one message for a tenant's vocabulary is enough.
CALL_SECONDS = 30


def call_vocabulary(tenant_pk: int) -> None:
    """Have a worker read a tenant's vocabulary anew, unless one was called just now; without a broker it stays old."""
    try:
        if cache.add(f"vocabulary-called:{tenant_pk}", True, CALL_SECONDS):
            read_vocabulary.delay(tenant_pk)
    except (redis.RedisError, OperationalError) as error:
        logger.warning("a vocabulary stays old", extra={"tenant": tenant_pk, "error": str(error)})


@shared_task
def read_vocabulary(tenant_pk: int) -> None:
    """Read what a tenant's shoppers may want to type."""
    make_vocabulary(tenant_pk, at=timezone.now())


@shared_task
def flush_search_events() -> None:
    """Move the search events of the last seconds from Redis to PostgreSQL."""
    search_events.flush_search_events()


@shared_task
def update_popularity() -> None:
    """Have the popularity of every tenant's products computed."""
    for tenant_pk in popularity.tenants_with_feedback().values_list("pk", flat=True):
        update_popularity_of.delay(tenant_pk)


@shared_task
def update_popularity_of(tenant_pk: int) -> None:
    """Write what the feedback of the last weeks makes of a tenant's products."""
    popularity.update_popularity(tenant_pk, at=timezone.now())
