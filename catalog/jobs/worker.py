"""The worker's side of jobs: claim a few items, do what they ask for, settle each, and notice when a job is done.

Items are claimed under a lease. A worker that dies lets its lease run out, and its items are claimed again; one that
comes back late finds that its attempt is no longer the current one, and settles nothing. Whoever is free works for the
tenant that has waited longest, so tenants take turns, whatever the number and the size of their jobs.
"""

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import accumulate, takewhile

from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_callback, record_event
from catalog.errors import IndexingError
from catalog.indexing import fail_pending
from catalog.jobs.items import stop_items
from catalog.jobs.report import describe_job, keep_counts
from catalog.jobs.retries import costs_a_try, next_try
from catalog.jobs.steps import FINISHERS, STEPS
from catalog.models import Job, JobItem
from catalog.vision.encoder import EncoderError

logger = logging.getLogger(__name__)

# Pictures that a chunk of products may have together: as many as are downloaded side by side, so that a chunk ends well
# within the task's time limit even when every shop answers slowly.
CHUNK_PICTURES = 10
# Longer than a task may run (CELERY_TASK_TIME_LIMIT), short enough that a killed worker's items are soon taken up.
LEASE = timedelta(seconds=35)
# An item whose worker was lost this often is what kills the workers.
MAX_ATTEMPTS = 4
WORKER_LOST = IndexingError(
    "worker_lost", "The worker stopped each time it came to this item. Please send us its picture."
)
# Jobs of a tenant that a worker goes through in search of work: the first has some, unless others were quicker.
LOOKED_AT = 8
# Kinds that bring products in; the others are none that a shop's systems wait for.
BULK_KINDS = frozenset({Job.Kind.INDEX, Job.Kind.SYNC})
# A job whose finisher still fails so long after its last item was claimed has failed.
FINISHING_PATIENCE = timedelta(hours=1)


def work_on_next_job() -> bool:
    """Do the next few items of the tenant that has waited longest; return whether there was anything to do.

    Raises EncoderError, with the items back in the queue, when there is no encoder.
    """
    now = timezone.now()
    return any(work_on(job) for tenant in _tenants_in_turn() for job in _jobs_in_turn(tenant, now))


def work_on(job: Job) -> bool:
    """Do the next few items of a job; return whether there were any. Raises what `work_on_next_job` raises."""
    items = _claim(job)
    if not items:
        _finish_or_log(job)
        return False
    try:
        errors = _do(job, items)
    except EncoderError:
        _release(items)
        raise
    _settle_done([item for item, error in zip(items, errors, strict=True) if error is None])
    for item, error in zip(items, errors, strict=True):
        if error is not None:
            _settle_failed(item, error)
    _finish_or_log(job)
    return True


def has_waiting_items(at: datetime) -> bool:
    """Return whether an unfinished job has items that can be claimed."""
    return _with_claimable(at).exists()


def close_canceled_items(at: datetime) -> None:
    """Cancel what the workers of a cancelled job have left behind."""
    stop_items(JobItem.objects.claimable(at).filter(job__in=Job.objects.filter(status=Job.Status.CANCELED)))


def finish_done_jobs(at: datetime) -> None:
    """Finish jobs that have nothing left to do, and whose last worker was lost before it said so.

    One that cannot be finished holds up no other, and has failed when it could not for long.
    """
    unfinished = JobItem.objects.unfinished().filter(job=OuterRef("pk"))
    done = Job.objects.filter(~Exists(unfinished), finished_at=None)
    for job in done.annotate(last_active_at=Coalesce("active_at", "created_at")).select_related("tenant"):
        if not _finish_or_log(job) and job.last_active_at < at - FINISHING_PATIENCE:
            _give_up(job)


def _finish_or_log(job: Job) -> bool:
    """Finish a job if it is done; return whether that went well. What a finisher runs into is no worker's fault."""
    try:
        finish_if_done(job)
    except Exception:
        logger.exception("a job cannot be finished", extra={"job_id": job.job_id})
        return False
    return True


@transaction.atomic
def finish_if_done(job: Job) -> None:
    """Finish a job whose items are all settled, and tell whoever wants to know. Raises what its finisher raises."""
    locked = _unfinished(job)
    if locked is None or locked.items.unfinished().exists():
        return
    has_success = not locked.total or locked.items.filter(status=JobItem.Status.SUCCEEDED).exists()
    _finish(locked, Job.Status.COMPLETED if has_success else Job.Status.FAILED)
    if locked.kind in FINISHERS:
        FINISHERS[locked.kind](locked)
    tell_of_finished(locked)


@transaction.atomic
def _give_up(job: Job) -> None:
    locked = _unfinished(job)
    if locked is not None:
        _finish(locked, Job.Status.FAILED)
        tell_of_finished(locked)


def _unfinished(job: Job) -> Job | None:
    """Return a job, locked against those who try its items again, unless it has finished."""
    unfinished = Job.objects.filter(pk=job.pk, finished_at=None).select_related("tenant")
    return unfinished.select_for_update(of=("self",), no_key=True).first()


def _finish(job: Job, status: Job.Status) -> None:
    job.status, job.finished_at = status, timezone.now()
    job.save(update_fields=["status", "finished_at"])
    keep_counts(job)


def tell_of_finished(job: Job) -> None:
    """Tell the job's own `callback_url` and, if it brings products in, the tenant's endpoints that it has finished."""
    report = describe_job(job)
    if job.kind in BULK_KINDS:
        fields = ("job_id", "type", "status", "total", "succeeded", "failed", "finished_at")
        record_event(job.tenant, EventType.BULK_COMPLETED, {field: report[field] for field in fields})
    if job.callback_url:
        record_callback(job.tenant, job.callback_url, report)


def _tenants_in_turn() -> QuerySet[Tenant]:
    """Return the tenants with unfinished jobs; first the one that has waited longest."""
    jobs = Job.objects.filter(tenant=OuterRef("pk"))
    served = jobs.exclude(active_at=None).order_by("-active_at").values("active_at")[:1]
    busy = Tenant.objects.filter(Exists(jobs.filter(finished_at=None))).annotate(last_served=Subquery(served))
    return busy.order_by(F("last_served").asc(nulls_first=True), "pk")


def _jobs_in_turn(tenant: Tenant, at: datetime) -> QuerySet[Job]:
    """Return the first jobs of a tenant that have something to claim; first the one that has waited longest."""
    jobs = _with_claimable(at).filter(tenant=tenant).select_related("tenant")
    return jobs.order_by(F("active_at").asc(nulls_first=True), "pk")[:LOOKED_AT]


def _with_claimable(at: datetime) -> QuerySet[Job]:
    """Return the jobs that have something to claim."""
    claimable = JobItem.objects.claimable(at).filter(job=OuterRef("pk"))
    return Job.objects.filter(Exists(claimable), finished_at=None)


@transaction.atomic
def _claim(job: Job) -> list[JobItem]:
    now = timezone.now()
    Job.objects.filter(pk=job.pk, status=Job.Status.QUEUED).update(status=Job.Status.PROCESSING, started_at=now)
    # A job that was cancelled meanwhile has nothing to claim. The lock also keeps its items for those who cancel it.
    if not Job.objects.filter(pk=job.pk, finished_at=None).update(active_at=now):
        return []
    claimable = job.items.claimable(now).order_by("due_at", "index")
    claimed = _next_chunk(claimable.select_for_update(skip_locked=True))
    for item in claimed:
        item.attempts += 1
        item.status = JobItem.Status.PROCESSING
        item.due_at = now + LEASE
    JobItem.objects.bulk_update(claimed, ["attempts", "status", "due_at"])
    return claimed


def _next_chunk(claimable: QuerySet[JobItem]) -> list[JobItem]:
    """Return the first items that can be done together: of one action, and with few enough pictures."""
    first = claimable.first()
    if first is None:
        return []
    items = [item for item in claimable[: STEPS[first.action].chunk] if item.action == first.action]
    # An item whose worker was lost is tried alone: if it is what kills workers, it takes no other with it.
    return [item for item in items if item.attempts][:1] or _as_many_as_fit(items)


def _as_many_as_fit(items: Sequence[JobItem]) -> list[JobItem]:
    """Return the first items, at least one, whose pictures are not too many for one chunk."""
    pictures = accumulate(_count_pictures(item) for item in items)
    fitting = takewhile(lambda pair: pair[1] <= CHUNK_PICTURES, zip(items, pictures, strict=True))
    return [item for item, _ in fitting] or list(items[:1])


def _count_pictures(item: JobItem) -> int:
    if item.action != JobItem.Action.INDEX:
        return 0
    images = item.document.get("sent", item.document).get("images")
    return max(1, len(images)) if isinstance(images, list) else 1


def _do(job: Job, items: Sequence[JobItem]) -> Sequence[IndexingError | None]:
    """Return what went wrong with each item. What has killed its workers, and is alone for it, gets no other."""
    if items[0].attempts <= MAX_ATTEMPTS:
        return STEPS[items[0].action].run(job, items)
    fail_pending(job.tenant, [item.product_id for item in items], WORKER_LOST)
    return [WORKER_LOST for _ in items]


def _release(items: Sequence[JobItem]) -> None:
    _current(items).update(status=JobItem.Status.QUEUED, due_at=timezone.now(), attempts=F("attempts") - 1)


def _settle_done(items: Sequence[JobItem]) -> None:
    if items:
        # A document may hold pictures of megabytes, and has done its service.
        _current(items).update(
            status=JobItem.Status.SUCCEEDED, due_at=None, code="", message="", retryable=False, document={}
        )


def _settle_failed(item: JobItem, error: IndexingError) -> None:
    told = {"code": error.code, "message": error.message, "retryable": error.retryable}
    due_at = next_try(item, error, timezone.now())
    if due_at is None:
        _current([item]).update(**told, status=JobItem.Status.FAILED, due_at=None)
    else:
        retries = item.retries + costs_a_try(error)
        _current([item]).update(**told, status=JobItem.Status.QUEUED, due_at=due_at, attempts=0, retries=retries)


def _current(items: Sequence[JobItem]) -> QuerySet[JobItem]:
    """Return the rows of items, at least one, whose claim is still the one that they were claimed with."""
    # Those that are claimed together have been claimed as often: what has been claimed before is alone.
    (attempts,) = {item.attempts for item in items}
    pks = [item.pk for item in items]
    return JobItem.objects.filter(pk__in=pks, attempts=attempts, status=JobItem.Status.PROCESSING)
