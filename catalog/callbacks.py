"""The call to a merchant's server when their job has finished: the job as `GET /v1/jobs/{job_id}` shows it."""

import logging
from datetime import timedelta

import requests
from django.db.models import F
from django.utils import timezone
from rest_framework.renderers import JSONRenderer

from catalog.fetch import RefusedURLError, guarded_session
from catalog.job_report import describe_job
from catalog.models import Job

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS = 10
# After the last of these the merchant has to ask for the job.
RETRY_AFTER = (timedelta(seconds=30), timedelta(minutes=5), timedelta(minutes=30), timedelta(hours=2))


def deliver(job: Job) -> None:
    """Call a job's `callback_url` if that is due, and plan the next attempt until one succeeds."""
    if not _claim(job):
        return
    body, headers = JSONRenderer().render(describe_job(job)), {"Content-Type": "application/json"}
    try:
        with guarded_session() as session:
            response = session.post(job.callback_url, data=body, headers=headers, timeout=TIMEOUT_SECONDS)
    # A ValueError is a host's name that cannot be written in DNS.
    except (requests.RequestException, RefusedURLError, ValueError) as error:
        # The message of an error holds the address, and addresses of callbacks hold secrets.
        logger.warning("callback failed", extra={"job": job.job_id, "error": type(error).__name__})
        return
    logger.info("callback answered", extra={"job": job.job_id, "status": response.status_code})
    if response.status_code < 300:
        attempt = job.callback_attempts + 1
        Job.objects.filter(pk=job.pk, callback_attempts=attempt).update(callback_due_at=None)


def _claim(job: Job) -> bool:
    """Plan the next attempt before this one, so that a killed worker neither loses nor repeats it at once."""
    now = timezone.now()
    retries_left = job.callback_attempts < len(RETRY_AFTER)
    next_due = now + RETRY_AFTER[job.callback_attempts] if retries_left else None
    due = Job.objects.filter(pk=job.pk, callback_due_at__lte=now, callback_attempts=job.callback_attempts)
    return due.update(callback_due_at=next_due, callback_attempts=F("callback_attempts") + 1) == 1
