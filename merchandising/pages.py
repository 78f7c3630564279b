"""The portal's pages of rules, synonyms and banners. Their forms are checked as the API checks what it is sent."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Prefetch
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.views.decorators.http import require_GET, require_http_methods, require_POST
from rest_framework import serializers

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.models import Product, ProductImage
from merchandising.configuration import (
    LimitReached,
    access_configured,
    add_configured,
    change_configured,
    find_configured,
    remove_configured,
    unknown_products,
)
from merchandising.models import MAX_PRODUCT_IDS, Configured, MerchandisingRule, PromoBanner, SynonymSet
from merchandising.scopes import ScopeType
from merchandising.serializers import PromoBannerSerializer, RuleSerializer, SynonymSerializer

PAGE_SIZE = 50
SHOWN_PRODUCTS = 4
DATE_AND_TIME = "%Y-%m-%dT%H:%M"


@dataclass(frozen=True)
class Kind:
    """A kind of rows, its checks, the page that lists it and the permissions that it needs (`resource:read`)."""

    name: str
    model: type[Configured]
    serializer: type[serializers.ModelSerializer[Any]]
    resource: str
    listed_at: str
    choices: list[tuple[str, str]]

    @property
    def row_template(self) -> str:
        return f"merchandising/{self.name}_row.html"

    @property
    def form_template(self) -> str:
        return f"merchandising/{self.name}_form.html"


RULE = Kind("rule", MerchandisingRule, RuleSerializer, "merchandising", "merchandising", MerchandisingRule.Type.choices)
SYNONYMS = Kind("synonyms", SynonymSet, SynonymSerializer, "merchandising", "merchandising", SynonymSet.Type.choices)
BANNER = Kind("banner", PromoBanner, PromoBannerSerializer, "banners", "promos", PromoBanner.Position.choices)


@require_GET
@portal_page("merchandising:read")
def rule_list(request: PortalRequest) -> HttpResponse:
    """Show rules, in the order in which they go, and below them synonyms."""
    tenant = request.caller.tenant
    page = Paginator(find_configured(MerchandisingRule, tenant), PAGE_SIZE).get_page(request.GET.get("page"))
    _attach_products(tenant, page.object_list)
    context = {"page": page, "synonyms": find_configured(SynonymSet, tenant)}
    return render(request, "merchandising/rules.html", context)


@require_GET
@portal_page("banners:read")
def banner_list(request: PortalRequest) -> HttpResponse:
    """Show banners, in the order in which they go."""
    banners = find_configured(PromoBanner, request.caller.tenant)
    return render(request, "merchandising/banners.html", {"banners": banners})


@require_POST
@portal_page("merchandising:write")
def chosen_products(request: PortalRequest) -> HttpResponse:
    """Show the products whose ids stand in a form, as they are typed."""
    product_ids = _lines(request.POST.get("product_ids", ""))
    return render(request, "merchandising/chosen.html", {"chosen": _chosen(request.caller.tenant, product_ids)})


def page_urls(kind: Kind, prefix: str) -> list[URLPattern]:
    """Return the addresses at which rows of a kind are added, changed, switched and deleted."""
    may_write = portal_page(f"{kind.resource}:write")
    return [
        path(f"{prefix}/new", may_write(_edit_page(kind)), name=f"{kind.name}-new"),
        path(f"{prefix}/<uuid:pk>", may_write(_edit_page(kind)), name=f"{kind.name}-edit"),
        path(f"{prefix}/<uuid:pk>/switch", require_POST(may_write(_switch(kind))), name=f"{kind.name}-switch"),
        path(f"{prefix}/<uuid:pk>/delete", require_POST(may_write(_delete(kind))), name=f"{kind.name}-delete"),
    ]


def _edit_page(kind: Kind) -> Callable[..., HttpResponse]:
    @require_http_methods(["GET", "POST"])
    @transaction.atomic
    def edit(request: PortalRequest, pk: UUID | None = None) -> HttpResponse:
        """Show the form of a row, new without an id, and save it."""
        tenant = request.caller.tenant
        row = access_configured(kind.model, tenant, pk, for_update=True) if pk else kind.model(tenant=tenant)
        if request.method == "GET":
            return _form(request, kind, row, _values_of(kind, row), {})
        form = kind.serializer(row if pk else None, data=_sent(kind, request.POST))
        if not form.is_valid():
            return _form(request, kind, row, request.POST.dict(), _errors_of(form.errors))
        try:
            _save(row, form.validated_data)
        except LimitReached as error:
            messages.error(request, str(error.detail))
            return redirect(kind.listed_at)
        _tell_saved(request, row)
        return redirect(kind.listed_at)

    return edit


def _switch(kind: Kind) -> Callable[..., HttpResponse]:
    def switch(request: PortalRequest, pk: UUID) -> HttpResponse:
        """Pause a row, or have it take part again; htmx gets the row alone."""
        tenant = request.caller.tenant
        with transaction.atomic():
            row = access_configured(kind.model, tenant, pk, for_update=True)
            change_configured(row, {"active": not row.active})
        if not request.htmx:
            return redirect(kind.listed_at)
        if isinstance(row, MerchandisingRule):
            _attach_products(tenant, [row])
        return render(request, kind.row_template, {"row": row})

    return switch


def _delete(kind: Kind) -> Callable[..., HttpResponse]:
    def delete(request: PortalRequest, pk: UUID) -> HttpResponse:
        row = access_configured(kind.model, request.caller.tenant, pk)
        remove_configured(row)
        messages.success(request, f"Deleted: {row}.")
        return redirect(kind.listed_at)

    return delete


def _form(
    request: PortalRequest, kind: Kind, row: Configured, values: Mapping[str, Any], errors: Mapping[str, str]
) -> HttpResponse:
    context = {
        "row": row,
        "is_new": row._state.adding,
        "values": values,
        "errors": errors,
        "kinds": kind.choices,
        "scopes": ScopeType.choices,
        "chosen": _chosen(row.tenant, _lines(values.get("product_ids", ""))),
    }
    return render(request, kind.form_template, context, status=422 if errors else 200)


def _save(row: Configured, fields: Mapping[str, Any]) -> None:
    if not row._state.adding:
        change_configured(row, fields)
        return
    for name, value in fields.items():
        setattr(row, name, value)
    add_configured(row)


def _tell_saved(request: PortalRequest, row: Configured) -> None:
    messages.success(request, f"Saved: {row}. It counts from the next search on.")
    if isinstance(row, MerchandisingRule) and (unknown := unknown_products(row)):
        messages.warning(request, f"Not among your products now: {', '.join(unknown)}.")


def _sent(kind: Kind, posted: Mapping[str, str]) -> dict[str, Any]:
    """Return what a form has sent as the API would be sent it."""
    return {
        name: _sent_value(field, name, posted)
        for name, field in kind.serializer().fields.items()
        if not field.read_only
    }


def _sent_value(field: Any, name: str, posted: Mapping[str, str]) -> Any:
    match field:
        case serializers.BooleanField():
            return name in posted
        case serializers.ListField():
            return _lines(posted.get(name, ""))
        case serializers.DateTimeField() | serializers.FloatField():
            return posted.get(name) or None
    return posted.get(name, "")


def _values_of(kind: Kind, row: Configured) -> dict[str, Any]:
    """Return what the form of a row shows."""
    return {name: _shown(getattr(row, name)) for name, field in kind.serializer().fields.items() if not field.read_only}


def _shown(value: Any) -> Any:
    match value:
        case list():
            return "\n".join(value)
        case datetime():
            return value.strftime(DATE_AND_TIME)
        case None:
            return ""
    return value


def _errors_of(errors: Mapping[str, Any]) -> dict[str, str]:
    """Return a message for each field; of a list, the messages of its lines."""
    return {
        name: " ".join(
            [f"Line {line + 1}: {' '.join(told)}" for line, told in found.items()]
            if isinstance(found, Mapping)
            else map(str, found)
        )
        for name, found in errors.items()
    }


def _attach_products(tenant: Tenant, rules: Iterable[Any]) -> None:
    """Give each rule its first products, as `shown_products`, and how many more there are, as `more_products`."""
    listed = list(rules)
    found = _products(tenant, {product_id for rule in listed for product_id in rule.product_ids[:SHOWN_PRODUCTS]})
    for rule in listed:
        rule.shown_products = [(name, found.get(name)) for name in rule.product_ids[:SHOWN_PRODUCTS]]
        rule.more_products = max(0, len(rule.product_ids) - SHOWN_PRODUCTS)


def _chosen(tenant: Tenant, product_ids: list[str]) -> list[tuple[str, Product | None]]:
    wanted = list(dict.fromkeys(product_ids))[:MAX_PRODUCT_IDS]
    found = _products(tenant, wanted)
    return [(product_id, found.get(product_id)) for product_id in wanted]


def _products(tenant: Tenant, product_ids: Iterable[str]) -> dict[str, Product]:
    covers = Prefetch("images", ProductImage.objects.filter(position=0))
    products = tenant.products.filter(product_id__in=list(product_ids)).prefetch_related(covers)
    return {product.product_id: product for product in products}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.replace("\0", "").splitlines() if line.strip()]
