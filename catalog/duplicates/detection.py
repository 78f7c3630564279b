"""Telling of a new cover that the catalogue has nearly the same of already, while its product is indexed.

Groups are found by scans; this makes an event, and nothing at all for a tenant that does not listen to it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from accounts.models import Tenant
from accounts.webhooks.events import EventType, listeners, record_event, timestamp
from catalog.encoder_heads import heads_of
from catalog.encoders import encoder_row
from catalog.filters import All
from catalog.models import Product
from catalog.neighbours import Neighbour, find_nearest
from catalog.vision.encoder import Encoder
from catalog.vision.near_duplicates import NEAR, Scale

# Of the nearest so many are looked at: the product itself, as it was, and its variants may be nearer than what is told.
NEAREST = 20


@dataclass(frozen=True)
class NewCover:
    """A product with a cover that it did not have before: its unit vector, float32 (dimensions,).

    `parent_id` is what the product is a variant of, "" for one by itself, and None if that stays as it was.
    """

    product_id: str
    parent_id: str | None
    vector: NDArray[np.float32]


@dataclass(frozen=True)
class Twin:
    """The product that a new cover is nearly the same as, by its id, and the similarity, 0 to 1."""

    product_id: str
    similarity: float


def find_twins(tenant: Tenant, encoder: Encoder, covers: Sequence[NewCover]) -> dict[str, Twin]:
    """Return, by product_id, what products of a batch are near-duplicates of: of the catalogue, or before them.

    It costs a vector query for each; nothing where nobody listens.
    """
    if EventType.PRODUCT_DUPLICATE not in listeners(tenant):
        return {}
    scale = heads_of(encoder).duplicates
    twins = {}
    for number, cover in enumerate(covers):
        stored = _stored_twins(tenant, encoder, scale, cover)
        nearest = max([*stored, *_twins_of_batch(scale, cover, covers[:number])], key=_by_similarity, default=None)
        if nearest is not None:
            twins[cover.product_id] = nearest
    return twins


def record_twin(tenant: Tenant, product: Product, twin: Twin, at: datetime) -> None:
    """Tell that a product which this transaction stores is a near-duplicate of another, if that is still there."""
    existing = tenant.products.filter(product_id=twin.product_id, status=Product.Status.INDEXED).first()
    if existing is None:
        return
    data = {
        "new_product_id": product.product_id,
        "existing_product_id": existing.product_id,
        "similarity_score": round(twin.similarity, 4),
        "new_image_url": product.image_urls[0],
        "existing_image_url": existing.image_urls[0],
        "detected_at": timestamp(at),
    }
    record_event(tenant, EventType.PRODUCT_DUPLICATE, data)


def _stored_twins(tenant: Tenant, encoder: Encoder, scale: Scale, cover: NewCover) -> Iterator[Twin]:
    found = find_nearest(tenant, encoder_row(encoder), cover.vector, filters=All(()), limit=NEAREST)
    near = {neighbour.product_pk: similarity for neighbour, similarity in _near(scale, found)}
    if not near:
        return
    rows = tenant.products.filter(pk__in=near).values_list("pk", "product_id", "parent_id")
    own = _family_of(tenant, cover)
    for pk, product_id, parent_id in rows:
        if product_id != cover.product_id and (parent_id or product_id) != own:
            yield Twin(product_id, near[pk])


def _near(scale: Scale, found: Sequence[Neighbour]) -> Iterator[tuple[Neighbour, float]]:
    for neighbour in found:
        similarity = scale.similarity(neighbour.similarity)
        if similarity > NEAR:
            yield neighbour, similarity


def _family_of(tenant: Tenant, cover: NewCover) -> str:
    parent_id = cover.parent_id
    if parent_id is None:
        stored = tenant.products.filter(product_id=cover.product_id).values_list("parent_id", flat=True)
        parent_id = stored.first() or ""
    return parent_id or cover.product_id


def _twins_of_batch(scale: Scale, cover: NewCover, earlier: Sequence[NewCover]) -> Iterator[Twin]:
    """Yield products that are indexed together with this one, and before it."""
    own = cover.parent_id or cover.product_id
    for other in earlier:
        similarity = scale.similarity(float(cover.vector @ other.vector))
        if similarity > NEAR and (other.parent_id or other.product_id) != own and other.product_id != cover.product_id:
            yield Twin(other.product_id, similarity)


def _by_similarity(twin: Twin) -> float:
    return twin.similarity
