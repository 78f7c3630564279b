"""Changing the metadata of many products at once: prices and stock, in few statements, and never a picture.

change_in_batches: for each 1,000 changes, one transaction: lock the products -> apply the changes in their order
                   -> write what differs by one UPDATE -> tell the tenant's endpoints
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from rest_framework import exceptions

from accounts.models import Tenant
from accounts.webhooks.events import EventType, record_events
from catalog.attributes.kept import kept_attributes, with_kept
from catalog.custom_fields import MetadataError, find_metadata_misfit
from catalog.documents import color_words, promote, require_few_keys
from catalog.errors import IndexingError
from catalog.indexing import seen_colors
from catalog.jobs.items import NOT_WELL_FORMED
from catalog.models import Product, ProductImage
from catalog.product_events import metadata_changes, same, updated_data
from catalog.products import merge_patch
from catalog.validation_messages import sentence
from catalog.versions import columns_of_patch

BATCH = 1_000
_COLUMNS = {
    "name": "text",
    "category": "text",
    "brand": "text",
    "price": "numeric",
    "currency": "text",
    "colors": "text[]",
    "tags": "text[]",
    "in_stock": "boolean",
    "parent_id": "text",
}
_UPDATE = f"""
    UPDATE catalog_product AS product
    SET metadata = changed.metadata, updated_at = %s, sent_at = changed.sent_at, patched = changed.patched,
        {", ".join(f"{name} = changed.{name}" for name in _COLUMNS)}
    FROM jsonb_to_recordset(%s) AS changed
        (pk bigint, metadata jsonb, sent_at timestamptz, patched jsonb,
        {", ".join(f"{name} {type_}" for name, type_ in _COLUMNS.items())})
    WHERE product.id = changed.pk
"""  # noqa: S608  # of names that stand above


@dataclass(frozen=True)
class MetadataChange:
    """What becomes of a product's metadata: merged (RFC 7396), or replaced as a whole but for what was accepted.

    A product that was sent after `unless_changed_since` is left as it is.
    """

    product_id: str
    metadata: Mapping[str, Any]
    replaces: bool = False
    unless_changed_since: datetime | None = None


@dataclass(frozen=True)
class Changed:
    """What became of a change: whether the product says something else now, or why it could not be made."""

    is_different: bool = False
    error: IndexingError | None = None


def change_in_batches(tenant: Tenant, changes: Iterable[MetadataChange]) -> Iterator[Changed]:
    """Apply changes in their order and yield what became of each; those of a batch are committed together."""
    remaining = iter(changes)
    while batch := list(islice(remaining, BATCH)):
        yield from change_metadata(tenant, batch)


@transaction.atomic
def change_metadata(tenant: Tenant, changes: Sequence[MetadataChange]) -> list[Changed]:
    """Apply changes in their order; one that cannot be made holds up no other."""
    products = _lock_products(tenant, {change.product_id for change in changes})
    before = {product.product_id: product.metadata for product in products.values()}
    kept = kept_attributes(tenant, {change.product_id for change in changes if change.replaces})
    done = [
        _apply(tenant, products.get(change.product_id), change, kept.get(change.product_id, {})) for change in changes
    ]
    different = [product for product in products.values() if not same(before[product.product_id], product.metadata)]
    if different:
        _color(different, before)
        _write(different)
        record_events(tenant, EventType.PRODUCT_UPDATED, (_event(p, before[p.product_id]) for p in different))
    return done


def _lock_products(tenant: Tenant, product_ids: set[str]) -> dict[str, Product]:
    # By primary key, as whoever else locks several products does: no two then wait for each other.
    rows = tenant.products.select_for_update().filter(product_id__in=product_ids).order_by("pk")
    rows = rows.only("tenant", "product_id", "metadata", "colors", "image_urls", "updated_at", "sent_at", "patched")
    return {product.product_id: product for product in rows}


def _apply(tenant: Tenant, product: Product | None, change: MetadataChange, kept: Mapping[str, Any]) -> Changed:
    if product is None:
        return Changed(error=IndexingError("not_found", "There is no product with this id."))
    replaced = with_kept(change.metadata, kept) if change.replaces else None
    metadata = merge_patch(product.metadata, change.metadata) if replaced is None else replaced
    if same(product.metadata, metadata):
        return Changed()
    since = change.unless_changed_since
    if since is not None and product.sent_at is not None and product.sent_at > since:
        message = "This product was changed by another request after the feed was compared; that is left as it is."
        return Changed(error=IndexingError("changed_meanwhile", message))
    try:
        require_few_keys(metadata)
        promote(metadata)
    except exceptions.ValidationError as error:
        return Changed(error=IndexingError(NOT_WELL_FORMED, sentence({"metadata": error.detail})))
    # What else is amiss with a product holds up no change of price.
    keys = None if change.replaces else change.metadata
    if (misfit := find_metadata_misfit(tenant, metadata, keys=keys)) is not None:
        return Changed(error=MetadataError(misfit))
    changed = [*product.metadata, *metadata] if change.replaces else change.metadata
    for name, value in columns_of_patch(product, changed, since or timezone.now()).items():
        setattr(product, name, value)
    product.metadata = metadata
    return Changed(is_different=True)


def _color(products: Sequence[Product], before: Mapping[str, Mapping[str, Any]]) -> None:
    """Name the colours anew of those products whose own word for theirs has changed."""
    renamed = [p for p in products if color_words(p.metadata, ()) != color_words(before[p.product_id], ())]
    covers = {
        image.product_id: image
        for image in ProductImage.objects.filter(product__in=renamed)
        .order_by("product", "position")
        .distinct("product")
    }
    for product in renamed:
        cover = covers.get(product.pk)
        product.colors = color_words(product.metadata, seen_colors(cover) if cover else [])


def _write(products: Sequence[Product]) -> None:
    now = timezone.now()
    rows = []
    for product in products:
        assert product.sent_at is not None  # it came with what has changed
        product.updated_at = now
        columns = promote(product.metadata)
        price = columns["price"]
        rows.append(
            {"pk": product.pk, "metadata": product.metadata, "colors": product.colors}
            | {"sent_at": product.sent_at.isoformat(), "patched": product.patched}
            | columns
            | {"price": None if price is None else str(price)}
        )
    with connection.cursor() as cursor:
        cursor.execute(_UPDATE, [now, json.dumps(rows)])


def _event(product: Product, before: Mapping[str, Any]) -> dict[str, Any]:
    url = next(iter(product.image_urls), "")
    changes = metadata_changes(before, product.metadata)
    return updated_data(product.product_id, changes, url, url, product.updated_at)
