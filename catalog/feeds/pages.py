"""The portal's page that imports files: choose one, see what is in it and what it would do, start it."""

import base64
import csv
import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect
from rest_framework import exceptions

from accounts.pages import PortalRequest, portal_page
from catalog.errors import PictureError
from catalog.feeds.api import source_of
from catalog.feeds.formats.entries import Format, OpenFeed
from catalog.feeds.importing import preview_import, start_import
from catalog.feeds.products import open_sent_feed
from catalog.feeds.sync import TooManyRemovals, preview_sync, start_sync
from catalog.indexing import load_picture
from catalog.models import Job
from catalog.validation_messages import messages_of

SYNC = "sync"
FORMATS = {
    Format.NDJSON: "JSON, one product a line",
    Format.CSV: "CSV",
    Format.SHOPIFY: "Shopify export",
    Format.WOOCOMMERCE: "WooCommerce export",
    Format.GOOGLE_MERCHANT: "Google Merchant XML",
}
SHOWN_ERRORS = 25
# Of the pictures in a preview, in seconds and pixels.
PICTURE_DEADLINE = 3.0
PICTURE_SIDE = 240
EXAMPLE = (
    ("id", "title", "image", "price", "category", "brand", "availability", "quantity", "tags", "url"),
    (
        *("shoe-001", "Blue Running Sneaker", "https://example.com/blue-sneaker.jpg", "89.99 EUR", "Shoes > Sneakers"),
        *("SportMax", "in stock", "12", "running, sports", "https://example.com/shoe-001"),
    ),
    (
        *("bag-002", "Canvas Bag", "https://example.com/canvas-bag.jpg", "45.00 EUR", "Bags"),
        *("Maré", "out of stock", "0", "canvas", "https://example.com/bag-002"),
    ),
)


@dataclass(frozen=True)
class Sample:
    """A product of a preview: its picture as a data URI, or what is wrong with it."""

    product_id: str
    name: str
    category: str
    price: Decimal | None
    currency: str
    picture: str
    problem: str


@require_GET
@portal_page("products:bulk")
def choose(request: PortalRequest) -> HttpResponse:
    """Show the form that takes a file."""
    return _page(request, {})


@require_GET
@portal_page("products:bulk")
def example(request: PortalRequest) -> HttpResponse:
    """Send a small CSV to begin with; its mark tells spreadsheets that it is UTF-8."""
    out = io.StringIO("\ufeff")
    out.seek(0, io.SEEK_END)
    csv.writer(out).writerows(EXAMPLE)
    headers = {"Content-Disposition": 'attachment; filename="products.csv"'}
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=headers)


@require_POST
@portal_page("products:bulk")
def preview(request: PortalRequest) -> HttpResponse:
    """Show what is in a file, and what it would do; nothing is changed."""
    try:
        return _preview(request, *_sent_feed(request))
    except exceptions.APIException as error:
        return _page(request, {"refusal": _told(error)}, status=422)


@require_POST
@portal_page("products:bulk")
def start(request: PortalRequest) -> HttpResponse:
    """Start the job of a file, and go to its page."""
    try:
        file, feed = _sent_feed(request)
        try:
            job = _start(request, file, feed)
        except TooManyRemovals:
            return _preview(request, file, feed, is_unconfirmed=True)
    except exceptions.APIException as error:
        return _page(request, {"refusal": _told(error)}, status=422)
    address = reverse("portal-job", args=[job.job_id])
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)


def _start(request: PortalRequest, file: Any, feed: OpenFeed) -> Job:
    caller = request.caller
    if not _is_sync(request):
        return start_import(caller.tenant, feed, actor=caller.actor, source=source_of(file))
    shown, typed = request.POST.get("removals", ""), request.POST.get("confirm", "").strip()
    job, _ = start_sync(
        caller.tenant,
        feed,
        actor=caller.actor,
        source=source_of(file),
        force=typed == shown != "",
        # What was agreed to is what was shown: other products may have come since.
        expected_removals=int(shown) if shown.isdecimal() else 0,
    )
    return job


def _preview(request: PortalRequest, file: Any, feed: OpenFeed, *, is_unconfirmed: bool = False) -> HttpResponse:
    tenant, is_sync = request.caller.tenant, _is_sync(request)
    found = preview_sync(tenant, feed) if is_sync else preview_import(tenant, feed)
    context = {
        "found": found,
        "is_sync": is_sync,
        "is_unconfirmed": is_unconfirmed,
        "has_removals": is_sync and found["removed"] > 0,
        "file_name": source_of(file),
        "format": FORMATS[found["format"]],
        "errors": found["errors"][:SHOWN_ERRORS],
        "more_errors": max(0, found["invalid"] - SHOWN_ERRORS),
        "repeats": found["repeats"][:SHOWN_ERRORS],
        "more_repeats": max(0, found["repeated"] - SHOWN_ERRORS),
        "samples": _samples(found["sample"]),
        "is_empty": found["products"] == 0,
        "catalogue": tenant.products.filter(is_demo=False).count(),
        "demo_products": tenant.products.filter(is_demo=True).count(),
    }
    return _page(request, context, status=422 if is_unconfirmed else 200)


def _page(request: PortalRequest, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Show the page, with what was found in a file if there is one; htmx gets that alone."""
    context |= {
        "max_megabytes": settings.MAX_BODY_BYTES // 1024**2,
        "max_bytes": settings.MAX_BODY_BYTES,
        "can_sync": "products:delete" in request.caller.permissions,
        "mode": request.POST.get("mode", "import"),
    }
    return render(request, f"catalog/import{'_preview' if request.htmx else ''}.html", context, status=status)


def _sent_feed(request: PortalRequest) -> tuple[Any, OpenFeed]:
    file: Any = request.FILES.get("file")
    if file is None:
        raise exceptions.ValidationError({"file": ["Choose a file first."]})
    return file, open_sent_feed(file.file)


def _is_sync(request: PortalRequest) -> bool:
    """Return whether the file is to be the whole catalogue, which takes the right to delete."""
    return request.POST.get("mode") == SYNC and "products:delete" in request.caller.permissions


def _told(error: exceptions.APIException) -> str:
    return messages_of(error.detail)


def _samples(products: Sequence[dict[str, Any]]) -> list[Sample]:
    # Side by side, as a slow shop would else keep the merchant waiting for each of them.
    with ThreadPoolExecutor(max(1, len(products))) as pool:
        return list(pool.map(_sample, products))


def _sample(product: dict[str, Any]) -> Sample:
    metadata = product["metadata"]
    picture, problem = "", ""
    try:
        picture = _small_picture(product["images"][0])
    except PictureError as error:
        problem = error.message
    price = metadata.get("price")
    return Sample(
        product_id=product["product_id"],
        name=str(metadata.get("name", "")),
        category=str(metadata.get("category", "")),
        price=None if price in (None, "") else Decimal(str(price)),
        currency=str(metadata.get("currency", "")),
        picture=picture,
        problem=problem,
    )


def _small_picture(source: str) -> str:
    """Return a picture as a data URI: the page may load nothing from elsewhere. Raises PictureError."""
    image = load_picture(source, deadline=PICTURE_DEADLINE).image
    image.thumbnail((PICTURE_SIDE, PICTURE_SIDE))
    out = io.BytesIO()
    image.save(out, "WEBP", quality=80)
    return f"data:image/webp;base64,{base64.b64encode(out.getvalue()).decode()}"
