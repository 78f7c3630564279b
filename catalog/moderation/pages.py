"""The portal's page of moderation: the policy beside the scores that it is chosen by, and the last pictures judged."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import Case, When
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_POST
from rest_framework import exceptions

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.models import ModerationEvent, Product, ProductImage
from catalog.moderation.charts import Bar, bars_of
from catalog.moderation.policy import DETECTOR, Policy, change_policy, default_thresholds, detector_notes, policy_of
from catalog.moderation.review import Reviewed, review_event
from catalog.moderation.scores import CATEGORIES, SAMPLED
from catalog.moderation.serializers import PolicyInput, ReviewInput
from catalog.moderation.summary import Summary, Tally, summarise
from catalog.validation_messages import sentence

# Pictures that are shown of those that are flagged, and of all.
SHOWN, SHOWN_OF_ALL = 50, 20

# What can be done with pictures that are ticked, and what is then said of them.
DECISIONS = {
    "allow_once": ("Allow pictures", "allowed"),
    "allow_product": ("Allow products", "allowed with their products"),
    "confirm": ("Rightly flagged", "confirmed as rightly flagged"),
}


@dataclass(frozen=True)
class CategoryRow:
    """A category: its threshold, as typed and per cent, what judges it, and what was seen of it in the last days."""

    name: str
    title: str
    value: str
    default: float
    is_sampled: bool
    floor: float | None
    at: float
    detector: str
    note: str
    tally: Tally
    bars: Sequence[Bar]
    error: str


@dataclass(frozen=True)
class EventRow:
    """A picture that was judged, its thumbnail where one is stored, its product, and whether anybody can allow it."""

    event: ModerationEvent
    category: str
    thumbnail: str
    product: Product | None
    is_allowable: bool


@require_GET
@portal_page("moderation:read")
def overview(request: PortalRequest) -> HttpResponse:
    """Show the policy, the last week, and the last pictures that were judged."""
    return _page(request, {}, {})


@require_POST
@portal_page("moderation:write")
def save(request: PortalRequest) -> HttpResponse:
    """Change the policy."""
    posted = request.POST.dict()
    sent = {"enforce": posted.get("enforce"), "thresholds": {name: posted.get(name) or None for name in CATEGORIES}}
    form = PolicyInput(data=sent)
    try:
        form.is_valid(raise_exception=True)
        change_policy(request.caller.tenant, request.caller.actor, form.changes(replace=True))
    except exceptions.ValidationError as error:
        return _page(request, posted, _errors_of(error.detail), status=422)
    messages.success(request, "Saved. It applies from the next picture that is judged on.")
    return redirect("moderation")


@require_POST
@portal_page("moderation:write")
def review(request: PortalRequest, event_id: str) -> HttpResponse:
    """Decide on a picture that was judged."""
    try:
        form = ReviewInput(data={"decision": request.POST.get("decision")})
        form.is_valid(raise_exception=True)
        decision = form.validated_data["decision"]
        reviewed = review_event(request.caller.tenant, request.caller.actor, event_id, decision)
    except exceptions.ValidationError as error:
        messages.error(request, sentence(error.detail))
    else:
        messages.success(request, f"{reviewed.event.get_review_display()}. {reviewed.next_step}")
    return redirect("moderation")


@require_POST
@portal_page("moderation:write")
def review_ticked(request: PortalRequest) -> HttpResponse:
    """Decide in the same way on each picture that was ticked."""
    form = ReviewInput(data={"decision": request.POST.get("decision")})
    if not form.is_valid():
        messages.error(request, sentence(form.errors))
        return redirect("moderation")
    reviewed: list[Reviewed] = []
    refusals: list[str] = []
    for event_id in request.POST.getlist("event_id"):
        try:
            tenant, actor = request.caller.tenant, request.caller.actor
            reviewed.append(review_event(tenant, actor, event_id, form.validated_data["decision"]))
        except Http404:
            refusals.append("A picture is no longer in the log.")
        except exceptions.ValidationError as error:
            refusals.append(sentence(error.detail))
    if reviewed:
        messages.success(request, _told(reviewed, DECISIONS[form.validated_data["decision"]][1]))
    for refusal in dict.fromkeys(refusals):
        messages.error(request, refusal)
    return redirect("moderation")


def _told(reviewed: Sequence[Reviewed], done: str) -> str:
    count, jobs = len(reviewed), sum(one.job is not None for one in reviewed)
    decided = f"{count} {'picture' if count == 1 else 'pictures'} {done}."
    return f"{decided} {jobs} {'product is' if jobs == 1 else 'products are'} being indexed again." if jobs else decided


def _page(
    request: PortalRequest, typed: Mapping[str, str], errors: Mapping[str, str], *, status: int = 200
) -> HttpResponse:
    tenant = request.caller.tenant
    policy, summary = policy_of(tenant), summarise(tenant)
    flagged_only = request.GET.get("scans") != "all"
    can_write = "moderation:write" in request.caller.permissions
    events = _event_rows(tenant, policy, flagged_only=flagged_only)
    context = {
        "enforce": typed.get("enforce", str(policy.enforce).lower()) == "true",
        "policy": policy,
        "categories": _category_rows(policy, summary, typed, errors),
        "errors": errors,
        "summary": summary,
        "sampled": SAMPLED,
        "events": events,
        "flagged_only": flagged_only,
        "decisions": [(value, label) for value, (label, _) in DECISIONS.items()],
        "can_write": can_write,
        "can_decide": can_write and any(row.event.would_block and not row.event.review for row in events),
    }
    return render(request, "catalog/moderation.html", context, status=status)


def _category_rows(
    policy: Policy, summary: Summary, typed: Mapping[str, str], errors: Mapping[str, str]
) -> list[CategoryRow]:
    defaults = default_thresholds()
    return [
        CategoryRow(
            name=(name := told["category"]),
            title=_title(name),
            value=typed.get(name, f"{policy.thresholds[name]:g}"),
            default=defaults[name],
            is_sampled=told["detector"] == DETECTOR and not policy.enforce,
            floor=policy.floors.get(name),
            at=round(policy.thresholds[name] * 100, 2),
            detector=told["detector"],
            note=told["note"],
            tally=summary.by_category[name],
            bars=bars_of(summary.distribution[name], policy.thresholds[name]),
            error=errors.get(name, ""),
        )
        for told in detector_notes()
    ]


def _event_rows(tenant: Tenant, policy: Policy, *, flagged_only: bool) -> list[EventRow]:
    newest = tenant.moderation_events.order_by("-created_at", "-pk")
    # What is decided makes room for what is not.
    flagged = newest.filter(would_block=True).order_by(Case(When(review="", then=0), default=1), "-created_at", "-pk")
    events = list(flagged[:SHOWN] if flagged_only else newest[:SHOWN_OF_ALL])
    digests = {event.sha256 for event in events}
    images = ProductImage.objects.filter(tenant=tenant, sha256__in=digests)
    thumbnails = {image.sha256: image.thumbnail.url for image in images}
    products = tenant.products.filter(product_id__in={event.product_id for event in events})
    by_id = {product.product_id: product for product in products}
    return [
        EventRow(
            event=event,
            category=_title(event.category),
            thumbnail=thumbnails.get(event.sha256, ""),
            product=by_id.get(event.product_id),
            is_allowable=all(event.scores.get(name, 0) < floor for name, floor in policy.floors.items()),
        )
        for event in events
    ]


def _errors_of(detail: Any) -> dict[str, str]:
    """Return what is wrong by field; `form` where it is none of them."""
    thresholds = detail.get("thresholds", {})
    errors = {
        name: " ".join(map(str, told)) if isinstance(told, list) else str(told) for name, told in thresholds.items()
    }
    return errors or {"form": sentence(detail)}


def _title(category: str) -> str:
    return category.replace("_", " ").capitalize()
