"""`/v1/jobs`."""

from django.http import StreamingHttpResponse
from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered
from accounts.idempotency import idempotent
from catalog.examples import JOB, JOB_ERROR, JOB_SUMMARY
from catalog.jobs.lifecycle import access_job, cancel_job, retry_failed
from catalog.jobs.report import (
    JobErrorSerializer,
    JobSerializer,
    JobSummarySerializer,
    describe_job,
    error_lines,
    error_rows,
    failed_items,
    with_progress,
)
from catalog.jobs.rights import require_rights
from catalog.lists import paginated
from catalog.models import Job, JobItem
from catalog.spreadsheets import CSVRenderer


class JobListView(GenericAPIView[Job]):
    """Lists jobs."""

    required_permissions = {"GET": "products:read"}
    serializer_class = JobSummarySerializer

    @extend_schema(
        operation_id="list_jobs",
        tags=["Jobs"],
        summary="List jobs, newest first",
        responses=JobSummarySerializer(many=True),
        examples=[answered("Jobs", JOB_SUMMARY)],
    )
    def get(self, request: ApiRequest) -> Response:
        return paginated(self, with_progress(request.auth.tenant.jobs.all()))


class JobView(APIView):
    """One job and its progress."""

    required_permissions = {"GET": "products:read"}

    @extend_schema(
        operation_id="get_job",
        tags=["Jobs"],
        summary="Get a job and its progress",
        responses=JobSerializer,
        examples=[answered("A finished job", JOB)],
    )
    def get(self, request: ApiRequest, job_id: str) -> Response:
        return Response(describe_job(access_job(request.auth.tenant, job_id), request.auth.permissions))


class NDJSONRenderer(JSONRenderer):
    """Answers a JSON object a line (ndjson.org)."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class JobErrorsView(GenericAPIView[JobItem]):
    """Every product of a job that failed."""

    required_permissions = {"GET": "products:read"}
    serializer_class = JobErrorSerializer
    renderer_classes = [JSONRenderer, NDJSONRenderer, CSVRenderer]

    @extend_schema(
        operation_id="list_job_errors",
        tags=["Jobs"],
        summary="List the products of a job that failed",
        description="A page at a time; with `Accept: application/x-ndjson` or `text/csv` all at once, one a line. "
        "`index` is the place in what was sent, from 0.",
        parameters=[OpenApiParameter("code", str, description="only those that failed with this code")],
        responses={
            (200, JSONRenderer.media_type): JobErrorSerializer(many=True),
            (200, NDJSONRenderer.media_type): JobErrorSerializer,
            (200, CSVRenderer.media_type): str,
        },
        examples=[answered("Errors", JOB_ERROR)],
    )
    def get(self, request: ApiRequest, job_id: str) -> Response | StreamingHttpResponse:
        failed = failed_items(access_job(request.auth.tenant, job_id), request.query_params.get("code"))
        if isinstance(request.accepted_renderer, NDJSONRenderer):
            return StreamingHttpResponse(error_lines(failed), content_type=NDJSONRenderer.media_type)
        if isinstance(request.accepted_renderer, CSVRenderer):
            return StreamingHttpResponse(error_rows(failed), content_type="text/csv; charset=utf-8")
        return paginated(self, failed, ordering=("index",))


class JobCancelView(APIView):
    """Stops a job."""

    required_permissions = {"POST": "products:bulk"}

    @extend_schema(
        operation_id="cancel_job",
        tags=["Jobs"],
        summary="Cancel a job",
        description="Products that wait are cancelled; the few that are being indexed still finish. Needs what "
        "starting such a job needs, too: a full sync is cancelled with `products:delete`.",
        request=None,
        responses=JobSerializer,
        examples=[answered("A job", JOB)],
    )
    @idempotent
    def post(self, request: ApiRequest, job_id: str) -> Response:
        job = _job_to_change(request, job_id)
        cancel_job(job, actor=request.auth.actor)
        return Response(describe_job(job, request.auth.permissions))


class JobRetryView(APIView):
    """Repeats the failed part of a job."""

    required_permissions = {"POST": "products:bulk"}

    @extend_schema(
        operation_id="retry_failed_products",
        tags=["Jobs"],
        summary="Index the failed products of a job again",
        description="All that have failed so far, but for those that were not well-formed; others of the job may "
        "still be at work. Answers 409 when none has failed. Needs what starting such a job needs, too.",
        request=None,
        responses={202: JobSerializer},
        examples=[answered("A job", JOB, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest, job_id: str) -> Response:
        job = _job_to_change(request, job_id)
        retry_failed(job, actor=request.auth.actor)
        body = describe_job(job, request.auth.permissions)
        return Response(body, status=status.HTTP_202_ACCEPTED, headers=location_of(job))


def started(job: Job, **facts: int) -> Response:
    """Answer that a job has been started, with these facts about it."""
    body = {"job_id": job.job_id, "status": "processing", "total": job.total, **facts}
    return Response(body, status=status.HTTP_202_ACCEPTED, headers=location_of(job))


def location_of(job: Job) -> dict[str, str]:
    """Return the header that says where to ask for a job."""
    return {"Location": reverse("job", args=[job.job_id])}


def _job_to_change(request: ApiRequest, job_id: str) -> Job:
    job = access_job(request.auth.tenant, job_id)
    require_rights(job.kind, request.auth.permissions)
    return job
