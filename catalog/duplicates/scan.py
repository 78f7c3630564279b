"""Starting a scan for near-duplicates."""

from django.db import transaction

from accounts.audit import record
from accounts.models import Tenant
from accounts.revisions import lock_configuration
from catalog.duplicates.comparing import blocks_of
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.jobs.lifecycle import JobConflict, create_job
from catalog.models import DuplicateBlock, Job
from catalog.vision.near_duplicates import NEAR

# What can be asked for: more is the rounding of vectors, less is other products.
LEAST_THRESHOLD, GREATEST_THRESHOLD = 0.8, 0.999


def start_scan(tenant: Tenant, actor: str, *, threshold: float = NEAR) -> Job:
    """Start a job that finds all near-duplicates of a tenant; a scan that is under way for the same is that job.

    Raises JobConflict while one is under way that asks for another similarity, EncoderError without an encoder.
    """
    encoder = active_encoder()
    distance = heads_of(encoder).duplicates.distance
    with transaction.atomic():
        # Two that start at the same time would not see each other.
        lock_configuration(tenant)
        if (running := running_scan(tenant)) is not None:
            return _require_same(running, threshold)
        DuplicateBlock.objects.filter(tenant=tenant).delete()
        row = encoder_row(encoder)
        options = {"threshold": threshold, "encoder": row.pk, "distance": distance}
        job = create_job(tenant, Job.Kind.DUPLICATES, blocks_of(tenant, row), options=options)
        record(tenant, actor, "duplicates.scanned", target=job.job_id, after={"threshold": threshold})
        return job


def running_scan(tenant: Tenant) -> Job | None:
    """Return the scan that is under way, if there is one."""
    return tenant.jobs.filter(kind=Job.Kind.DUPLICATES, finished_at=None).first()


def last_scan(tenant: Tenant) -> Job | None:
    """Return the scan that was completed last, if there is one."""
    scans = tenant.jobs.filter(kind=Job.Kind.DUPLICATES, status=Job.Status.COMPLETED)
    return scans.order_by("-finished_at").first()


def _require_same(running: Job, threshold: float) -> Job:
    if running.options["threshold"] != threshold:
        raise JobConflict(
            f"Scan {running.job_id} for a similarity of {running.options['threshold']:g} is under way. "
            "Wait until it has finished, or cancel it."
        )
    return running
