"""Which version of a product stands: the one that was sent last, whichever is worked on last.

A job waits, is tried again for hours, and meanwhile the shop goes on. So every version has the moment when it was sent,
that of a job's item when the job was created. A product that was sent whole gives way to none that was sent before it.
Metadata that were changed alone, by a PATCH, have a moment for each key: an older whole version changes the rest.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from catalog.attributes.kept import kept_attributes, may_lose, with_kept
from catalog.documents import ProductDocument
from catalog.errors import IndexingError
from catalog.models import Product

SUPERSEDED = IndexingError("superseded", "A newer version of this product came in meanwhile; it stands.")
GONE = IndexingError("not_found", "This product was deleted before its turn came.")


def is_superseded(document: ProductDocument, sent_whole_at: datetime | None) -> bool:
    """Return whether a product was sent whole, then, after this document of it."""
    return document.sent_at is not None and sent_whole_at is not None and document.sent_at < sent_whole_at


def in_place_of(product: Product, document: ProductDocument) -> ProductDocument:
    """Return a document with the metadata that its product shall have, by what was changed since, and accepted."""
    if document.metadata is None:
        return document
    metadata = _with_patches(document.metadata, product.metadata, _later_patches(product, document))
    if may_lose(product.metadata, metadata):
        kept = kept_attributes(product.tenant, [product.product_id])
        metadata = with_kept(metadata, kept.get(product.product_id, {}))
    return replace(document, metadata=metadata)


def columns_of_whole(product: Product, document: ProductDocument) -> dict[str, Any]:
    """Return the columns that tell when what is stored with this document was sent."""
    if document.sent_at is None:
        return {}
    later = _later_patches(product, document)
    return {
        "sent_at": max([document.sent_at, *map(datetime.fromisoformat, later.values())]),
        "sent_whole_at": document.sent_at,
        "patched": later,
    }


def columns_of_patch(product: Product, keys: Iterable[str], at: datetime) -> dict[str, Any]:
    """Return the columns that tell when these keys of a product's metadata were changed."""
    return {"sent_at": at, "patched": product.patched | dict.fromkeys(keys, at.isoformat())}


def _later_patches(product: Product, document: ProductDocument) -> dict[str, str]:
    sent_at = document.sent_at
    if sent_at is None:
        return {}
    return {key: at for key, at in product.patched.items() if datetime.fromisoformat(at) > sent_at}


def _with_patches(sent: Mapping[str, Any], stored: Mapping[str, Any], patched: Iterable[str]) -> dict[str, Any]:
    """Return metadata that were sent, but with what is stored, or is not, of the keys that were changed since."""
    later = set(patched)
    return {key: value for key, value in sent.items() if key not in later} | {
        key: value for key, value in stored.items() if key in later
    }
