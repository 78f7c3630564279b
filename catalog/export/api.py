"""`/v1/account/export`: a tenant takes its catalogue along."""

from django.core.signing import BadSignature
from django.http import Http404, StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework import exceptions, status
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.authentication import ApiRequest
from accounts.examples import answered
from accounts.idempotency import idempotent
from catalog.danger_zone import export_catalogue
from catalog.examples import JOB_STARTED
from catalog.export.links import LinkExpiredError, job_of_token
from catalog.export.parts import read_export
from catalog.jobs.api import started
from catalog.jobs.rights import require_rights
from catalog.models import Job
from catalog.serializers import JobStartedSerializer


class LinkExpired(exceptions.APIException):
    status_code = status.HTTP_410_GONE
    default_code = "link_expired"
    default_detail = "This link has expired, and its file is deleted. Start another export."


class ExportView(APIView):
    """Exports a tenant's profile and products."""

    required_permissions = {"POST": "settings:read"}

    @extend_schema(
        operation_id="export_account",
        tags=["Account"],
        summary="Export your profile and all products",
        description="Starts a job. When it has finished, its `result` has a `download_url` that works without any "
        "other credentials until `expires_at`, 24 hours later, and answers one JSON object of `profile` and "
        "`products`: all metadata and addresses of pictures, no vectors. Needs `products:read` too, "
        "and so does whoever shall see the `result`.",
        request=None,
        responses={202: JobStartedSerializer},
        examples=[answered("Started", JOB_STARTED, 202)],
    )
    @idempotent
    def post(self, request: ApiRequest) -> Response:
        require_rights(Job.Kind.EXPORT, request.auth.permissions)
        job = export_catalogue(request.auth.tenant, request.auth.actor)
        return started(job)


class ExportFileView(APIView):
    """Hands out an export to whoever has its link."""

    authentication_classes = []
    permission_classes = []

    @extend_schema(exclude=True)
    def get(self, request: Request, token: str) -> StreamingHttpResponse:
        try:
            job = job_of_token(token)
        except LinkExpiredError as error:
            raise LinkExpired from error
        except BadSignature as error:
            raise Http404 from error
        if job is None:
            raise Http404
        headers = {
            "Content-Disposition": f'attachment; filename="catalogue-{job.created_at:%Y-%m-%d}.json"',
            "Cache-Control": "private, no-store",
        }
        return StreamingHttpResponse(read_export(job), content_type="application/json", headers=headers)
