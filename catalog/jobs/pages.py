"""The portal's pages of jobs: how they stand, why products failed, and what helps."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from accounts.pages import PortalRequest, portal_page
from catalog.jobs.failures import FailureGroup, failure_groups, failures
from catalog.jobs.lifecycle import JobConflict, access_job, cancel_job, retry_items
from catalog.jobs.report import error_lines, error_rows, failed_items, open_download, with_progress
from catalog.jobs.rights import missing_right
from catalog.models import Job

JOBS_A_PAGE = 25
PRODUCTS_A_PAGE = 20


@require_GET
@portal_page("products:read")
def job_list(request: PortalRequest) -> HttpResponse:
    """Show the jobs, the newest first; while one is unfinished the page asks again by itself."""
    jobs = request.caller.tenant.jobs.order_by("-created_at", "-pk")
    page = Paginator(jobs, JOBS_A_PAGE).get_page(request.GET.get("page"))
    shown = with_progress(jobs.filter(pk__in=[job.pk for job in page]))
    is_live = any(job.finished_at is None for job in shown)
    return render(request, "catalog/job_list.html", {"page": page, "jobs": shown, "is_live": is_live})


@require_GET
@portal_page("products:read")
def job_detail(request: PortalRequest, job_id: str) -> HttpResponse:
    """Show a job, its failed products by cause, and those of the group that is chosen."""
    permissions = request.caller.permissions
    job = access_job(request.caller.tenant, job_id)
    groups = failure_groups(job)
    chosen = _chosen(groups, request.GET)
    failed = failures(job, **_group_of(request.GET))
    context: dict[str, Any] = {
        "job": with_progress(Job.objects.filter(pk=job.pk)).get(),
        "groups": groups,
        "chosen": chosen,
        "shows_messages": chosen is None or not chosen.is_uniform,
        "page": Paginator(failed, PRODUCTS_A_PAGE).get_page(request.GET.get("page")),
        "figures": _figures(job),
        "download_url": open_download(job, permissions),
        "can_retry": any(group.can_retry for group in groups),
        "can_act": "products:bulk" in permissions and missing_right(job.kind, permissions) is None,
    }
    return render(request, "catalog/job_detail.html", context)


@require_GET
@portal_page("products:read")  # type: ignore[arg-type]  # a streamed answer is an answer, too
def job_errors(request: PortalRequest, job_id: str) -> StreamingHttpResponse:
    """Send all failed products of a job as a file, one a line."""
    job = access_job(request.caller.tenant, job_id)
    return _file(f"{job.job_id}-errors.ndjson", "application/x-ndjson", error_lines(failed_items(job)))


@require_GET
@portal_page("products:read")  # type: ignore[arg-type]  # a streamed answer is an answer, too
def job_errors_table(request: PortalRequest, job_id: str) -> StreamingHttpResponse:
    """Send all failed products of a job as a file for a spreadsheet."""
    job = access_job(request.caller.tenant, job_id)
    return _file(f"{job.job_id}-errors.csv", "text/csv; charset=utf-8", error_rows(failed_items(job)))


@require_POST
@portal_page("products:bulk")
def retry(request: PortalRequest, job_id: str) -> HttpResponse:
    """Try the failed products of a job again, or those of a group."""
    job = _job_to_change(request, job_id)
    try:
        retried = retry_items(job, failures(job, **_group_of(request.POST)), actor=request.caller.actor)
    except JobConflict as conflict:
        messages.warning(request, str(conflict.detail))
    else:
        _tell_of_retry(request, retried)
    return redirect(reverse("portal-job", args=[job_id]))


@require_POST
@portal_page("products:bulk")
def cancel(request: PortalRequest, job_id: str) -> HttpResponse:
    """Stop a job."""
    try:
        cancel_job(_job_to_change(request, job_id), actor=request.caller.actor)
    except JobConflict as conflict:
        messages.warning(request, str(conflict.detail))
    else:
        messages.success(request, "The job is cancelled. What it had indexed already stays.")
    return redirect(reverse("portal-job", args=[job_id]))


def _job_to_change(request: PortalRequest, job_id: str) -> Job:
    job = access_job(request.caller.tenant, job_id)
    if missing := missing_right(job.kind, request.caller.permissions):
        raise PermissionDenied(f"Missing required permission: {missing}")
    return job


def _file(name: str, content_type: str, lines: Iterator[bytes] | Iterator[str]) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


def _tell_of_retry(request: PortalRequest, retried: int) -> None:
    if retried:
        messages.success(request, f"{retried:,} {'product is' if retried == 1 else 'products are'} tried again.")
    else:
        messages.warning(request, "There is nothing that another try could help. Correct these products and send them.")


def _group_of(sent: QueryDict) -> dict[str, str | None]:
    """Return what names a group of failures in a request; a name that is absent is None."""
    return {name: sent.get(name) for name in ("code", "host", "reason")}


def _chosen(groups: list[FailureGroup], sent: QueryDict) -> FailureGroup | None:
    wanted = _group_of(sent)
    return next((group for group in groups if all(getattr(group, name) == wanted[name] for name in wanted)), None)


def _figures(job: Job) -> list[tuple[str, int]]:
    """Return what a job has counted beside its items."""
    counted = (job.result or {}).items()
    return [(name.replace("_", " ").capitalize(), value) for name, value in counted if type(value) is int]
