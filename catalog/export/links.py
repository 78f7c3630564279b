"""The link to the file of an export: made anew for each who may see it, and good for a day whoever has it."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.signing import Signer
from django.urls import reverse
from django.utils import timezone

from accounts.models import Tenant
from catalog.export.parts import LIFETIME
from catalog.models import Job, JobItem

SALT = "catalog.export"


class LinkExpiredError(Exception):
    """The file of this link is deleted."""


def download_of(job: Job) -> dict[str, Any] | None:
    """Return the `download_url` of an export and when it expires, or None unless all its parts are written."""
    expires_at = _expires_at(job)
    if expires_at is None:
        return None
    token = Signer(salt=SALT).sign(job.job_id)
    return {
        "download_url": f"{settings.BASE_URL}{reverse('account-export', args=[token])}",
        "expires_at": expires_at.isoformat(),
    }


def is_expired(job: Job) -> bool:
    """Return whether the file of an export is deleted."""
    expires_at = _expires_at(job)
    return expires_at is not None and expires_at < timezone.now()


def job_of_token(token: str) -> Job | None:
    """Return the export that a link leads to, or None when there is none, or its tenant is suspended.

    Raises BadSignature for a link that is not ours, and LinkExpiredError.
    """
    exports = Job.objects.filter(kind=Job.Kind.EXPORT, tenant__status=Tenant.Status.ACTIVE).select_related("tenant")
    job = exports.filter(job_id=Signer(salt=SALT).unsign(token)).first()
    if job is None or _expires_at(job) is None:
        return None
    if is_expired(job):
        raise LinkExpiredError
    return job


def _expires_at(job: Job) -> datetime | None:
    """Return when the file of an export is deleted, or None unless all its parts are written."""
    is_whole = (job.counts or {}).get(JobItem.Status.SUCCEEDED) == job.total
    return job.finished_at + LIFETIME if job.finished_at is not None and is_whole else None
