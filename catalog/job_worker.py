"""The worker's side of a job: claim a few items, index them, settle each, and notice when the job is done.

Items are claimed under a lease. A worker that dies lets its lease run out, and its items are claimed again; one that
comes back late finds that its attempt is no longer the current one, and settles nothing.
"""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog.documents import ProductDocument
from catalog.errors import PictureError
from catalog.indexing import Outcome, index_products, record_failure
from catalog.models import Job, JobItem
from catalog.vision.encoder import EncoderError

# Few enough that a chunk ends well within the task's time limit even when every shop answers slowly.
CHUNK = 8
# Longer than a task may run (CELERY_TASK_TIME_LIMIT), short enough that a killed worker's items are soon taken up.
LEASE = timedelta(seconds=35)
# An item whose worker was lost this often is what kills the workers.
MAX_ATTEMPTS = 4


def work_on(job: Job) -> bool:
    """Index the next few items of a job; return whether there may be more.

    Raises EncoderError, with the items back in the queue, when there is no encoder.
    """
    items = _claim(job)
    if not items:
        _finish_if_done(job)
        return False
    try:
        outcomes = index_products(job.tenant, [ProductDocument.from_json(item.document) for item in items])
    except EncoderError:
        _release(items)
        raise
    for item, outcome in zip(items, outcomes, strict=True):
        _settle(item, outcome)
    _finish_if_done(job)
    return True


@transaction.atomic
def _claim(job: Job) -> list[JobItem]:
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(active_at=now)
    Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(status=Job.Status.PROCESSING, started_at=now)
    claimable = job.items.claimable(now)
    claimable.filter(attempts__gte=MAX_ATTEMPTS).update(
        status=JobItem.Status.FAILED,
        code="worker_lost",
        message="The worker stopped each time it came to this product. Please send us its picture.",
    )
    items = list(claimable.order_by("index").select_for_update(skip_locked=True)[:CHUNK])
    # An item whose worker was lost is tried alone: if it is what kills workers, it takes no other with it.
    claimed = [item for item in items if item.attempts][:1] or items
    for item in claimed:
        item.attempts += 1
        item.status = JobItem.Status.PROCESSING
        item.leased_until = now + LEASE
    JobItem.objects.bulk_update(claimed, ["attempts", "status", "leased_until"])
    return claimed


def _release(items: list[JobItem]) -> None:
    JobItem.objects.filter(pk__in=[item.pk for item in items]).update(
        status=JobItem.Status.QUEUED, leased_until=None, attempts=F("attempts") - 1
    )


def _settle(item: JobItem, outcome: Outcome) -> None:
    current = JobItem.objects.filter(pk=item.pk, attempts=item.attempts, status=JobItem.Status.PROCESSING)
    error = outcome.error
    if error is None:
        current.update(status=JobItem.Status.SUCCEEDED, code="", message="", retryable=False)
        return
    if isinstance(error, PictureError):
        record_failure(item.tenant, outcome.document, error)
    current.update(status=JobItem.Status.FAILED, code=error.code, message=error.message, retryable=error.retryable)


def _finish_if_done(job: Job) -> None:
    if job.items.unfinished().exists():
        return
    has_success = job.items.filter(status=JobItem.Status.SUCCEEDED).exists()
    now = timezone.now()
    Job.objects.filter(pk=job.pk, finished_at=None).update(
        status=Job.Status.COMPLETED if has_success else Job.Status.FAILED,
        finished_at=now,
        callback_due_at=now if job.callback_url else None,
    )
