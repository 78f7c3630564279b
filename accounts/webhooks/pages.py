"""The portal's pages of webhooks. Their forms are checked as the API checks what it is sent."""

import json
from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from rest_framework import serializers

from accounts.models import Tenant, WebhookDelivery, WebhookEndpoint, WebhookEvent
from accounts.pages import PortalRequest, portal_page
from accounts.webhooks import endpoints
from accounts.webhooks.endpoints import (
    LimitReached,
    SecretUnreadable,
    access_delivery,
    access_endpoint,
    find_deliveries,
)
from accounts.webhooks.events import ALL, EventType
from accounts.webhooks.messages import payload_of
from accounts.webhooks.samples import NODE, PYTHON
from accounts.webhooks.serializers import EndpointChangesSerializer, EndpointSentSerializer, SecretRotationSerializer

PAGE_SIZE = 25
SHOWN_DAYS = 7
EXPLAINED = {
    ALL: "Every event, also those that we add later.",
    EventType.PRODUCT_INDEXED: "A product can be found: its picture was fetched and understood.",
    EventType.PRODUCT_UPDATED: "A product's picture or metadata has changed, with what has changed.",
    EventType.PRODUCT_DELETED: "A product was removed and is found no more.",
    EventType.PRODUCT_DUPLICATE: "A new product looks almost the same as one that you have.",
    EventType.PRODUCT_FAILED: "A product could not be indexed, with the reason.",
    EventType.BULK_COMPLETED: "An import or a full sync has finished, with how many succeeded and failed.",
    EventType.MODERATION_FLAGGED: "A picture was flagged by your moderation policy.",
    EventType.QUOTA_WARNING: "A limit of your plan is nearly reached.",
}
PERIODS = ((1, "the last 24 hours"), (7, "the last 7 days"), (WebhookEvent.KEPT_FOR.days, "the last 30 days"))


@require_GET
@portal_page("webhooks:read")
def endpoint_list(request: PortalRequest) -> HttpResponse:
    """Show the endpoints and how they fare."""
    return render(
        request,
        "accounts/webhooks.html",
        {"rows": _with_figures(request.caller.tenant), "days": SHOWN_DAYS, "samples": _samples(), **_rights(request)},
    )


@never_cache
@require_http_methods(["GET", "POST"])
@portal_page("webhooks:write")
def new(request: PortalRequest) -> HttpResponse:
    """Show the form of a new endpoint; save it, and show its secret this once."""
    if request.method == "GET":
        return _form(request, {"events": [ALL]}, {})
    form = EndpointSentSerializer(data=_sent(request.POST, "url", "description", "secret"))
    if not form.is_valid():
        return _form(request, _typed(request.POST), _errors(form))
    try:
        endpoint = endpoints.create_endpoint(request.caller.tenant, request.caller.actor, form.validated_data)
    except LimitReached as error:
        return _form(request, _typed(request.POST), {"form": str(error.detail)})
    if form.validated_data.get("secret"):
        messages.success(request, "Saved. From now on events go to this endpoint.")
        return redirect("webhooks-endpoint", endpoint.webhook_id)
    return _show_secret(request, endpoint)


@require_http_methods(["GET", "POST"])
@portal_page("webhooks:write")
def edit(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Show the form of an endpoint, and save it."""
    tenant, actor = request.caller.tenant, request.caller.actor
    endpoint = access_endpoint(tenant, webhook_id)
    if request.method == "GET":
        return _form(request, vars(endpoint), {}, endpoint)
    form = EndpointChangesSerializer(data=_sent(request.POST, "url") | {"description": request.POST["description"]})
    if not form.is_valid():
        return _form(request, _typed(request.POST), _errors(form), endpoint)
    endpoints.change_endpoint(tenant, actor, webhook_id, form.validated_data)
    messages.success(request, "Saved.")
    return redirect("webhooks-endpoint", webhook_id)


@require_GET
@portal_page("webhooks:read")
def endpoint(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Show an endpoint and the log of its deliveries."""
    row = access_endpoint(request.caller.tenant, webhook_id)
    chosen = request.GET.get("status", "")
    if chosen not in WebhookDelivery.Status.values:
        chosen = ""
    page = Paginator(find_deliveries(row, chosen), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "row": row,
        "page": page,
        "chosen": chosen,
        "statuses": [("", "All"), *WebhookDelivery.Status.choices],
        "periods": PERIODS,
        "now": timezone.now(),
        "max_overlap_hours": endpoints.MAX_OVERLAP_HOURS,
        "overlap_hours": endpoints.OVERLAP_HOURS,
    }
    return render(request, "accounts/webhooks_endpoint.html", context | _rights(request))


@require_GET
@portal_page("webhooks:read")
def delivery(request: PortalRequest, delivery_id: str) -> HttpResponse:
    """Show what was sent and what was answered, attempt by attempt."""
    row = access_delivery(request.caller.tenant, delivery_id)
    payload = json.dumps(payload_of(row), indent=2, ensure_ascii=False)
    attempts = [attempt | {"at": datetime.fromisoformat(attempt["at"])} for attempt in row.log]
    context = {"delivery": row, "payload": payload, "attempts": list(enumerate(attempts, 1))}
    return render(request, "accounts/webhooks_delivery.html", context | _rights(request))


@require_POST
@portal_page("webhooks:write")
def switch(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Disable an endpoint, or enable it again."""
    caller = request.caller
    active = request.POST.get("active") == "true"
    endpoints.change_endpoint(caller.tenant, caller.actor, webhook_id, {"active": active})
    messages.success(request, "Enabled. What waits goes out now." if active else "Disabled. Nothing is sent any more.")
    return redirect("webhooks-endpoint", webhook_id)


@require_POST
@portal_page("webhooks:write")
def test(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Send a test event and show what came back; htmx gets the answer alone."""
    tried = endpoints.try_endpoint(access_endpoint(request.caller.tenant, webhook_id))
    return render(request, "accounts/webhooks_test.html", {"test": tried})


@never_cache
@require_POST
@portal_page("webhooks:write")
def rotate(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Sign by a new secret, and show it this once."""
    caller = request.caller
    access_endpoint(caller.tenant, webhook_id)
    form = SecretRotationSerializer(data={"overlap_hours": request.POST.get("overlap_hours", "")})
    if not form.is_valid():
        messages.error(request, "Not rotated: the hours are a whole number from 0 to 72.")
        return redirect("webhooks-endpoint", webhook_id)
    row = endpoints.rotate_secret(caller.tenant, caller.actor, webhook_id, **form.validated_data)
    return _show_secret(request, row)


@require_POST
@portal_page("webhooks:write")
def redeliver_one(request: PortalRequest, delivery_id: str) -> HttpResponse:
    """Send an event once more."""
    row = access_delivery(request.caller.tenant, delivery_id)
    endpoints.redeliver(row, request.caller.actor)
    messages.success(request, f"{row.event.type} is sent once more, with the same id.")
    return redirect("webhooks-delivery", delivery_id)


@require_POST
@portal_page("webhooks:write")
def redeliver_failed(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Send once more what has failed in a period."""
    row = access_endpoint(request.caller.tenant, webhook_id)
    days = {str(days): days for days, _ in PERIODS}.get(request.POST.get("days", ""), 1)
    count = endpoints.redeliver_range(row, request.caller.actor, since=timezone.now() - timedelta(days=days))
    messages.success(request, f"{count:,} {'event is' if count == 1 else 'events are'} sent once more.")
    return redirect("webhooks-endpoint", webhook_id)


@require_POST
@portal_page("webhooks:write")
def delete(request: PortalRequest, webhook_id: str) -> HttpResponse:
    """Delete an endpoint."""
    endpoints.remove_endpoint(request.caller.tenant, request.caller.actor, webhook_id)
    messages.success(request, "Deleted. Nothing is sent there any more.")
    return redirect("webhooks")


@never_cache
@require_POST
@portal_page("webhooks:write")
def callback_secret(request: PortalRequest) -> HttpResponse:
    """Show the secret that signs the callbacks of jobs; make a new one if asked to."""
    tenant = request.caller.tenant
    is_new = "rotate" in request.POST
    try:
        secret = (
            endpoints.rotate_callback_secret(tenant, request.caller.actor)
            if is_new
            else endpoints.show_callback_secret(tenant)
        )
    except SecretUnreadable:
        secret = ""
    return render(request, "accounts/webhooks_callback_secret.html", {"secret": secret, "is_new": is_new})


def _with_figures(tenant: Tenant) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints with what became of their deliveries in the last days, and what waits."""
    status = WebhookDelivery.Status
    recent = Q(deliveries__created_at__gte=timezone.now() - timedelta(days=SHOWN_DAYS))
    return tenant.webhook_endpoints.annotate(
        delivered=Count("deliveries", filter=recent & Q(deliveries__status=status.DELIVERED)),
        failed=Count("deliveries", filter=recent & Q(deliveries__status=status.FAILED)),
        waiting=Count("deliveries", filter=Q(deliveries__status=status.PENDING)),
    )


def _rights(request: PortalRequest) -> dict[str, Any]:
    return {"can_write": "webhooks:write" in request.caller.permissions}


def _samples() -> list[tuple[str, str]]:
    return [("Python", PYTHON), ("Node.js", NODE)]


def _form(
    request: PortalRequest, values: dict[str, Any], errors: dict[str, str], row: WebhookEndpoint | None = None
) -> HttpResponse:
    events = [(name, text, name in values.get("events", ())) for name, text in EXPLAINED.items()]
    context = {"row": row, "values": values, "errors": errors, "events": events}
    return render(request, "accounts/webhooks_form.html", context, status=422 if errors else 200)


def _typed(form: QueryDict) -> dict[str, Any]:
    """Return what a form held, but for the secret, to be shown again."""
    return {
        "url": form.get("url", ""),
        "description": form.get("description", ""),
        "events": form.getlist("events"),
    }


def _sent(form: QueryDict, *names: str) -> dict[str, Any]:
    """Return a form as the API would be sent it, without what was left empty."""
    return {name: form[name] for name in names if form.get(name)} | {"events": form.getlist("events")}


def _errors(form: serializers.Serializer[Any]) -> dict[str, str]:
    """Return the first message of each field."""
    wrong: dict[str, Any] = dict(form.errors)
    return {name: str(errors[0]) for name, errors in wrong.items() if isinstance(errors, list)}


def _show_secret(request: PortalRequest, row: WebhookEndpoint) -> HttpResponse:
    return render(request, "accounts/webhooks_secret.html", {"row": row, "samples": _samples()})
