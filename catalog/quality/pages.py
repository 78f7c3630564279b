"""The portal's page of picture quality: how good the catalogue's pictures are, and which to take again."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PortalRequest, portal_page
from catalog.jobs.lifecycle import reindex_products
from catalog.products import product_stats
from catalog.quality.api import AuditInput, answer_csv
from catalog.quality.audit import PROBLEMS, Audit, AuditFilter, audit_quality, find_judged, worse_than
from catalog.vision.quality import GRADES

PAGE_SIZE = 24


@dataclass(frozen=True)
class Bar:
    """A grade in the chart: how many products, and which share of those that were judged, in per cent."""

    grade: str
    least: float
    count: int
    percent: float


@require_GET
@vary_on_headers("HX-Request")
@portal_page("products:read")
def audit(request: PortalRequest) -> HttpResponse:
    """Show how good the pictures are, and the worst products that the filters leave; htmx gets that alone."""
    tenant = request.caller.tenant
    wanted = AuditInput(data={name: value for name, value in request.GET.items() if value})
    if not wanted.is_valid():
        messages.warning(request, "There are no such filters; here are all pictures.")
        return redirect("quality")
    fields = _filter_of(wanted.validated_data)
    found = audit_quality(tenant, fields, worst_n=0)
    context = {
        "audit": found,
        "bars": _bars(found),
        "page": Paginator(find_judged(tenant, fields).prefetch_related("images"), PAGE_SIZE).get_page(
            request.GET.get("page")
        ),
        "fields": fields,
        "grades": list(GRADES),
        "problems": PROBLEMS,
        "categories": [name for name in product_stats(tenant)["by_category"] if name],
    }
    return render(request, "catalog/quality_results.html" if request.htmx else "catalog/quality.html", context)


@require_POST
@portal_page("products:write")
def judge_again(request: PortalRequest) -> HttpResponse:
    """Fetch the pictures of the products that were ticked again, and judge those that have changed."""
    ticked = request.caller.tenant.products.filter(product_id__in=request.POST.getlist("product_id"))
    job = reindex_products(request.caller.tenant, ticked)
    if job is None:
        messages.warning(
            request, "Nothing to fetch: these products were sent with their pictures. Send them again instead."
        )
    else:
        what = "product is" if job.total == 1 else "products are"
        messages.success(request, f"{job.total} {what} looked at again; pictures that have changed are judged anew.")
    return redirect(reverse("quality", query=request.GET))


@require_GET
@portal_page("products:read")  # type: ignore[arg-type]  # it streams
def table(request: PortalRequest) -> StreamingHttpResponse:
    """Answer every product whose picture is less than good, as a table for a photographer."""
    return answer_csv(worse_than(request.caller.tenant, "good", request.GET.get("category", "").replace("\0", "")))


def _filter_of(fields: Mapping[str, Any]) -> AuditFilter:
    return AuditFilter(**{name: fields.get(name, "") for name in ("category", "grade", "problem")})


def _bars(found: Audit) -> list[Bar]:
    return [
        Bar(grade, GRADES[grade], count, 100 * count / max(1, found.judged))
        for grade, count in found.distribution.items()
    ]
