"""The portal's first page, how the shop and its search are doing, and the history of searches."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PortalRequest, portal_page
from analytics.history import HistoryInput, find_searches, remembered_searches, summarise_history
from analytics.models import SearchEvent
from analytics.reports import count_searches
from billing.limits import plan_of
from catalog.jobs.report import with_progress
from catalog.products import newest_products, product_stats

RECENT = 6
PAGE_SIZE = 25
LOOKED_THROUGH = 10_000
# What the search page can be asked by its address.
ASKABLE = ("query", "image_url", "category", "price_min", "price_max", "color")
MODES = {
    "text": "Words",
    "nl": "Sentence",
    "voice": "Voice",
    "chat": "Chat",
    "upload": "Picture",
    "url": "Picture address",
    "hybrid": "Picture and words",
    "fusion": "Picture changed by words",
    "multi-image": "Several pictures",
    "filtered": "With filters",
    "crop": "Part of a picture",
    "color": "Colour",
    "similar": "Similar products",
    "objects": "Shop the look",
}


@dataclass(frozen=True)
class HistoryRow:
    """A search, the name of its mode, what it was filtered by, and the address parameters that ask it again."""

    event: SearchEvent
    mode: str
    filters: str
    again: str


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
        "recent_searches": remembered_searches(tenant)[:RECENT],
    }
    return render(request, "analytics/overview.html", context)


@require_GET
@vary_on_headers("HX-Request")
@portal_page("analytics:read")
def history(request: PortalRequest) -> HttpResponse:
    """Show the searches that the filters leave, a page at a time; htmx gets the results alone."""
    tenant = request.caller.tenant
    sent = {name: request.GET[name] for name in ("q", "mode", "created_after") if request.GET.get(name)}
    if len(sent.get("created_after", "")) == len("2026-11-21"):
        sent["created_after"] += "T00:00:00Z"
    wanted = HistoryInput(data=sent)
    if not wanted.is_valid():
        messages.warning(request, "There are no such filters; here are all searches.")
        return redirect("history")
    fields = wanted.validated_data
    page = Paginator(find_searches(tenant, fields), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "rows": [_row(event) for event in page], "fields": fields}
    if request.htmx:
        return render(request, "analytics/history_results.html", context)
    more = {"summary": summarise_history(tenant, at=timezone.now()), "modes": _modes_of(request)}
    return render(request, "analytics/history.html", context | more)


def _modes_of(request: PortalRequest) -> list[tuple[str, str]]:
    """Return the modes of the newest searches: of all, to tell the modes would take as long as to read the searches."""
    newest = remembered_searches(request.caller.tenant)[:LOOKED_THROUGH].values("mode")
    return [(mode, _mode_name(mode)) for mode in sorted({event["mode"] for event in newest})]


def _row(event: SearchEvent) -> HistoryRow:
    asked = {"query": event.text, **event.params}
    again = {name: asked[name] for name in ASKABLE if asked.get(name)}
    return HistoryRow(
        event=event,
        mode=_mode_name(event.mode),
        filters=", ".join(f"{used['field']}: {_shown(used['value'])}" for used in event.filters),
        again=urlencode(again) if "query" in again or "image_url" in again else "",
    )


def _shown(value: object) -> str:
    return " or ".join(str(choice) for choice in value) if isinstance(value, list) else str(value)


def _mode_name(mode: str) -> str:
    return MODES.get(mode, mode.replace("-", " ").capitalize())
