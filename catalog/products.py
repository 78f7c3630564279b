"""Reading, changing and removing products of a tenant."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, Max, QuerySet
from django.http import Http404
from django.utils import timezone

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_event, record_events
from billing.limits import plan_of
from catalog.custom_fields import InvalidMetadata, find_metadata_misfit
from catalog.documents import color_words, promote, require_few_keys
from catalog.indexing import seen_colors
from catalog.models import Product, ProductImage
from catalog.pictures.thumbnails import discard_thumbnails
from catalog.product_events import deleted_data, metadata_changes, updated_data
from catalog.versions import columns_of_patch


def access_product(tenant: Tenant, product_id: str) -> Product:
    """Return a tenant's product, or raise Http404."""
    product = tenant.products.prefetch_related("images").filter(product_id=product_id).first()
    if product is None:
        raise Http404
    return product


def access_parent_id(tenant: Tenant, product_id: str) -> str:
    """Return what a tenant's product is a variant of, "" for one by itself, or raise Http404."""
    parent_id: str | None = tenant.products.filter(product_id=product_id).values_list("parent_id", flat=True).first()
    if parent_id is None:
        raise Http404
    return parent_id


def newest_products(tenant: Tenant, count: int) -> QuerySet[Product]:
    """Return the products that came last and can be found, with their pictures."""
    indexed = tenant.products.filter(status=Product.Status.INDEXED).prefetch_related("images")
    return indexed.order_by("-created_at", "-pk")[:count]


@transaction.atomic
def update_metadata(tenant: Tenant, product_id: str, changes: Mapping[str, Any]) -> Product:
    """Merge changes into a product's metadata (RFC 7396: null removes a key); its vectors stay as they are.

    They outlast a whole version of the product that was sent before, and waits for its turn; those that change nothing
    leave no trace.
    """
    product = tenant.products.select_for_update().filter(product_id=product_id).first()
    if product is None:
        raise Http404
    before = product.metadata
    product.metadata = merge_patch(before, changes)
    require_few_keys(product.metadata)
    # What else is amiss with a product holds up no change of price.
    if (misfit := find_metadata_misfit(tenant, product.metadata, keys=changes)) is not None:
        raise InvalidMetadata(misfit)
    if changed := metadata_changes(before, product.metadata):
        columns = promote(product.metadata) | {"colors": _colors(product)}
        columns |= columns_of_patch(product, changes, timezone.now())
        for name, value in columns.items():
            setattr(product, name, value)
        product.save(update_fields=["metadata", "updated_at", *columns])
        url = product.image_urls[0]
        record_event(tenant, EventType.PRODUCT_UPDATED, updated_data(product_id, changed, url, url, product.updated_at))
    return product


def delete_products(products: QuerySet[Product]) -> int:
    """Delete products, of one tenant or of several, with their pictures; tell their tenants; return how many."""
    with transaction.atomic():
        # Products before their pictures, as indexing takes them: otherwise two could wait for each other.
        found = Product.objects.select_for_update().filter(pk__in=products.values("pk")).order_by("pk")
        locked = list(found.values_list("pk", "tenant", "product_id"))
        rows = Product.objects.filter(pk__in=[pk for pk, _, _ in locked])
        thumbnails = defaultdict(set)
        for tenant_pk, name in ProductImage.objects.filter(product__in=rows).values_list("tenant", "thumbnail"):
            thumbnails[tenant_pk].add(name)
        rows.delete()
        for tenant_pk, names in thumbnails.items():
            discard_thumbnails(tenant_pk, names)
        _tell_of_deleted([(tenant_pk, product_id) for _, tenant_pk, product_id in locked])
    return len(locked)


def product_stats(tenant: Tenant) -> dict[str, Any]:
    """Return how many products there are, of what kind, and how many more the plan allows."""
    counted = tenant.products.filter(is_demo=False)
    total, limit = counted.count(), plan_of(tenant).max_products
    summary = tenant.products.aggregate(avg_quality=Avg("quality"), last_indexed_at=Max("indexed_at"))
    return {
        "total_products": total,
        "demo_products": tenant.products.filter(is_demo=True).count(),
        "plan_limit": limit,
        "remaining": None if limit is None else max(0, limit - total),
        "by_status": _counts(tenant, "status"),
        "by_category": _counts(tenant, "category"),
        **summary,
    }


def merge_patch(target: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return `target` with a JSON Merge Patch applied (RFC 7396)."""
    merged = dict(target)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            inner = merged.get(key)
            merged[key] = merge_patch(inner if isinstance(inner, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged


def _tell_of_deleted(deleted: Sequence[tuple[int, str]]) -> None:
    """Tell the endpoints of products, by the rows of their tenants and their ids, that these are no more."""
    at = timezone.now()
    for tenant in Tenant.objects.filter(pk__in={tenant_pk for tenant_pk, _ in deleted}):
        own = (product_id for tenant_pk, product_id in deleted if tenant_pk == tenant.pk)
        record_events(tenant, EventType.PRODUCT_DELETED, (deleted_data(product_id, at) for product_id in own))


def _colors(product: Product) -> list[str]:
    cover = product.images.first()
    return color_words(product.metadata, seen_colors(cover) if cover else [])


def _counts(tenant: Tenant, column: str) -> dict[str, int]:
    rows = tenant.products.values_list(column).annotate(products=Count("pk")).order_by("-products", column)
    return dict(rows)
