"""The one vector query: which of a tenant's products are nearest to a vector.

Small sets are compared exactly. A tenant with more than EXACT_SEARCH_ROWS vectors gets an HNSW index of its own
(Malkov & Yashunin 2016). It is walked from the nearest picture on until the page is full; where it runs dry, or after
FARTHEST pictures, the exact comparison takes over, so that no page is ever short. Of a filter that leaves few rows by
the planner's estimate these are compared exactly at once.

The index may miss a product that the comparison finds. So that pages fit together all the same, a search looks at
certain depths only, and what a shallow search has found keeps its places in a deeper one.
"""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Min, Q, QuerySet
from django.db.models.functions import Least
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.django import CosineDistance

from accounts.models import Tenant
from accounts.revisions import until_changed
from catalog.filters import Filter
from catalog.models import Embedding, Encoder, Product, VectorIndex

# How many products a search looks for at first, which is what is ranked, and how many times more if it must go deeper:
# that is enough for the last page.
FIRST_DEPTH = 100
DEEPENING = 15
# Of a product's several views only the best one counts. For each product wanted so many more pictures are taken from
# the index than products have on average.
SPARE_VIEWS = 0.5
# The index is walked no farther than so many pictures: some 10 microseconds each, three times what one costs that is
# compared exactly.
FARTHEST = 5_000
# A filter that leaves no more rows is answered soonest by comparing them: to find a hundred of so many among 100,000,
# 2,000 pictures have to be walked past.
FEW_ROWS = 5_000


@dataclass(frozen=True)
class Neighbour:
    """A product (by its row) and the cosine similarity of its best picture, -1 to 1."""

    product_pk: int
    similarity: float


def find_nearest(
    tenant: Tenant, encoder: Encoder, vector: NDArray[np.float32], *, filters: Filter, limit: int
) -> list[Neighbour]:
    """Return the `limit` nearest products, best first but for some that the index has missed at a lesser depth.

    They are fewer only when no more pass the filters.
    """
    rows = Embedding.objects.filter(filters.to_q("product__"), tenant=tenant, encoder=encoder)
    views = views_indexed(tenant).get(encoder.pk)
    if views is None or (filters and _estimate(rows) <= FEW_ROWS):
        return _compare_all(rows, vector, limit)
    found: list[Neighbour] = []
    depth = FIRST_DEPTH
    while True:
        found = _continued(found, _walk_index(tenant, encoder, vector, filters, limit=depth, views=views))[:depth]
        if len(found) >= limit:
            return found[:limit]
        if len(found) < depth:
            return _continued(found, _compare_all(rows, vector, limit))[:limit]
        depth *= DEEPENING


def find_among(
    tenant: Tenant,
    encoder: Encoder,
    vectors: Sequence[NDArray[np.float32]],
    product_ids: Collection[str],
    *,
    filters: Filter,
) -> dict[str, Neighbour]:
    """Return those of these products that pass the filters, by their product_id, each by the vector nearest to it."""
    if not product_ids:
        return {}
    rows = Embedding.objects.filter(
        filters.to_q("product__"), tenant=tenant, encoder=encoder, product__product_id__in=product_ids
    )
    distances = [CosineDistance("vector", HalfVector(vector)) for vector in vectors]
    nearest = Least(*distances) if len(distances) > 1 else distances[0]
    found = rows.values("product_id", "product__product_id").annotate(distance=Min(nearest))
    return {row["product__product_id"]: Neighbour(row["product_id"], 1 - row["distance"]) for row in found}


def products_within(
    tenant: Tenant, encoder: Encoder, vectors: Sequence[NDArray[np.float32]], *, filters: Filter, threshold: float
) -> QuerySet[Product]:
    """Return all products that pass the filters and are at least so similar, 0..1, to one of the vectors."""
    rows = Embedding.objects.filter(tenant=tenant, encoder=encoder)
    if threshold > 0:
        near = Q()
        for number, vector in enumerate(vectors):
            rows = rows.alias(**{f"distance_{number}": CosineDistance("vector", HalfVector(vector))})
            near |= Q(**{f"distance_{number}__lte": 1 - threshold})
        rows = rows.filter(near)
    return Product.objects.filter(filters.to_q(), tenant=tenant, pk__in=rows.values("product_id"))


@until_changed
def views_indexed(tenant: Tenant) -> Mapping[int, float]:
    """Return of which encoders, by their rows, a tenant has an index, and how many pictures a product has in each."""
    indexes = dict(VectorIndex.objects.filter(tenant=tenant).values_list("encoder", "rows"))
    products = tenant.products.count() if indexes else 0
    return {encoder: max(1.0, rows / max(1, products)) for encoder, rows in indexes.items()}


def _estimate(rows: QuerySet[Embedding]) -> int:
    """Return how many rows the planner expects, from statistics alone."""
    explained = rows.values("pk").explain(format="json")
    # Django does not ask where a filter cannot be met.
    return int(json.loads(explained)[0]["Plan"]["Plan Rows"]) if explained else 0


def _continued(found: list[Neighbour], others: list[Neighbour]) -> list[Neighbour]:
    known = {neighbour.product_pk for neighbour in found}
    return [*found, *(neighbour for neighbour in others if neighbour.product_pk not in known)]


def _compare_all(rows: QuerySet[Embedding], vector: NDArray[np.float32], limit: int) -> list[Neighbour]:
    nearest = (
        rows.values("product_id")
        .annotate(distance=Min(CosineDistance("vector", HalfVector(vector))))
        .order_by("distance", "product_id")
    )
    return [Neighbour(row["product_id"], 1 - row["distance"]) for row in nearest[:limit]]


def _walk_index(
    tenant: Tenant, encoder: Encoder, vector: NDArray[np.float32], filters: Filter, *, limit: int, views: float
) -> list[Neighbour]:
    depth = math.ceil(limit * (views + SPARE_VIEWS))
    while True:
        pictures = _walk(tenant, encoder, vector, filters, depth)
        best: dict[int, float] = {}
        for product_pk, distance in pictures:
            best.setdefault(product_pk, distance)
        if len(best) >= limit or len(pictures) < depth:
            return [Neighbour(product_pk, 1 - distance) for product_pk, distance in [*best.items()][:limit]]
        depth *= 2


def _walk(
    tenant: Tenant, encoder: Encoder, vector: NDArray[np.float32], filters: Filter, depth: int
) -> list[tuple[int, float]]:
    """Return product and distance of the `depth` nearest pictures that pass, as far as the index is walked.

    The walk is a query by itself, so that no estimate of the filters leads the planner off the index. Tenant, encoder
    and the cast are those of the index.
    """
    halfvec = f"halfvec({encoder.dimensions})"
    walk = f"""
        SELECT product_id, vector::{halfvec} <=> %s::{halfvec} AS distance FROM catalog_embedding
        WHERE tenant_id = {tenant.pk} AND encoder_id = {encoder.pk} ORDER BY distance LIMIT {FARTHEST}
    """  # noqa: S608
    passing, parameters = "", tuple[Any, ...]()
    if filters:
        products, parameters = Product.objects.filter(filters.to_q()).values("pk").query.sql_with_params()
        passing = f"WHERE product_id IN ({products})"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT product_id, distance FROM ({walk}) AS walk {passing} ORDER BY distance LIMIT {depth}",  # noqa: S608
            (HalfVector(vector).to_text(), *parameters),
        )
        pictures: list[tuple[int, float]] = cursor.fetchall()
    return pictures
