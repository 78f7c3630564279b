"""How a job stands: its progress and errors, for the API, the portal and the merchant's callback."""

from typing import Any

from django.conf import settings
from django.db.models import Count, F, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.urls import reverse
from rest_framework import serializers

from catalog.models import Job, JobItem

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
    """A job of `with_progress`, with its first errors."""

    errors = serializers.SerializerMethodField()  # type: ignore[assignment]  # a field, as in the class body of any other
    errors_url = serializers.SerializerMethodField()

    class Meta(JobSummarySerializer.Meta):
        fields = [*JobSummarySerializer.Meta.fields, "errors", "errors_url"]

    def get_errors(self, job: Job) -> list[dict[str, Any]]:
        return list(JobErrorSerializer(failed_items(job)[:SHOWN_ERRORS], many=True).data)

    def get_errors_url(self, job: Job) -> str:
        return f"{settings.BASE_URL}{reverse('job-errors', args=[job.job_id])}"


def with_progress(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Count each job's items by what became of them."""
    return jobs.annotate(
        succeeded=_count(JobItem.Status.SUCCEEDED),
        failed=_count(JobItem.Status.FAILED),
        canceled=_count(JobItem.Status.CANCELED),
    ).annotate(processed=F("succeeded") + F("failed") + F("canceled"))


def _count(status: JobItem.Status) -> Coalesce:
    # One index range a job; a join of jobs and items would count the items of every job there is, to show a few.
    items = JobItem.objects.filter(job=OuterRef("pk"), status=status).order_by()
    return Coalesce(Subquery(items.values("job").annotate(items=Count("pk")).values("items")), 0)


def describe_job(job: Job) -> dict[str, Any]:
    """Return a job as it stands now, with its progress and first errors."""
    return JobSerializer(with_progress(Job.objects.filter(pk=job.pk)).get()).data


def failed_items(job: Job) -> QuerySet[JobItem]:
    """Return the items of a job that failed, in the order they were sent."""
    return job.items.filter(status=JobItem.Status.FAILED).order_by("index").defer("document")
