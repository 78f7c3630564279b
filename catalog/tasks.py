"""Background work of the catalogue; each task calls one function."""

import logging
from typing import Any

from celery import shared_task
from django.utils import timezone
from kombu.exceptions import OperationalError

from catalog.callbacks import deliver
from catalog.encoders import active_encoder
from catalog.field_revalidation import due_revalidations, revalidate
from catalog.job_worker import close_canceled_items, has_waiting_items, work_on_next_job
from catalog.models import Job
from catalog.relevance import calibrate_grown_catalogues
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
def deliver_callback(job_pk: int) -> None:
    """Tell the merchant's server that a job has finished."""
    deliver(Job.objects.get(pk=job_pk))


@shared_task
def resume_jobs() -> None:
    """Call workers for items whose messages or workers were lost, and send the callbacks that are due."""
    now = timezone.now()
    close_canceled_items(now)
    if has_waiting_items(now):
        # While all workers are busy these expire, and the queue does not grow.
        call_workers(LANES, expires=RESUME_SECONDS)
    for job_pk in Job.objects.filter(callback_due_at__lte=now).values_list("pk", flat=True):
        deliver_callback.delay(job_pk)


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
