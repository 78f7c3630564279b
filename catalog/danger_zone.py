"""What concerns a tenant's whole catalogue: to delete all of it, and to take it along."""

from django.db import connection, transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Tenant
from catalog.export.steps import export_steps
from catalog.jobs.lifecycle import create_job
from catalog.models import Job
from catalog.tasks import call_workers

# What must be sent along, or typed, to delete everything.
CONFIRMATION = "DELETE"

_DELETIONS = """
    INSERT INTO catalog_jobitem
        (tenant_id, job_id, index, action, product_id, document, status, attempts, retries, due_at, code, message,
         retryable)
    SELECT tenant_id, %s, row_number() OVER (ORDER BY id) - 1, 'delete', product_id, '{}', 'queued', 0, 0, now(), '',
        '', false
    FROM catalog_product WHERE tenant_id = %s
"""


@transaction.atomic
def delete_all_products(tenant: Tenant, actor: str) -> Job:
    """Start a job that deletes the products that there are now, demo products too; one that is sent later stays."""
    job = create_job(tenant, Job.Kind.DELETE, (), options={"compared_at": timezone.now().isoformat()})
    with connection.cursor() as cursor:
        cursor.execute(_DELETIONS, [job.pk, tenant.pk])
        job.total = cursor.rowcount
    job.save(update_fields=["total"])
    audit.record(tenant, actor, "products.all_deleted", target=job.job_id, after={"products": job.total})
    transaction.on_commit(lambda: call_workers(job.total))
    return job


@transaction.atomic
def export_catalogue(tenant: Tenant, actor: str) -> Job:
    """Start an export, or return the one that is at work."""
    Tenant.objects.select_for_update(no_key=True).get(pk=tenant.pk)
    running = tenant.jobs.filter(kind=Job.Kind.EXPORT, finished_at=None).first()
    if running is not None:
        return running
    job = create_job(tenant, Job.Kind.EXPORT, export_steps(tenant))
    audit.record(tenant, actor, "account.exported", target=job.job_id)
    return job
