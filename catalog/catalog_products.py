"""Products as the Catalog API speaks of them: the same products, under other names.

id           our own id of a product, a UUID
external_id  the shop's id, which is the `product_id` elsewhere; a product sent without one has its `id` there
title, …     fields of the metadata; `title` is the name
"""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.http import Http404
from django.utils import timezone

from accounts.models import Tenant
from catalog.documents import ProductDocument
from catalog.indexing import columns_of
from catalog.jobs.bulk import require_bulk_room
from catalog.jobs.items import item_of_document
from catalog.jobs.lifecycle import create_job
from catalog.models import Job, JobItem, Product, ProductImage

EMBEDDING_STATUSES = ("pending", "processing", "completed", "failed")
# Fields of the Catalog API that are kept in the metadata, and under which name.
METADATA_NAMES = {
    "title": "name",
    "sku": "sku",
    "description": "description",
    "brand": "brand",
    "category": "category",
    "price": "price",
    "currency": "currency",
    "product_url": "product_url",
}


@dataclass(frozen=True)
class Upload:
    """A product that was taken in: its row, and whether it is new."""

    product: Product
    is_new: bool


@transaction.atomic
def upload_products(tenant: Tenant, products: Sequence[Mapping[str, Any]]) -> list[Upload]:
    """Take in products, as CatalogProductInput validates them, and have workers look at them; return them in order.

    Raises PlanLimitReached when the plan has no room for those that are new.
    """
    own_ids = [uuid.uuid4() for _ in products]
    documents = [_document(product, own_id) for product, own_id in zip(products, own_ids, strict=True)]
    names = [document.product_id for document in documents]
    require_bulk_room(tenant, names)
    known = set(tenant.products.filter(product_id__in=names).values_list("product_id", flat=True))
    pending = [_pending(tenant, document, own_id) for document, own_id in zip(documents, own_ids, strict=True)]
    Product.objects.bulk_create(pending, ignore_conflicts=True)
    create_job(tenant, Job.Kind.INDEX, map(item_of_document, documents))
    rows = {row.product_id: row for row in tenant.products.filter(product_id__in=names)}
    return [
        # The second of two with one id updates the first.
        Upload(rows[name], is_new=name not in known and name not in names[:place])
        for place, name in enumerate(names)
    ]


def access_catalog_product(tenant: Tenant, product_id: str) -> Product:
    """Return a tenant's product by our id or by the shop's, or raise Http404."""
    products = tenant.products.prefetch_related("images")
    own_id = _parse_uuid(product_id)
    by_own_id = products.filter(uuid=own_id).first() if own_id else None
    product = by_own_id or products.filter(product_id=product_id).first()
    if product is None:
        raise Http404
    return product


def describe_products(tenant: Tenant, products: Sequence[Product]) -> list[dict[str, Any]]:
    """Return products as the Catalog API shows them."""
    statuses = embedding_statuses(tenant, products)
    return [_describe(product, statuses[product.product_id]) for product in products]


def embedding_statuses(tenant: Tenant, products: Iterable[Product]) -> dict[str, str]:
    """Return how far each product is on its way into the catalogue, by product_id."""
    by_status = {
        Product.Status.INDEXED: "completed",
        Product.Status.FAILED: "failed",
        Product.Status.PENDING: "pending",
    }
    statuses = {product.product_id: by_status[Product.Status(product.status)] for product in products}
    items = JobItem.objects.unfinished().filter(tenant=tenant, product_id__in=statuses)
    for product_id, status in items.values_list("product_id", "status"):
        statuses[product_id] = "processing" if status == JobItem.Status.PROCESSING else "pending"
    return statuses


def external_id_of(product_id: str, own_id: uuid.UUID | None) -> str | None:
    """Return the shop's id of a product; one that was sent without has none."""
    return None if product_id == str(own_id) else product_id


def _describe(product: Product, embedding_status: str) -> dict[str, Any]:
    metadata = dict(product.metadata)
    named = {name: metadata.pop(key, None) for name, key in METADATA_NAMES.items()}
    cover = next(iter(product.images.all()), None)
    return {
        "id": str(product.uuid),
        "external_id": external_id_of(product.product_id, product.uuid),
        **named,
        "image_url": product.image_urls[0] if product.image_urls else "",
        "metadata": metadata,
        "embedding_status": embedding_status,
        "embedding_error": product.error_message or None,
        "features": _features(cover) if cover else None,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
    }


def _features(cover: ProductImage) -> dict[str, Any]:
    return {
        "dominant_colors": [{"hex": swatch["hex"], "share": swatch["share"]} for swatch in cover.palette],
        "aspect_ratio": cover.shape["aspect_ratio"],
        "silhouette_vector": cover.shape["silhouette"],
        "product_type": cover.product_type,
        "attributes": cover.attributes,
    }


def _document(product: Mapping[str, Any], own_id: uuid.UUID) -> ProductDocument:
    named = {key: product[name] for name, key in METADATA_NAMES.items() if name in product}
    return ProductDocument(
        product_id=product.get("external_id", str(own_id)),
        images=(product["image_url"],),
        metadata={**product.get("metadata", {}), **named},
    )


def _pending(tenant: Tenant, document: ProductDocument, own_id: uuid.UUID) -> Product:
    columns = columns_of(document) | {"status": Product.Status.PENDING, "sent_at": timezone.now()}
    return Product(tenant=tenant, product_id=document.product_id, uuid=own_id, **columns)


def _parse_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
