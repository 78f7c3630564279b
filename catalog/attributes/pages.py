"""The portal's page of suggested attributes: accept or reject them by value, or picture by picture."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PortalRequest, portal_page
from catalog.attributes.deciding import Choice, Verdict
from catalog.attributes.requests import Report, decide_all, decide_each
from catalog.attributes.serializers import FilterInput, GroupInput, UndoGroupInput
from catalog.attributes.steps import recent_decisions
from catalog.attributes.suggestions import Wanted, find_groups, first_attribute
from catalog.attributes.targets import LABELS, TARGETS
from catalog.models import Job
from catalog.products import product_stats

SHOWN_GROUPS = 24
DONE = {Verdict.ACCEPT: "accepted", Verdict.REJECT: "rejected", Verdict.UNDO: "taken back"}


@require_GET
@vary_on_headers("HX-Request")
@portal_page("products:read")
def suggestions(request: PortalRequest) -> HttpResponse:
    """Show what is suggested of an attribute, by value; htmx gets that alone."""
    tenant = request.caller.tenant
    wanted = FilterInput(data={name: value for name, value in request.GET.items() if value})
    if not wanted.is_valid():
        messages.warning(request, "There are no such suggestions; here are all.")
        return redirect("attributes")
    fields = dict(wanted.validated_data)
    attribute = fields.pop("attribute", "") or first_attribute(tenant, Wanted(**fields))
    groups = find_groups(tenant, Wanted(attribute=attribute, **fields))
    context = {
        "attribute": attribute,
        "label": LABELS[attribute],
        "key": TARGETS[attribute][0],
        "tabs": LABELS.items(),
        "groups": groups[:SHOWN_GROUPS],
        "more_groups": max(0, len(groups) - SHOWN_GROUPS),
        "fields": fields,
        "categories": [name for name in product_stats(tenant)["by_category"] if name],
        "decisions": [one | {"label": LABELS[one["attribute"]]} for one in recent_decisions(tenant)],
        "can_write": "products:write" in request.caller.permissions,
    }
    return render(request, "catalog/attributes_results.html" if request.htmx else "catalog/attributes.html", context)


@require_POST
@portal_page("products:write")
def decide(request: PortalRequest) -> HttpResponse:
    """Accept or reject the products of a group that were ticked, or the whole group where none was."""
    form = GroupInput(data=_sent(request.POST, "attribute", "value", "min_confidence", "category"))
    if not form.is_valid() or request.POST.get("verdict") not in (Verdict.ACCEPT, Verdict.REJECT):
        messages.warning(request, "This suggestion is no more.")
        return _back(request)
    verdict, wanted = Verdict(request.POST["verdict"]), Wanted(**form.validated_data)
    tenant, actor = request.caller.tenant, request.caller.actor
    ticked = request.POST.getlist("product_id")
    if ticked:
        done: Report | Job = decide_each(
            tenant, actor, verdict, [Choice(product_id, wanted.attribute, wanted.value) for product_id in ticked]
        )
    else:
        done = decide_all(tenant, actor, verdict, wanted)
    _tell(request, verdict, wanted, done)
    return _back(request)


@require_POST
@portal_page("products:write")
def undo(request: PortalRequest) -> HttpResponse:
    """Take back all decisions on a value."""
    form = UndoGroupInput(data=_sent(request.POST, "attribute", "value", "accepted"))
    if not form.is_valid():
        messages.warning(request, "This decision is no more.")
        return _back(request)
    wanted = Wanted(**form.validated_data)
    done = decide_all(request.caller.tenant, request.caller.actor, Verdict.UNDO, wanted)
    _tell(request, Verdict.UNDO, wanted, done)
    return _back(request)


def _sent(posted: Mapping[str, str], *names: str) -> dict[str, Any]:
    return {name: posted[name] for name in names if posted.get(name)}


def _tell(request: PortalRequest, verdict: Verdict, wanted: Wanted, done: Report | Job) -> None:
    what = f"{LABELS[wanted.attribute]} “{wanted.value}”"
    if isinstance(done, Job):
        messages.info(request, f"{what} is being {DONE[verdict]} in the background; the overview shows how far it is.")
        return
    counts = done.to_json()
    products = "product" if counts["decided"] == 1 else "products"
    messages.success(request, f"{what} {DONE[verdict]} for {counts['decided']:,} {products}.")
    if counts["failed"]:
        first = counts["errors"][0]
        messages.warning(request, f"Not for {counts['failed']:,}: {first['product_id']}: {first['message']}")


def _back(request: PortalRequest) -> HttpResponse:
    return redirect(reverse("attributes", query=request.GET))
