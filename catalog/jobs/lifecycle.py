"""Starting, watching, cancelling and repeating jobs of a tenant."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, status

from accounts import audit
from accounts.models import Tenant
from catalog.documents import ProductDocument
from catalog.errors import IndexingError
from catalog.indexing import fail_pending
from catalog.jobs.items import NOT_WELL_FORMED, item_of_document, stop_items, store_items
from catalog.jobs.report import failed_items, keep_counts
from catalog.jobs.worker import tell_of_finished
from catalog.models import Job, JobItem, Product
from catalog.tasks import call_workers

# Items are written so many at a time, or fewer with so many characters: a product may hold pictures of megabytes.
BATCH = 1_000
BATCH_CHARACTERS = 2_000_000
CANCELED = IndexingError("canceled", "The job was cancelled before this product's turn came.")


class JobConflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


@transaction.atomic
def create_job(
    tenant: Tenant,
    kind: Job.Kind,
    items: Iterable[JobItem],
    *,
    callback_url: str = "",
    source: str = "",
    options: Mapping[str, Any] | None = None,
) -> Job:
    """Create a job of these items, as many as there are, and start it when the transaction commits."""
    job = Job.objects.create(
        tenant=tenant, kind=kind, total=0, callback_url=callback_url, source=source, options=dict(options or {})
    )
    for batch in _batches(items):
        for index, item in enumerate(batch, job.total):
            item.tenant_id, item.job, item.index = job.tenant_id, job, index
        store_items(batch)
        job.total += len(batch)
    job.save(update_fields=["total"])
    transaction.on_commit(lambda: call_workers(max(1, job.total)))
    return job


def _batches(items: Iterable[JobItem]) -> Iterator[list[JobItem]]:
    batch: list[JobItem] = []
    characters = 0
    for item in items:
        batch.append(item)
        characters += len(repr(item.document))
        if len(batch) == BATCH or characters >= BATCH_CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def reindex_products(tenant: Tenant, products: Iterable[Product]) -> Job | None:
    """Start a job that fetches the pictures of these products again; return None when none has a web address.

    Their metadata stays as it is when their turn comes. A product whose pictures were sent inside the request has
    nothing to fetch and is left as it is.
    """
    documents = [
        ProductDocument(
            product_id=product.product_id,
            images=tuple(product.image_urls),
            metadata=None,
            is_demo=product.is_demo,
        )
        for product in products
        if product.image_urls and all(product.image_urls)
    ]
    return create_job(tenant, Job.Kind.REINDEX, map(item_of_document, documents)) if documents else None


def access_job(tenant: Tenant, job_id: str) -> Job:
    """Return a tenant's job, or raise Http404."""
    job = tenant.jobs.filter(job_id=job_id).first()
    if job is None:
        raise Http404
    return job


@transaction.atomic
def cancel_job(job: Job, *, actor: str | None = None) -> None:
    """Stop a job: items that wait are cancelled, the few at work still finish.

    The act is told under the actor's name; None where the caller tells of it.
    """
    stopped = Job.objects.filter(pk=job.pk, finished_at=None).update(
        status=Job.Status.CANCELED, finished_at=timezone.now()
    )
    if not stopped:
        raise JobConflict(f"This job has {job.status} already; there is nothing to cancel.")
    waiting = job.items.filter(status=JobItem.Status.QUEUED)
    fail_pending(job.tenant, waiting.values_list("product_id", flat=True), CANCELED)
    stop_items(waiting)
    keep_counts(job)
    tell_of_finished(job)
    job.refresh_from_db()
    if actor is not None:
        audit.record(job.tenant, actor, "job.canceled", target=job.job_id)


def retry_failed(job: Job, *, actor: str | None = None) -> int:
    """Queue all failed items of a job again, as `retry_items` does."""
    return retry_items(job, failed_items(job), actor=actor)


@transaction.atomic
def retry_items(job: Job, failed: QuerySet[JobItem], *, actor: str | None = None) -> int:
    """Queue some of the failed items of a job again, but for those that were not well-formed; return how many.

    Others of the job may still be at work. The act is told under the actor's name; None where the caller tells of it.
    Raises JobConflict when none of these has failed.
    """
    # Nobody may finish the job meanwhile.
    Job.objects.select_for_update(no_key=True).get(pk=job.pk)
    if not failed.exists():
        raise JobConflict("None of these products has failed; there is nothing to try again.")
    # They keep their failure until they have been tried, in case they are cancelled before their turn.
    repeatable = failed.order_by().exclude(code=NOT_WELL_FORMED)
    retried = repeatable.update(status=JobItem.Status.QUEUED, due_at=timezone.now(), attempts=0, retries=0)
    if retried:
        finished = Job.objects.filter(pk=job.pk).exclude(finished_at=None)
        finished.update(status=Job.Status.QUEUED, finished_at=None, counts=None)
        transaction.on_commit(lambda: call_workers(retried))
        job.refresh_from_db()
        if actor is not None:
            audit.record(job.tenant, actor, "job.retried", target=job.job_id, after={"items": retried})
    return retried
