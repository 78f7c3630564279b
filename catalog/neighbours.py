"""The one vector query: which of a tenant's products are nearest to a vector.

Small sets are compared exactly. A tenant with more than EXACT_SEARCH_ROWS vectors gets an HNSW index of its own
(Malkov & Yashunin 2016); it is walked by pgvector's iterative scan until the page is full, and where it runs dry the
exact comparison takes over, so that no page is ever short. A filter that leaves few rows is answered exactly at once.
"""

from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import Min, QuerySet
from django.db.models.functions import Cast
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import CosineDistance, HalfVectorField

from accounts.models import Tenant
from catalog.filters import Filters
from catalog.models import Embedding, Encoder, VectorIndex

# Pictures to take from the index for each product wanted: of a product's several views only the best one counts.
OVERSAMPLING = 3


@dataclass(frozen=True)
class Neighbour:
    """A product (by its row) and the cosine similarity of its best picture, -1 to 1."""

    product_pk: int
    similarity: float


def find_nearest(
    tenant: Tenant, encoder: Encoder, vector: NDArray[np.float32], *, filters: Filters, limit: int
) -> list[Neighbour]:
    """Return the `limit` nearest products, best first, ties by row; fewer only when no more pass the filters."""
    rows = Embedding.objects.filter(filters.to_q("product__"), tenant=tenant, encoder=encoder)
    if _is_indexed(tenant, encoder) and not _is_selective(rows, filters):
        found = _walk_index(rows, encoder, vector, limit)
        if len(found) == limit:
            return found
    return _compare_all(rows, vector, limit)


def _is_indexed(tenant: Tenant, encoder: Encoder) -> bool:
    return VectorIndex.objects.filter(tenant=tenant, encoder=encoder).exists()


def _is_selective(rows: QuerySet[Embedding], filters: Filters) -> bool:
    return bool(filters) and rows[: settings.EXACT_SEARCH_ROWS + 1].count() <= settings.EXACT_SEARCH_ROWS


def _compare_all(rows: QuerySet[Embedding], vector: NDArray[np.float32], limit: int) -> list[Neighbour]:
    nearest = (
        rows.values("product_id")
        .annotate(distance=Min(CosineDistance("vector", HalfVector(vector))))
        .order_by("distance", "product_id")
    )
    return [Neighbour(row["product_id"], 1 - row["distance"]) for row in nearest[:limit]]


def _walk_index(
    rows: QuerySet[Embedding], encoder: Encoder, vector: NDArray[np.float32], limit: int
) -> list[Neighbour]:
    # The cast is that of the index; without it the planner would not know the index.
    indexed = Cast("vector", HalfVectorField(dimensions=encoder.dimensions))
    nearest = rows.annotate(distance=CosineDistance(indexed, HalfVector(vector))).order_by("distance")
    depth = limit * OVERSAMPLING
    while True:
        pictures = list(nearest.values_list("product_id", "distance")[:depth])
        best: dict[int, float] = {}
        for product_pk, distance in pictures:
            best.setdefault(product_pk, distance)
        if len(best) >= limit or len(pictures) < depth:
            ordered = sorted(best.items(), key=lambda item: (item[1], item[0]))
            return [Neighbour(product_pk, 1 - distance) for product_pk, distance in ordered[:limit]]
        depth *= 2
