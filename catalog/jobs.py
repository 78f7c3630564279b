"""Starting, watching, cancelling and repeating jobs of a tenant."""

from collections.abc import Iterable, Sequence

from django.db import transaction
from django.http import Http404
from django.utils import timezone
from rest_framework import exceptions, status

from accounts.models import Tenant
from catalog.bulk import Rejected
from catalog.documents import ProductDocument
from catalog.errors import IndexingError
from catalog.indexing import fail_pending
from catalog.job_report import failed_items
from catalog.models import Job, JobItem, Product
from catalog.tasks import call_workers

# The code of an item that trying again cannot help.
NOT_WELL_FORMED = "validation_failed"
CANCELED = IndexingError("canceled", "The job was cancelled before this product's turn came.")


class JobConflict(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"


@transaction.atomic
def create_job(
    tenant: Tenant, kind: Job.Kind, products: Sequence[ProductDocument | Rejected], *, callback_url: str = ""
) -> Job:
    """Create a job that indexes these products, and start it when the transaction commits."""
    job = Job.objects.create(tenant=tenant, kind=kind, total=len(products), callback_url=callback_url)
    items = (_new_item(job, index, product) for index, product in enumerate(products))
    JobItem.objects.bulk_create(items, batch_size=500)
    transaction.on_commit(lambda: call_workers(job.total))
    return job


def _new_item(job: Job, index: int, product: ProductDocument | Rejected) -> JobItem:
    item = JobItem(tenant_id=job.tenant_id, job=job, index=index, product_id=product.product_id, document={})
    if isinstance(product, Rejected):
        item.status, item.code, item.message = JobItem.Status.FAILED, NOT_WELL_FORMED, product.message
    else:
        item.document = product.to_json()
    return item


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
    return create_job(tenant, Job.Kind.REINDEX, documents) if documents else None


def access_job(tenant: Tenant, job_id: str) -> Job:
    """Return a tenant's job, or raise Http404."""
    job = tenant.jobs.filter(job_id=job_id).first()
    if job is None:
        raise Http404
    return job


@transaction.atomic
def cancel_job(job: Job) -> None:
    """Stop a job: items that wait are cancelled, the few at work still finish."""
    now = timezone.now()
    stopped = Job.objects.filter(pk=job.pk, finished_at=None).update(
        status=Job.Status.CANCELED, finished_at=now, callback_due_at=now if job.callback_url else None
    )
    if not stopped:
        raise JobConflict(f"This job has {job.status} already; there is nothing to cancel.")
    waiting = job.items.filter(status=JobItem.Status.QUEUED)
    fail_pending(job.tenant, list(waiting.values_list("product_id", flat=True)), CANCELED)
    waiting.update(status=JobItem.Status.CANCELED)
    job.refresh_from_db()


@transaction.atomic
def retry_failed(job: Job) -> int:
    """Queue the failed items of a finished job again, but for those that were not well-formed; return how many."""
    if job.finished_at is None:
        raise JobConflict("This job is still at work. Wait until it has finished, or cancel it.")
    repeatable = failed_items(job).exclude(code=NOT_WELL_FORMED)
    retried = repeatable.update(status=JobItem.Status.QUEUED, attempts=0, code="", message="")
    if retried:
        Job.objects.filter(pk=job.pk).update(
            status=Job.Status.QUEUED, finished_at=None, callback_due_at=None, callback_attempts=0
        )
        transaction.on_commit(lambda: call_workers(retried))
        job.refresh_from_db()
    return retried
