"""Search by colour: which of a tenant's products have a colour near to one in sRGB."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet
from pgvector.django import L2Distance

from accounts.models import Tenant
from catalog.filters import Filter
from catalog.models import Product, ProductColor

# From black to white, some 441.67.
MAX_DISTANCE = math.sqrt(3 * 255**2)
# About as far apart as red and orange, or blue and purple, as `vision.palette` has them.
EVEN_DISTANCE = 80
# A palette colour with a smaller share is a detail that nobody would search the product by.
MIN_COLOR_SHARE = 0.15
# More colours of such a share no palette has room for.
MAX_MAIN_COLORS = math.floor(1 / MIN_COLOR_SHARE)


def find_by_color(
    tenant: Tenant, rgb: tuple[int, int, int], *, max_distance: float, filters: Filter, limit: int, offset: int = 0
) -> list[tuple[int, float]]:
    """Return products by their rows and how far they are from a colour, the nearest first, ties by row.

    `rgb` and distances are in sRGB, 0..255 and 0..MAX_DISTANCE. A product counts by the nearest of its main colours.
    """
    end = offset + limit
    rows = (
        ProductColor.objects.filter(filters.to_q("product__"), tenant=tenant)
        .annotate(distance=L2Distance("rgb", list(rgb)))
        .order_by("distance", "product_id")
        .values_list("product_id", "distance")
    )
    nearest: dict[int, float] = {}
    # Grouped here: the database is twice as quick when it need only keep the nearest rows.
    for product_pk, distance in rows[: end * MAX_MAIN_COLORS]:
        if distance <= max_distance:
            nearest.setdefault(product_pk, distance)
    return list(nearest.items())[offset:end]


def products_of_color(
    tenant: Tenant, rgb: tuple[int, int, int], max_distance: float, *, filters: Filter
) -> QuerySet[Product]:
    """Return the products that pass the filters and have a main colour that is so near, in no order."""
    near = ProductColor.objects.filter(tenant=tenant).alias(distance=L2Distance("rgb", list(rgb)))
    near = near.filter(distance__lte=max_distance)
    return Product.objects.filter(filters.to_q(), tenant=tenant, pk__in=near.values("product_id"))


def similarity_of(distance: float) -> float:
    """Return how alike two colours are so far apart, 0..1."""
    return 1 - distance / MAX_DISTANCE


def distance_of(similarity: float) -> float:
    """Return how far apart two colours are that are so alike, 0..MAX_DISTANCE."""
    return (1 - similarity) * MAX_DISTANCE


def relevance_of(similarity: float) -> float:
    """Return the chance, 0..1, that a colour so alike is what was meant: an even one at EVEN_DISTANCE."""
    return 1 / (1 + (distance_of(similarity) / EVEN_DISTANCE) ** 2)


def record_colors(product: Product, palette: Sequence[dict[str, Any]]) -> None:
    """Keep the main colours of a stored palette as those that a product is found by; nothing is written twice."""
    stored = [(list(color.rgb), color.share) for color in product.product_colors.order_by("pk")]
    if stored != _main_colors(palette):
        product.product_colors.all().delete()
        add_colors([(product, palette)])


def add_colors(palettes: Iterable[tuple[Product, Sequence[dict[str, Any]]]]) -> None:
    """Let products that have no colours yet be found by the main ones of their stored palettes."""
    ProductColor.objects.bulk_create(
        ProductColor(tenant_id=product.tenant_id, product=product, rgb=rgb, share=share)
        for product, palette in palettes
        for rgb, share in _main_colors(palette)
    )


def _main_colors(palette: Sequence[dict[str, Any]]) -> list[tuple[list[int], float]]:
    return [
        (list(bytes.fromhex(swatch["hex"][1:])), swatch["share"])
        for swatch in palette
        if swatch["share"] >= MIN_COLOR_SHARE
    ]
