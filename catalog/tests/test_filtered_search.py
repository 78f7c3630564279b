"""Filtered searches against brute force in numpy: any filter, on both sides of EXACT_SEARCH_ROWS."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from random import Random

import numpy as np
import pytest
from django.db import connection

from catalog import neighbours
from catalog.filters import (
    BRAND,
    CATEGORY,
    COLOR,
    IN_STOCK,
    PRICE,
    PRODUCT_ID,
    All,
    AnyOf,
    Condition,
    Field,
    Filter,
    Not,
    Operator,
    Type,
)
from catalog.models import Embedding, Encoder, Product, ProductImage
from catalog.neighbours import find_nearest
from catalog.vector_index import build_missing_indexes
from conftest import create_tenant

DIMENSIONS = 32
EXACT_ROWS = 400
CATEGORIES, BRANDS, COLORS = ("Shoes", "bags", "Hats"), ("Kestrel", "Tern", "Heron", "Wren"), ("red", "blue", "green")
MATERIALS, SIZES = ("wool", "silk", "linen", "felt", "cork"), ("S", "M", "L", "XL")
MATERIAL, RATING = Field("material", Type.STRING), Field("rating", Type.NUMBER)
SIZE, DAY = Field("sizes", Type.STRINGS), Field("day", Type.STRING)

# A filter, and whether a product meets it as Python sees it.
Wanted = tuple[Filter, Callable[[Product], bool]]


@dataclass(frozen=True)
class Shop:
    """A tenant with its vectors, float32 (n, dimensions), and the row of the product that each belongs to."""

    products: list[Product]
    vectors: np.ndarray
    owners: np.ndarray
    encoder: Encoder

    def nearest(self, query, is_met):
        """Return the rows of the products that meet a condition, the nearest first."""
        allowed = [product.pk for product in self.products if is_met(product)]
        best: dict[int, float] = {}
        rows = np.flatnonzero(np.isin(self.owners, allowed))
        for row in rows[np.argsort(-(self.vectors[rows] @ query))]:
            best.setdefault(int(self.owners[row]), float(self.vectors[row] @ query))
        return best


@pytest.fixture
def open_shop(transactional_db, settings):
    """Open a shop of so many products, one or two pictures of each, beside another; it has an index if it is large."""
    settings.EXACT_SEARCH_ROWS = EXACT_ROWS
    encoder = Encoder.objects.create(name="test", dimensions=DIMENSIONS, state=Encoder.State.SERVING)
    built = []

    def run(rows: int) -> Shop:
        other, tenant = create_tenant("Other"), create_tenant("Shop")
        fill(other, encoder, 30, Random(1))
        shop = fill(tenant, encoder, rows, Random(rows))
        built.extend(build_missing_indexes())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        return shop

    yield run
    with connection.cursor() as cursor:
        for index in built:
            cursor.execute(f"DROP INDEX {index.name}")


def fill(tenant, encoder, rows, lot) -> Shop:
    products = Product.objects.bulk_create(random_product(tenant, number, lot) for number in range(rows))
    images = ProductImage.objects.bulk_create(
        ProductImage(
            tenant=tenant,
            product=product,
            position=position,
            sha256="0" * 64,
            width=1,
            height=1,
            thumbnail="x",
            palette=[],
            shape={},
            quality={},
            product_type="",
            product_type_confidence=0,
        )
        for product in products
        for position in range(lot.choice([1, 2]))
    )
    # Halves on both sides, so that numpy compares what the database does.
    vectors = np.random.default_rng(rows).normal(size=(len(images), DIMENSIONS))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16).astype(np.float32)
    Embedding.objects.bulk_create(
        Embedding(tenant=tenant, product=image.product, image=image, encoder=encoder, vector=vector)
        for image, vector in zip(images, vectors, strict=True)
    )
    return Shop(products, vectors, np.array([image.product_id for image in images]), encoder)


def random_product(tenant, number, lot) -> Product:
    metadata = {"rating": lot.randrange(0, 51) / 10, "sizes": lot.sample(SIZES, lot.randrange(3))}
    if lot.random() < 0.8:
        metadata["material"] = lot.choice(MATERIALS)
    return Product(
        tenant=tenant,
        product_id=f"p{number}",
        image_urls=[""],
        status="indexed",
        price=lot.choice([None, lot.randrange(500)]),
        category=lot.choice(CATEGORIES),
        brand=lot.choice(["", *BRANDS]),
        colors=lot.sample(COLORS, lot.randrange(3)),
        in_stock=lot.random() < 0.9,
        metadata=metadata,
    )


def random_filter(lot: Random, depth: int = 2) -> Wanted:
    if depth and lot.random() < 0.5:
        return random_combination(lot, depth)
    number, limit = lot.randrange(500), lot.randrange(51) / 10
    some = tuple(lot.sample(BRANDS, 2))
    category, color, material, size = (lot.choice(values) for values in (CATEGORIES, COLORS, MATERIALS, SIZES))
    conditions: list[Wanted] = [
        (Condition(CATEGORY, Operator.IN, (category.upper(),)), lambda p: p.category == category),
        (Condition(BRAND, Operator.IN, some), lambda p: p.brand in some),
        (Condition(BRAND, Operator.EXISTS), lambda p: p.brand != ""),
        (Condition(PRICE, Operator.LT, Decimal(number)), lambda p: p.price is not None and p.price < number),
        (Condition(PRICE, Operator.GTE, Decimal(number)), lambda p: p.price is not None and p.price >= number),
        (Condition(IN_STOCK, Operator.IN, (True,)), lambda p: p.in_stock),
        (Condition(COLOR, Operator.IN, (color,)), lambda p: color in p.colors),
        (Condition(PRODUCT_ID, Operator.IN, (f"p{number}",)), lambda p: p.product_id == f"p{number}"),
        (Condition(MATERIAL, Operator.IN, (material,)), lambda p: p.metadata.get("material") == material),
        (Condition(MATERIAL, Operator.EXISTS), lambda p: "material" in p.metadata),
        (Condition(RATING, Operator.GT, Decimal(str(limit))), lambda p: p.metadata["rating"] > limit),
        (Condition(SIZE, Operator.IN, (size,)), lambda p: size in p.metadata["sizes"]),
        (Condition(DAY, Operator.EXISTS), lambda p: False),
    ]
    return lot.choice(conditions)


def random_combination(lot: Random, depth: int) -> Wanted:
    parts = [random_filter(lot, depth - 1) for _ in range(lot.randrange(4))]
    filters, are_met = tuple(part for part, _ in parts), [is_met for _, is_met in parts]
    match lot.choice(["all", "any", "not"]):
        case "any" if parts:
            return AnyOf(filters), lambda p: any(is_met(p) for is_met in are_met)
        case "not":
            return Not(All(filters)), lambda p: not all(is_met(p) for is_met in are_met)
    return All(filters), lambda p: all(is_met(p) for is_met in are_met)


# One or two pictures each: the second shop has just too few for an index, the third enough.
@pytest.mark.parametrize("rows", [40, 250, 300, 1_500])
# Comparing at once or walking first, whatever the filter leaves, and walking until the page is full or not so far.
@pytest.mark.parametrize(("few_rows", "farthest"), [(100, 5_000), (0, 5_000), (0, 200)])
def test_any_filter_finds_what_numpy_finds(open_shop, monkeypatch, rows, few_rows, farthest):
    monkeypatch.setattr(neighbours, "FEW_ROWS", few_rows)
    monkeypatch.setattr(neighbours, "FARTHEST", farthest)
    shop, lot, random = open_shop(rows), Random(rows), np.random.default_rng(rows)
    tenant = shop.products[0].tenant
    found_of_best = best_of_all = 0
    for _ in range(60):
        filters, is_met = random_filter(lot)
        query = random.normal(size=DIMENSIONS).astype(np.float16).astype(np.float32)
        query /= np.linalg.norm(query)
        limit = lot.choice([1, 10, 100, 250])
        expected = shop.nearest(query, is_met)
        found = find_nearest(tenant, shop.encoder, query, filters=filters, limit=limit)
        rows_found = [neighbour.product_pk for neighbour in found]
        assert len(set(rows_found)) == len(found) == min(limit, len(expected)), filters
        assert [n.similarity for n in found] == pytest.approx([expected[pk] for pk in rows_found], abs=2e-3)
        # Pages fit on: what a shallower search has found comes first, in the same order.
        shallow = find_nearest(tenant, shop.encoder, query, filters=filters, limit=max(1, limit // 2))
        assert [n.product_pk for n in shallow] == rows_found[: len(shallow)], filters
        found_of_best += len(set(rows_found) & set(list(expected)[:limit]))
        best_of_all += len(found)
    assert best_of_all > 500
    assert found_of_best / best_of_all >= 0.98


def test_a_walk_is_one_query_and_a_filtered_one_two(open_shop, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(neighbours, "FEW_ROWS", 0)
    shop = open_shop(600)
    tenant = shop.products[0].tenant
    find_nearest(tenant, shop.encoder, shop.vectors[0], filters=All(), limit=100)  # reads which indexes there are
    with django_assert_num_queries(1):
        find_nearest(tenant, shop.encoder, shop.vectors[0], filters=All(), limit=100)
    with django_assert_num_queries(2):
        in_stock = Condition(IN_STOCK, Operator.IN, (True,))
        find_nearest(tenant, shop.encoder, shop.vectors[0], filters=in_stock, limit=100)
