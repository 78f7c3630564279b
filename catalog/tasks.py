"""Background work of the catalogue; each task fetches by id and calls one function."""

from celery import shared_task
from django.db.models import F
from django.utils import timezone

from catalog.callbacks import deliver
from catalog.job_worker import work_on
from catalog.models import Job
from catalog.vector_index import build_missing_indexes

# Tasks of one job that run side by side. More would let one large job keep all workers from the next tenant's.
LANES = 4


def start_job(job: Job) -> None:
    """Queue the tasks that work on a job, in place of any that it had."""
    Job.objects.filter(pk=job.pk).update(generation=F("generation") + 1, active_at=timezone.now())
    job.refresh_from_db(fields=["generation"])
    for _ in range(min(LANES, job.total)):
        index_items.delay(job.pk, job.generation)


@shared_task
def index_items(job_pk: int, generation: int) -> None:
    """Index a few items of a job, then queue up again behind everybody else's."""
    job = Job.objects.select_related("tenant").filter(pk=job_pk, generation=generation, finished_at=None).first()
    if job is not None and work_on(job):
        index_items.delay(job_pk, generation)


@shared_task
def deliver_callback(job_pk: int) -> None:
    """Tell the merchant's server that a job has finished."""
    deliver(Job.objects.get(pk=job_pk))


@shared_task
def resume_jobs() -> None:
    """Start jobs again whose tasks were lost, and send the callbacks that are due."""
    now = timezone.now()
    for job in Job.objects.stalled(now):
        start_job(job)
    for job_pk in Job.objects.filter(callback_due_at__lte=now).values_list("pk", flat=True):
        deliver_callback.delay(job_pk)


# Building takes minutes: with a late acknowledgement the broker would hand it out again all the while. Nothing is
# lost with an early one, since the next round finds what is still missing.
@shared_task(acks_late=False, time_limit=3600)
def build_vector_indexes() -> None:
    """Give large tenants the vector index they lack."""
    build_missing_indexes()
