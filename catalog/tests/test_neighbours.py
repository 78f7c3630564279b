"""The vector query against brute force in numpy, on both of its ways."""

import numpy as np
import pytest
from django.db import connection

from catalog.filters import All, category_is, color_is, price_between
from catalog.models import Embedding, Encoder, Product, ProductImage, VectorIndex
from catalog.neighbours import find_nearest
from catalog.vector_index import build_missing_indexes
from conftest import create_tenant

DIMENSIONS = 32
ROWS = 600


@pytest.fixture
def encoder(db):
    return Encoder.objects.create(name="test", dimensions=DIMENSIONS)


def add_products(tenant, encoder, rows=ROWS, *, views=2, seed=0):
    """Store products with random unit vectors; every tenth is red, prices run from 0; return (vectors, owners)."""
    rng = np.random.default_rng(seed)
    products = Product.objects.bulk_create(
        Product(
            tenant=tenant,
            product_id=f"p{n}",
            image_urls=[""],
            status="indexed",
            price=n,
            category="Shoes" if n % 2 else "bags",
            colors=["red"] if n % 10 == 0 else ["blue"],
        )
        for n in range(rows)
    )
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
        for position in range(views)
    )
    vectors = rng.normal(size=(len(images), DIMENSIONS)).astype(np.float16).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    Embedding.objects.bulk_create(
        Embedding(tenant=tenant, product=image.product, image=image, encoder=encoder, vector=vector)
        for image, vector in zip(images, vectors, strict=True)
    )
    return vectors, np.array([image.product_id for image in images])


def brute_force(vectors, owners, query, allowed=None):
    """Return the product rows by their best view, best first."""
    similarity = vectors.astype(np.float16).astype(np.float32) @ query.astype(np.float16).astype(np.float32)
    best: dict[int, float] = {}
    for row in np.argsort(-similarity):
        if allowed is None or owners[row] in allowed:
            best.setdefault(int(owners[row]), float(similarity[row]))
    return best


def assert_same(found, expected, limit):
    """The same similarities in order, and each product's own; products as good as equal may change places."""
    assert [neighbour.similarity for neighbour in found] == pytest.approx(list(expected.values())[:limit], abs=1e-4)
    own = [expected[neighbour.product_pk] for neighbour in found]
    assert [neighbour.similarity for neighbour in found] == pytest.approx(own, abs=1e-4)


@pytest.mark.parametrize("limit", [1, 10, 250])
def test_exact_search_agrees_with_numpy(tenant, encoder, limit):
    vectors, owners = add_products(tenant, encoder)
    query = np.random.default_rng(7).normal(size=DIMENSIONS).astype(np.float32)
    query /= np.linalg.norm(query)
    found = find_nearest(tenant, encoder, query, filters=All(), limit=limit)
    assert_same(found, brute_force(vectors, owners, query), limit)


@pytest.mark.parametrize(
    ("filters", "is_allowed"),
    [
        (category_is("SHOES"), lambda p: p.category == "Shoes"),
        (price_between(100, 130), lambda p: 100 <= p.price <= 130),
        (color_is("red"), lambda p: "red" in p.colors),
        (All((color_is("#ff0000"), category_is("bags"))), lambda p: "red" in p.colors and p.category == "bags"),
        (price_between(10_000, None), lambda p: False),
    ],
)
def test_filtered_search_agrees_with_numpy(tenant, encoder, filters, is_allowed):
    vectors, owners = add_products(tenant, encoder)
    allowed = {product.pk for product in Product.objects.all() if is_allowed(product)}
    query = vectors[3]
    found = find_nearest(tenant, encoder, query, filters=filters, limit=20)
    assert_same(found, brute_force(vectors, owners, query, allowed), 20)


def test_other_tenants_and_encoders_are_never_met(tenant, encoder):
    vectors, _ = add_products(tenant, encoder)
    other = create_tenant("Other")
    add_products(other, encoder, 50, seed=1)
    new_encoder = Encoder.objects.create(name="new", dimensions=DIMENSIONS)
    found = find_nearest(other, encoder, vectors[0], filters=All(), limit=100)
    assert {n.product_pk for n in found} == set(other.products.values_list("pk", flat=True))
    assert find_nearest(tenant, new_encoder, vectors[0], filters=All(), limit=10) == []


@pytest.fixture
def indexed(transactional_db, settings):
    """A tenant large enough for an index of its own, and the index, beside a small tenant."""
    settings.EXACT_SEARCH_ROWS = 300
    encoder = Encoder.objects.create(name="test", dimensions=DIMENSIONS, state=Encoder.State.SERVING)
    tenant, small = create_tenant("Large"), create_tenant("Small")
    vectors, owners = add_products(tenant, encoder)
    add_products(small, encoder, 30, seed=1)
    built = build_missing_indexes()
    yield tenant, encoder, vectors, owners
    with connection.cursor() as cursor:
        for index in built:
            cursor.execute(f"DROP INDEX {index.name}")


def test_only_a_large_tenant_gets_an_index_and_only_once(indexed):
    tenant, encoder, *_ = indexed
    assert list(VectorIndex.objects.values_list("tenant", "encoder", "rows")) == [(tenant.pk, encoder.pk, 1_200)]
    assert build_missing_indexes() == []


def test_indexed_search_agrees_with_numpy(indexed):
    tenant, encoder, vectors, owners = indexed
    hits = total = 0
    for query in vectors[:20]:
        expected = list(brute_force(vectors, owners, query))[:10]
        found = find_nearest(tenant, encoder, query, filters=All(), limit=10)
        assert len(found) == 10
        hits += len({n.product_pk for n in found} & set(expected))
        total += 10
    assert hits / total >= 0.98


@pytest.mark.parametrize("limit", [50, 600])
def test_an_indexed_page_is_never_short(indexed, limit):
    tenant, encoder, vectors, _ = indexed
    assert len(find_nearest(tenant, encoder, vectors[0], filters=All(), limit=limit)) == limit
    reds = find_nearest(tenant, encoder, vectors[0], filters=color_is("red"), limit=limit)
    assert len(reds) == min(limit, 60)


def test_an_indexed_search_with_a_wide_filter_agrees_with_numpy(indexed):
    tenant, encoder, vectors, owners = indexed
    allowed = set(tenant.products.filter(category="Shoes").values_list("pk", flat=True))
    expected = list(brute_force(vectors, owners, vectors[5], allowed))[:20]
    found = find_nearest(tenant, encoder, vectors[5], filters=category_is("shoes"), limit=20)
    assert len({n.product_pk for n in found} & set(expected)) >= 19
