"""The portal's first page: how the shop and its search are doing."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from accounts.pages import PortalRequest, portal_page
from analytics.models import SearchEvent
from analytics.reports import count_searches
from billing.limits import plan_of
from catalog.job_report import with_progress
from catalog.products import newest_products, product_stats

RECENT = 6


@require_GET
@portal_page("products:read")
def overview(request: PortalRequest) -> HttpResponse:
    """Show the figures of products and searches, the newest products, jobs and searches."""
    tenant = request.caller.tenant
    recent_jobs = list(with_progress(tenant.jobs.order_by("-created_at")[:RECENT]))
    context = {
        "plan": plan_of(tenant),
        "stats": product_stats(tenant),
        "searches": count_searches(tenant, at=timezone.now()),
        "recent_products": newest_products(tenant, RECENT),
        "recent_jobs": recent_jobs,
        "jobs_running": any(job.finished_at is None for job in recent_jobs),
        "recent_searches": SearchEvent.objects.filter(tenant=tenant)[:RECENT],
    }
    return render(request, "analytics/overview.html", context)
