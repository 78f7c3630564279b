"""Background work of the catalogue; each task calls one function."""

import logging
from typing import Any

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from catalog.encoders import active_encoder
from catalog.field_revalidation import due_revalidations, revalidate
from catalog.jobs.worker import close_canceled_items, finish_done_jobs, has_waiting_items, work_on_next_job
from catalog.moderation.events import flush_scans
from catalog.relevance import calibrate_grown_catalogues
from catalog.translation.steps import translate_changed
from catalog.vector_index import build_missing_indexes

logger = logging.getLogger(__name__)

# Messages that a job adds to the queue. Each keeps one process at work until nothing is left to claim in any job.
LANES = 4
# How often beat runs `resume_jobs`.
RESUME_SECONDS = 10


def call_workers(count: int, **options: Any) -> None:
    """Tell workers that there is something to claim. Without a broker the items wait until it is back."""
    try:
        for _ in range(min(count, LANES)):
            index_items.apply_async(**options)
    except OperationalError as error:
        logger.warning("jobs wait for the broker", extra={"error": str(error)})


def call_revalidation(field_pk: int) -> None:
    """Have a worker check all products against the type that a field shall have. Without a broker it waits."""
    try:
        revalidate_custom_field.delay(field_pk)
    except OperationalError as error:
        logger.warning("a custom field waits for the broker", extra={"error": str(error)})


@shared_task
def index_items() -> None:
    """Index a few products of the job that has waited longest, then queue up again."""
    if work_on_next_job():
        index_items.delay()


@shared_task
def resume_jobs() -> None:
    """Call workers for items whose turn has come, or whose messages or workers were lost."""
    now = timezone.now()
    if has_waiting_items(now):
        # While all workers are busy these expire, and the queue does not grow.
        call_workers(LANES, expires=RESUME_SECONDS)
    close_canceled_items(now)
    finish_done_jobs(now)


# A worker that is lost is replaced by the round of `resume_revalidations` that finds its change left.
@shared_task(acks_late=False, time_limit=3600)
def revalidate_custom_field(field_pk: int) -> None:
    """Check all products against the type that a field shall have."""
    revalidate(field_pk)


@shared_task
def resume_revalidations() -> None:
    """Call workers for changes of custom fields whose messages or workers were lost."""
    for field_pk in due_revalidations(timezone.now()):
        revalidate_custom_field.delay(field_pk)


@shared_task
def recheck_images() -> None:
    """Look for pictures again at their addresses, to see whether they are others."""
    # It starts jobs, and whatever starts jobs imports this module.
    from catalog.pictures.rechecks import recheck_images as recheck

    recheck(timezone.now())


# Building takes minutes: with a late acknowledgement the broker would hand it out again all the while. Nothing is
# lost with an early one, since the next round finds what is still missing.
@shared_task(acks_late=False, time_limit=3600)
def build_vector_indexes() -> None:
    """Give large tenants the vector index they lack."""
    build_missing_indexes()


# The first run with an encoder also computes its heads, which takes a large one half a minute.
@shared_task(acks_late=False, time_limit=3600)
def calibrate_relevance() -> None:
    """Learn what the encoder's scores are worth in catalogues that are new or have grown."""
    calibrate_grown_catalogues(active_encoder())


@shared_task
def flush_moderation_scans() -> None:
    """Move the scans of searched pictures of the last seconds from Redis to PostgreSQL."""
    flush_scans()


@shared_task
def translate_changed_products() -> None:
    """Translate products that were named anew, where a shop has chosen languages."""
    translate_changed()
