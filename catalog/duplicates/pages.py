"""The portal's page of near-duplicates: scan, look at groups side by side, decide."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers
from django_htmx.http import HttpResponseClientRefresh
from rest_framework import exceptions

from accounts.pages import PortalRequest, portal_page
from catalog.duplicates.groups import present_groups, with_products
from catalog.duplicates.resolving import Action, CannotReopen, reopen_group, resolve_group
from catalog.duplicates.scan import GREATEST_THRESHOLD, LEAST_THRESHOLD, last_scan, running_scan, start_scan
from catalog.duplicates.serializers import GroupsInput, ScanInput
from catalog.jobs.lifecycle import JobConflict
from catalog.jobs.report import with_progress
from catalog.models import DuplicateGroup, DuplicateMember, Job
from catalog.validation_messages import sentence
from catalog.vision.encoder import EncoderError
from catalog.vision.near_duplicates import NEAR

State = DuplicateGroup.State

PAGE_SIZE = 12
# The part of the page that shows the groups.
RESULTS = "duplicate-results"
# Decisions that can be taken back beside the groups that are still open.
SHOWN_DECISIONS = 5
# What a scan finds from these similarities on.
LEVELS = (
    (0.99, "Copies", "The same picture, saved anew or resized."),
    (0.95, "Near-duplicates", "The same picture, also cropped, brightened or written upon."),
    (0.9, "Look-alikes", "Also the same thing in two photographs, and some that only look the same."),
    (0.8, "Relatives", "Also different products of one kind. There will be many."),
)
DONE = {
    Action.KEEP: "kept as they are",
    Action.IGNORE: "ignored",
    Action.DELETE_OTHERS: "resolved, their other products deleted",
    Action.LINK_AS_VARIANT: "resolved, their products linked as variants",
}


@dataclass(frozen=True)
class Fact:
    """Something to be said of a product of a group; it `differs` where it is not the same of all."""

    name: str
    value: str
    differs: bool


@dataclass(frozen=True)
class Side:
    """A product of a group as it stands beside the others."""

    member: DuplicateMember
    is_suggested: bool
    facts: list[Fact]


@dataclass(frozen=True)
class Shown:
    """A group as the page shows it, how much alike it is, and what its products differ in."""

    group: DuplicateGroup
    percent: str
    sides: list[Side]
    differences: list[str]
    can_reopen: bool


@require_GET
@vary_on_headers("HX-Request")
@portal_page("products:read")
def overview(request: PortalRequest) -> HttpResponse:
    """Show the groups of a state, a page at a time, and how the scan goes; htmx gets the groups alone."""
    tenant = request.caller.tenant
    wanted = GroupsInput(data=request.GET)
    if not wanted.is_valid():
        return redirect("duplicates")
    state = wanted.validated_data["state"]
    groups = with_products(present_groups(tenant).filter(state=state)).order_by("-similarity", "-pk")
    page = Paginator(groups, PAGE_SIZE).get_page(request.GET.get("page"))
    decided = tenant.duplicate_groups.exclude(state=State.OPEN).order_by("-resolved_at")[:SHOWN_DECISIONS]
    context = {
        "page": page,
        "shown": [_shown(group) for group in page],
        "state": state,
        "tabs": [(value, label, present_groups(tenant).filter(state=value).count()) for value, label in State.choices],
        "decided": [_shown(group) for group in with_products(decided)] if state == State.OPEN else [],
        "last_scan": last_scan(tenant),
        "can_write": "products:write" in request.caller.permissions,
        "can_delete": {"products:write", "products:delete"} <= request.caller.permissions,
        **_scan_context(request),
    }
    template = "catalog/duplicates_results.html" if request.htmx else "catalog/duplicates.html"
    return render(request, template, context)


@require_GET
@portal_page("products:read")
def progress(request: PortalRequest) -> HttpResponse:
    """Show how far the scan is; when it has finished, the page is another."""
    context = _scan_context(request)
    if context["scan"] is None:
        return HttpResponseClientRefresh()
    return render(request, "catalog/duplicates_scan.html", context)


@require_POST
@portal_page("products:write")
def scan(request: PortalRequest) -> HttpResponse:
    """Start a scan."""
    form = ScanInput(data=request.POST)
    if not form.is_valid():
        messages.error(request, sentence(form.errors))
        return redirect("duplicates")
    try:
        start_scan(request.caller.tenant, request.caller.actor, threshold=form.validated_data["threshold"])
    except JobConflict as error:
        messages.warning(request, str(error.detail))
    except EncoderError:
        messages.error(request, "The encoder cannot be reached at the moment. Please try again.")
    return redirect("duplicates")


@require_POST
@portal_page("products:write")
def resolve(request: PortalRequest) -> HttpResponse:
    """Decide about one group, or in the same way about those that were ticked."""
    action, _, one = request.POST.get("decision", "").partition(" ")
    if action not in list(Action):
        raise Http404
    group_ids = [one] if one else request.POST.getlist("group_id")
    focused = _next_open(request, one)
    done = _try_each(
        request,
        group_ids,
        lambda group_id: resolve_group(
            request.caller, group_id, Action(action), request.POST.get(f"chosen-{group_id}", "")
        ),
    )
    if done:
        messages.success(request, f"{_groups(done)} {DONE[Action(action)]}.")
    return _back(request, focused)


@require_POST
@portal_page("products:write")
def undo(request: PortalRequest) -> HttpResponse:
    """Take back that a group was ignored or kept."""
    done = _try_each(request, request.POST.getlist("group_id"), lambda group_id: reopen_group(request.caller, group_id))
    if done:
        messages.success(request, f"{_groups(done)} open again.")
    return _back(request)


def _try_each(request: PortalRequest, group_ids: Iterable[str], decide: Callable[[str], None]) -> int:
    """Decide about each group by itself, tell of those where that did not work, and return how many did."""
    done = 0
    for group_id in group_ids:
        try:
            decide(group_id)
        except Http404:
            messages.warning(request, "A group is gone: a scan has not found it again.")
        except CannotReopen as error:
            messages.warning(request, str(error.detail))
        except exceptions.ValidationError as error:
            messages.error(request, sentence(error.detail))
        else:
            done += 1
    return done


def _groups(count: int) -> str:
    return f"{count} {'group' if count == 1 else 'groups'}"


def _back(request: PortalRequest, focused: str = RESULTS) -> HttpResponse:
    """Go back to the list, with the keyboard's focus on a part of the page."""
    return redirect(reverse("duplicates", query=request.GET, fragment=focused))


def _next_open(request: PortalRequest, group_id: str) -> str:
    """Return what the focus belongs on when this group has left the list: the open group after it, or the list."""
    tenant = request.caller.tenant
    group = tenant.duplicate_groups.filter(group_id=group_id).first()
    if group is None:
        return RESULTS
    behind = Q(similarity__lt=group.similarity) | Q(similarity=group.similarity, pk__lt=group.pk)
    following = present_groups(tenant).filter(behind, state=State.OPEN).order_by("-similarity", "-pk").first()
    return following.group_id if following is not None else RESULTS


def _scan_context(request: PortalRequest) -> dict[str, Any]:
    running = running_scan(request.caller.tenant)
    threshold = running.options["threshold"] if running else NEAR
    return {
        "scan": with_progress(Job.objects.filter(pk=running.pk)).get() if running else None,
        "threshold": threshold,
        "least": LEAST_THRESHOLD,
        "greatest": GREATEST_THRESHOLD,
        "levels": LEVELS,
        "level": next(level for level in LEVELS if threshold >= level[0]),
    }


def _shown(group: DuplicateGroup) -> Shown:
    members = list(group.members.all())
    columns = [_facts_of(member) for member in members]
    differing = {name for name in columns[0] if len({facts[name] for facts in columns}) > 1} if columns else set()
    suggested = min(members, key=_worth_keeping, default=None)
    return Shown(
        group=group,
        # Rounded down: only the very same is 100 % alike.
        percent=f"{math.floor(group.similarity * 1000) / 10:g}",
        sides=[
            Side(
                member,
                is_suggested=member == suggested,
                facts=[Fact(name, value, name in differing) for name, value in facts.items()],
            )
            for member, facts in zip(members, columns, strict=True)
        ],
        differences=[name.lower() for name in (columns[0] if columns else ()) if name in differing],
        can_reopen=group.resolution in (Action.KEEP, Action.IGNORE) and len(members) > 1,
    )


def _worth_keeping(member: DuplicateMember) -> tuple[int, bool, datetime, float]:
    """Return what is least of the product that had best stay: the one that the shop tells most of, then the eldest."""
    product = member.product
    told = [bool(product.name), product.price is not None, bool(product.category), bool(product.brand)]
    return -sum(told), not product.in_stock, product.created_at, -(product.quality or 0)


def _facts_of(member: DuplicateMember) -> dict[str, str]:
    product, cover = member.product, member.cover
    return {
        "Name": product.name,
        "Price": f"{product.price:,.2f} {product.currency}".strip() if product.price is not None else "",
        "Category": product.category,
        "Stock": "In stock" if product.in_stock else "Sold out",
        "Picture": f"{cover.width:,} by {cover.height:,}" if cover else "",
    }
