"""How a job stands: its progress and errors, for the API, the portal and the merchant's callback."""

import json
from collections.abc import Collection, Iterator
from typing import Any

from django.conf import settings
from django.db.models import Count, F, IntegerField, Min, OuterRef, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.urls import reverse
from django.utils import timezone
from rest_framework import serializers

from catalog.export.links import download_of, is_expired
from catalog.jobs.rights import missing_right
from catalog.models import Job, JobItem
from catalog.spreadsheets import csv_lines

# What an item ends as.
SETTLED = (JobItem.Status.SUCCEEDED, JobItem.Status.FAILED, JobItem.Status.CANCELED)
# Errors that stand in the report itself; all of them are at its `errors_url`.
SHOWN_ERRORS = 100


class JobErrorSerializer(serializers.ModelSerializer[JobItem]):
    class Meta:
        model = JobItem
        fields = ["index", "product_id", "code", "message", "retryable"]


class JobSummarySerializer(serializers.ModelSerializer[Job]):
    """A job of `with_progress`, without its errors."""

    type = serializers.ChoiceField(Job.Kind.choices, source="kind")
    processed = serializers.IntegerField()
    succeeded = serializers.IntegerField()
    failed = serializers.IntegerField()
    canceled = serializers.IntegerField()

    class Meta:
        model = Job
        fields = [
            "job_id",
            "type",
            "source",
            "status",
            "total",
            "processed",
            "succeeded",
            "failed",
            "canceled",
            "created_at",
            "started_at",
            "finished_at",
        ]


class JobSerializer(JobSummarySerializer):
    """A job of `with_progress`, with its first errors and what it has made, as far as `permissions` go."""

    waiting = serializers.IntegerField(help_text="failed for now, and tried again by themselves")
    next_attempt_at = serializers.DateTimeField(allow_null=True, help_text="of the first of those that wait")
    result = serializers.SerializerMethodField()
    errors = serializers.SerializerMethodField()  # type: ignore[assignment]  # a field, as in the class body of any other
    errors_url = serializers.SerializerMethodField()

    class Meta(JobSummarySerializer.Meta):
        fields = [
            *JobSummarySerializer.Meta.fields,
            "waiting",
            "next_attempt_at",
            "result",
            "errors",
            "errors_url",
        ]

    def get_result(self, job: Job) -> dict[str, Any] | None:
        return result_of(job, self.context["permissions"])

    def get_errors(self, job: Job) -> list[dict[str, Any]]:
        return list(JobErrorSerializer(failed_items(job)[:SHOWN_ERRORS], many=True).data)

    def get_errors_url(self, job: Job) -> str:
        return f"{settings.BASE_URL}{reverse('job-errors', args=[job.job_id])}"


def with_progress(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Count each job's items by what became of them, and those that wait to be tried again."""
    items = JobItem.objects.filter(job=OuterRef("pk")).order_by()
    waiting = items.filter(status=JobItem.Status.QUEUED, due_at__gt=timezone.now())
    return jobs.annotate(
        **{status: _kept(status) for status in SETTLED},
        waiting=_count(waiting),
        next_attempt_at=Subquery(waiting.values("job").annotate(first=Min("due_at")).values("first")),
    ).annotate(processed=F("succeeded") + F("failed") + F("canceled"))


def keep_counts(job: Job) -> None:
    """Write down what became of a finished job's items, unless some are still at work, so that lists need no count."""
    if not job.items.unfinished().exists():
        counted = dict(job.items.order_by().values_list("status").annotate(items=Count("pk")))
        job.counts = {status: counted.get(status, 0) for status in SETTLED}
        job.save(update_fields=["counts"])


def _kept(status: str) -> Coalesce:
    """Return how many items ended so; of a job that has written it down, without a look at them."""
    items = JobItem.objects.filter(job=OuterRef("pk"), status=status).order_by()
    return Coalesce(Cast(KT(f"counts__{status}"), IntegerField()), _count(items))


def _count(items: QuerySet[JobItem]) -> Coalesce:
    # One index range a job; a join of jobs and items would count the items of every job there is, to show a few.
    return Coalesce(Subquery(items.values("job").annotate(items=Count("pk")).values("items")), 0)


def describe_job(job: Job, permissions: Collection[str] = ()) -> dict[str, Any]:
    """Return a job as it stands now, with its progress and first errors, for somebody with these permissions."""
    found = with_progress(Job.objects.filter(pk=job.pk)).get()
    return JobSerializer(found, context={"permissions": permissions}).data


def result_of(job: Job, permissions: Collection[str]) -> dict[str, Any] | None:
    """Return what a job has made; the way to the file of an export only for those who may export."""
    if job.kind != Job.Kind.EXPORT:
        return job.result
    return download_of(job) if missing_right(job.kind, permissions) is None else None


def open_download(job: Job, permissions: Collection[str]) -> str:
    """Return the address of an export's file for those who may export, or nothing where there is none (any more)."""
    if job.kind != Job.Kind.EXPORT or missing_right(job.kind, permissions) is not None or is_expired(job):
        return ""
    download = download_of(job)
    return str(download["download_url"]) if download is not None else ""


def failed_items(job: Job, code: str | None = None) -> QuerySet[JobItem]:
    """Return the items of a job that failed, those with this code if one is given, in the order they were sent."""
    failed = job.items.filter(status=JobItem.Status.FAILED).order_by("index").defer("document")
    return failed.filter(code=code) if code else failed


def error_lines(items: QuerySet[JobItem]) -> Iterator[bytes]:
    """Yield failed items as lines of NDJSON, from the database a piece at a time."""
    for item in items.values(*JobErrorSerializer.Meta.fields).iterator():
        yield json.dumps(item, ensure_ascii=False).encode() + b"\n"


def error_rows(items: QuerySet[JobItem]) -> Iterator[str]:
    """Return failed items as lines of CSV, with a header, from the database a piece at a time."""
    fields = JobErrorSerializer.Meta.fields
    return csv_lines(fields, items.values_list(*fields).iterator())
