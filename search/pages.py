"""The portal's search page: words, a picture dropped or pasted, or a picture's address."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods
from django.views.decorators.vary import vary_on_headers
from rest_framework import exceptions

from accounts.models import Tenant
from accounts.pages import PortalRequest, portal_page
from catalog.bulk import sentence
from catalog.errors import PictureError
from catalog.products import newest_products
from catalog.vision.encoder import EncoderError
from catalog.vision.palette import EXAMPLES
from search.pipeline import answer
from search.query import Query, parse_text, parse_upload, parse_url

RESULTS = 24
NEWEST = 10
# A longer list of categories would not be chosen from.
CATEGORIES = 200


@require_http_methods(["GET", "POST"])
@vary_on_headers("HX-Request")
@portal_page("search:execute")
def search_page(request: PortalRequest) -> HttpResponse:
    """Show the search page, with results when something is asked; htmx gets the results alone."""
    tenant = request.caller.tenant
    asked = _read_query(request)
    context = _results(request, asked) if asked else {"newest": newest_products(tenant, NEWEST)}
    if request.htmx:
        return render(request, "search/results.html", context)
    return render(request, "search/search.html", context | _choices(tenant))


def _read_query(request: PortalRequest) -> dict[str, Any] | None:
    """Return the fields that were filled in, or None when nothing is asked yet."""
    sent: dict[str, Any] = {**request.GET.dict(), **request.POST.dict(), **request.FILES.dict()}
    fields = {name: value for name, value in sent.items() if value}
    return fields if {"query", "image_url", "image"} & fields.keys() else None


def _results(request: PortalRequest, asked: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"asked": asked, "answer": answer(request.caller.tenant, _parse(asked | {"limit": RESULTS}))}
    except exceptions.ValidationError as error:
        return {"asked": asked, "error": sentence(error.detail)}
    except PictureError as error:
        return {"asked": asked, "error": error.message}
    except EncoderError:
        return {"asked": asked, "error": "The encoder cannot be reached at the moment. Please try again."}


def _parse(asked: dict[str, Any]) -> Query:
    if "image" in asked:
        return parse_upload(asked)
    if "image_url" in asked:
        return parse_url(asked)
    return parse_text(asked)


def _choices(tenant: Tenant) -> dict[str, Any]:
    """Return what the filters offer: the tenant's categories, and the colours that have names."""
    categories = tenant.products.exclude(category="").order_by("category").values_list("category", flat=True)
    return {"categories": categories.distinct()[:CATEGORIES], "colors": list(EXAMPLES)}
