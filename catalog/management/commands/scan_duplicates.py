"""`manage.py scan_duplicates`: find near-duplicates, in this process and in whatever workers there are."""

import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from tqdm import tqdm

from accounts.models import Tenant
from catalog.duplicates.scan import GREATEST_THRESHOLD, LEAST_THRESHOLD, start_scan
from catalog.jobs.lifecycle import JobConflict
from catalog.jobs.worker import work_on
from catalog.models import Job, JobItem
from catalog.vision.encoder import EncoderError
from catalog.vision.near_duplicates import NEAR

# Between two looks at what workers still have to finish.
POLL_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Find products that show nearly the same picture, and group them for their shop to decide about. Workers take "
        "part if there are any; interrupted, the scan goes on with them."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--tenant", metavar="CLIENT_ID", help="only this tenant's products")
        parser.add_argument(
            "--threshold",
            type=_threshold,
            default=NEAR,
            help=f"similarity from {LEAST_THRESHOLD} to {GREATEST_THRESHOLD}, {NEAR} if left out",
        )
        parser.add_argument("--no-wait", action="store_true", help="leave it to the workers")

    def handle(self, *, tenant: str | None, threshold: float, no_wait: bool, verbosity: int, **options: Any) -> None:
        for one in _tenants(tenant):
            try:
                job = start_scan(one, "manage.py scan_duplicates", threshold=threshold)
            except JobConflict as error:
                raise CommandError(f"{one.client_id}: {error.detail}") from error
            except EncoderError as error:
                raise CommandError(str(error)) from error
            if no_wait:
                self.stdout.write(f"{one.client_id}: {job.job_id} has {job.total} steps to do.")
            else:
                self.stdout.write(f"{one.client_id}: {_work(job, shows_progress=verbosity > 0)}")


def _threshold(text: str) -> float:
    value = float(text)
    if not LEAST_THRESHOLD <= value <= GREATEST_THRESHOLD:
        raise ArgumentTypeError(f"from {LEAST_THRESHOLD} to {GREATEST_THRESHOLD}")
    return value


def _tenants(client_id: str | None) -> Sequence[Tenant]:
    if client_id is None:
        return list(Tenant.objects.filter(status=Tenant.Status.ACTIVE).order_by("pk"))
    tenant = Tenant.objects.filter(client_id=client_id).first()
    if tenant is None:
        raise CommandError(f"There is no tenant with the client id {client_id}.")
    return [tenant]


def _work(job: Job, *, shows_progress: bool) -> str:
    """Do what others do not, until the job has finished, and say what it has found."""
    with tqdm(total=job.total, unit=" steps", disable=not shows_progress) as bar:
        while job.finished_at is None:
            if not work_on(job):
                time.sleep(POLL_SECONDS)
            bar.update(job.items.filter(status=JobItem.Status.SUCCEEDED).count() - bar.n)
            job.refresh_from_db()
    if job.status != Job.Status.COMPLETED or job.result is None:
        return f"{job.job_id} is {job.status}."
    found = job.result
    return f"{found['products']} products in {found['groups']} groups, {found['new']} of them new."
