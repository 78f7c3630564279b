"""The worker's side of jobs: claim a few items, index them, settle each, and notice when a job is done.

Items are claimed under a lease. A worker that dies lets its lease run out, and its items are claimed again; one that
comes back late finds that its attempt is no longer the current one, and settles nothing. Whoever is free works on the
job that has waited longest, so jobs take turns, whatever their size.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import accumulate

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from catalog.documents import ProductDocument
from catalog.errors import IndexingError, PictureError
from catalog.indexing import Outcome, fail_pending, index_products, record_failure
from catalog.models import Job, JobItem, Product
from catalog.vision.encoder import EncoderError

# Items to claim at a time, and pictures that they may have together: as many as are downloaded side by side, so that a
# chunk ends well within the task's time limit even when every shop answers slowly.
CHUNK = 8
CHUNK_PICTURES = 10
# Longer than a task may run (CELERY_TASK_TIME_LIMIT), short enough that a killed worker's items are soon taken up.
LEASE = timedelta(seconds=35)
# An item whose worker was lost this often is what kills the workers.
MAX_ATTEMPTS = 4
GONE = IndexingError("not_found", "This product was deleted before its turn came.")


def work_on_next_job() -> bool:
    """Index the next few items of the job that has waited longest; return whether there was anything to do.

    Raises EncoderError, with the items back in the queue, when there is no encoder.
    """
    unfinished = Job.objects.filter(finished_at=None).select_related("tenant").order_by("active_at", "pk")
    return any(work_on(job) for job in unfinished)


def work_on(job: Job) -> bool:
    """Index the next few items of a job; return whether there were any. Raises what `work_on_next_job` raises."""
    items = _claim(job)
    if not items:
        _finish_if_done(job)
        return False
    try:
        outcomes = _index(job, items)
    except EncoderError:
        _release(items)
        raise
    for item, outcome in zip(items, outcomes, strict=True):
        _settle(job, item, outcome)
    _finish_if_done(job)
    return True


def has_waiting_items(at: datetime) -> bool:
    """Return whether an unfinished job has items that can be claimed."""
    return JobItem.objects.claimable(at).filter(job__finished_at=None).exists()


def close_canceled_items(at: datetime) -> None:
    """Cancel what the workers of a cancelled job have left behind."""
    left = JobItem.objects.claimable(at).filter(job__status=Job.Status.CANCELED)
    left.update(status=JobItem.Status.CANCELED)


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
    claimed = [item for item in items if item.attempts][:1] or _as_many_as_fit(items)
    for item in claimed:
        item.attempts += 1
        item.status = JobItem.Status.PROCESSING
        item.leased_until = now + LEASE
    JobItem.objects.bulk_update(claimed, ["attempts", "status", "leased_until"])
    return claimed


def _as_many_as_fit(items: list[JobItem]) -> list[JobItem]:
    """Return the first items, at least one, whose pictures are not too many for one chunk."""
    pictures = accumulate(len(item.document["images"]) for item in items)
    return [item for item, total in zip(items, pictures, strict=True) if total <= CHUNK_PICTURES] or items[:1]


def _index(job: Job, items: list[JobItem]) -> list[Outcome]:
    documents = [ProductDocument.from_json(item.document) for item in items]
    if job.kind != Job.Kind.REINDEX:
        return index_products(job.tenant, documents)
    wanted = job.tenant.products.filter(product_id__in=[document.product_id for document in documents])
    present = {product.product_id: product for product in wanted}
    outcomes = index_products(job.tenant, [_as_it_stands(d, present) for d in documents if d.product_id in present])
    done = {outcome.document.product_id: outcome for outcome in outcomes}
    return [done.get(document.product_id) or Outcome(document, error=GONE) for document in documents]


def _as_it_stands(document: ProductDocument, present: Mapping[str, Product]) -> ProductDocument:
    """Return what to index again: the pictures that the product has by now."""
    return replace(document, images=tuple(present[document.product_id].image_urls))


def _release(items: list[JobItem]) -> None:
    JobItem.objects.filter(pk__in=[item.pk for item in items]).update(
        status=JobItem.Status.QUEUED, leased_until=None, attempts=F("attempts") - 1
    )


def _settle(job: Job, item: JobItem, outcome: Outcome) -> None:
    current = JobItem.objects.filter(pk=item.pk, attempts=item.attempts, status=JobItem.Status.PROCESSING)
    error = outcome.error
    if error is None:
        # The document may hold pictures of megabytes, and has done its service.
        current.update(status=JobItem.Status.SUCCEEDED, code="", message="", retryable=False, document={})
        return
    if isinstance(error, PictureError):
        record_failure(job.tenant, outcome.document, error)
    else:
        fail_pending(job.tenant, [item.product_id], error)
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
