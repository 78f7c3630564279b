"""The portal's search page: words, a picture dropped or pasted, or a picture's address."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST
from django.views.decorators.vary import vary_on_headers
from rest_framework import exceptions

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.candidates import Signal
from catalog.errors import PictureError
from catalog.hits import Hit
from catalog.products import newest_products
from catalog.validation_messages import sentence
from catalog.vision.encoder import EncoderError
from catalog.vision.palette import EXAMPLES
from search.history import forget_history
from search.modes import parse_mode, parse_upload
from search.pipeline import Surface, answer
from search.query import Query

RESULTS = 24
NEWEST = 10
# A longer list of categories would not be chosen from.
CATEGORIES = 200
ASKED = ("query", "image_url", "image")
FILTERS = ("category", "price_min", "price_max", "color")
# Words as they look, and not as a sentence that asks for more.
BY_LOOKS = "by_looks"
SIGNALS = {
    "visual_similarity": "Looks",
    "product_type": "Kind of thing",
    "popularity": "Popularity",
    "category_match": "Category",
    "shape": "Shape",
    "color": "Colours",
}


@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
@portal_page("search:execute")
def search_page(request: PortalRequest) -> HttpResponse:
    """Show the search page, with results when something is asked; htmx gets the results alone."""
    tenant = request.caller.tenant
    asked = _read_query(request)
    context = _results(tenant, asked) if asked else {"newest": newest_products(tenant, NEWEST)}
    if request.htmx:
        return render(request, "search/results.html", context)
    return render(request, "search/search.html", context | _choices(tenant))


@require_POST
@portal_page("settings:write")
def forget(request: PortalRequest) -> HttpResponse:
    """Delete the whole history."""
    forgotten = forget_history(request.caller.tenant, {})
    messages.success(request, f"{forgotten:,} {'search' if forgotten == 1 else 'searches'} deleted from the history.")
    return redirect("history")


def _read_query(request: PortalRequest) -> dict[str, Any] | None:
    """Return the fields that were filled in, or None when nothing is asked yet."""
    sent: dict[str, Any] = {**request.GET.dict(), **request.POST.dict(), **request.FILES.dict()}
    fields = {name: sent[name] for name in (*ASKED, *FILTERS, BY_LOOKS) if sent.get(name)}
    return fields if set(ASKED) & fields.keys() else None


def _results(tenant: Tenant, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        found = answer(tenant, _parse(tenant, asked | {"limit": RESULTS, "explain": True}), surface=Surface.PORTAL)
    except exceptions.ValidationError as error:
        return {"asked": asked, "error": sentence(error.detail)}
    except PictureError as error:
        return {"asked": asked, "error": error.message}
    except EncoderError:
        return {"asked": asked, "error": "The encoder cannot be reached at the moment. Please try again."}
    return {"asked": asked, "answer": found, "shown": [(hit, _reasons(hit)) for hit in found.hits]}


def _reasons(hit: Hit) -> list[tuple[str, Signal]]:
    """Return what a hit's score is made of, in words, the greatest share first."""
    named = [(SIGNALS[name], signal) for name, signal in hit.signals.items()]
    return sorted(named, key=lambda reason: -reason[1].share)


def _parse(tenant: Tenant, asked: dict[str, Any]) -> Query:
    fields = {name: value for name, value in asked.items() if name != BY_LOOKS}
    if "image" in fields:
        return parse_upload(tenant, fields)
    if "image_url" in fields:
        return parse_mode(tenant, "url", fields)
    return parse_mode(tenant, "text" if BY_LOOKS in asked else "nl", fields)


def _choices(tenant: Tenant) -> dict[str, Any]:
    """Return what the filters offer: the tenant's categories, and the colours that have names."""
    categories = tenant.products.exclude(category="").order_by("category").values_list("category", flat=True)
    return {"categories": categories.distinct()[:CATEGORIES], "colors": list(EXAMPLES)}
