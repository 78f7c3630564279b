"""The portal's product pages, and the pictures that we serve ourselves."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import SuspiciousFileOperation
from django.core.files.storage import default_storage
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django.views.decorators.vary import vary_on_headers

from accounts.pages import PortalRequest, portal_page
from catalog.jobs.lifecycle import reindex_products
from catalog.models import Product
from catalog.product_list import ListInput, find_products
from catalog.products import delete_products, product_stats

PAGE_SIZE = 24
# Pictures are named by their content, so a copy of one stays true for ever.
IMMUTABLE = "public, max-age=31536000, immutable"


@require_GET
@vary_on_headers("HX-Request")
@portal_page("products:read")
def product_list(request: PortalRequest) -> HttpResponse:
    """Show the products that the filters leave, a page at a time; htmx gets the results alone."""
    tenant = request.caller.tenant
    wanted = ListInput(data={name: value for name, value in request.GET.items() if value})
    if not wanted.is_valid():
        messages.warning(request, "There are no such filters; here are all products.")
        return redirect("products")
    fields = wanted.validated_data
    page = Paginator(find_products(tenant, fields), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "fields": fields,
        "stats": product_stats(tenant),
        "statuses": Product.Status.choices,
    }
    template = "catalog/product_results.html" if request.htmx else "catalog/product_list.html"
    return render(request, template, context)


@require_POST
@portal_page("products:delete")
def delete(request: PortalRequest) -> HttpResponse:
    """Delete the products that were ticked."""
    deleted = delete_products(_ticked(request))
    messages.success(request, f"{deleted} {'product' if deleted == 1 else 'products'} deleted.")
    return _back_to_list(request)


@require_POST
@portal_page("products:write")
def reindex(request: PortalRequest) -> HttpResponse:
    """Fetch the pictures of the products that were ticked again."""
    job = reindex_products(request.caller.tenant, _ticked(request))
    if job is None:
        messages.warning(
            request,
            "Nothing to fetch: these products were sent with their pictures. Send them again instead.",
        )
    else:
        messages.success(request, f"{job.total} {'product is' if job.total == 1 else 'products are'} indexed again.")
    return _back_to_list(request)


def _back_to_list(request: PortalRequest) -> HttpResponse:
    """Return to the list under the filters and on the page where the products were ticked."""
    return redirect(reverse("products", query=request.GET))


def _ticked(request: PortalRequest) -> QuerySet[Product]:
    return request.caller.tenant.products.filter(product_id__in=request.POST.getlist("product_id"))


@require_GET
def media(request: HttpRequest, name: str) -> FileResponse:
    """Serve a stored picture from the folder storage; with S3 pictures have addresses of their own."""
    try:
        file: Any = default_storage.open(name)
    # A name that no file can have (too long, a null character, a file in place of a folder) is not there either.
    except (OSError, ValueError, SuspiciousFileOperation) as error:
        raise Http404 from error
    # Thumbnails of earlier versions are WebP.
    content_type = "image/webp" if name.endswith(".webp") else "image/jpeg"
    return FileResponse(file, content_type=content_type, headers={"Cache-Control": IMMUTABLE})
