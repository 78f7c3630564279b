"""What products of the shop look like, as it is stored: without looking at their pictures again."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from accounts.models import Tenant
from catalog.models import Embedding, Encoder


@dataclass(frozen=True)
class Cover:
    """A product by its cover: its unit vector, float32 (dimensions,), its palette and shape as stored, and its kind."""

    vector: NDArray[np.float32]
    palette: list[dict[str, Any]]
    shape: Mapping[str, Any]
    product_type: str
    category: str


def find_covers(tenant: Tenant, encoder: Encoder, product_ids: Collection[str]) -> dict[str, Cover]:
    """Return the covers of these products by their product_id; one without a picture by this encoder is missing."""
    if not product_ids:
        return {}
    rows = _covers(tenant, encoder, product_ids).values_list(
        "product__product_id",
        "vector",
        "image__palette",
        "image__shape",
        "product__product_type",
        "product__category",
    )
    return {
        product_id: Cover(np.asarray(vector, dtype=np.float32), *described) for product_id, vector, *described in rows
    }


def cover_vectors(tenant: Tenant, encoder: Encoder, product_ids: Collection[str]) -> dict[str, NDArray[np.float32]]:
    """Return the unit vectors, float32 (dimensions,), of the covers of these products, by their product_id."""
    rows = _covers(tenant, encoder, product_ids).values_list("product__product_id", "vector")
    return {product_id: np.asarray(vector, dtype=np.float32) for product_id, vector in rows}


def _covers(tenant: Tenant, encoder: Encoder, product_ids: Collection[str]) -> QuerySet[Embedding]:
    return Embedding.objects.filter(
        tenant=tenant, encoder=encoder, image__position=0, product__product_id__in=product_ids
    )
