"""A large catalogue without pictures: complete rows with synthetic vectors, loaded in bulk."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from accounts.models import Tenant
from catalog.demo.colors import COLORS
from catalog.demo.drawing import KINDS
from catalog.models import Embedding, Encoder, Product, ProductImage

# How far a product lies from the picture it is derived from, in differences of two pictures. Derived in this way from
# photographs of clothing, the tenth nearest of 10,000 has a cosine of 0.58, and of the photographs themselves 0.56.
SPREAD = 0.6
BATCH = 2_000

Vectors = NDArray[np.float16]


def load_catalogue(tenant: Tenant, encoder: Encoder, seen: NDArray[np.float32], rows: int) -> Vectors:
    """Give a tenant `rows` products with vectors like those of real pictures; return the vectors, by ids.

    `seen` are the pictures' vectors, float32 (n, dimensions); the result is float16 (rows, dimensions), both of
    length 1.
    """
    vectors = _scatter(seen, rows)
    products = _load_products(tenant, rows)
    images = _load_images(tenant, products)
    _load_embeddings(tenant, encoder, images, vectors)
    # Autovacuum would do it within a minute, amid the measurements.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return vectors


def _scatter(seen: NDArray[np.float32], rows: int) -> Vectors:
    """Move each of `rows` pictures, taken at random, as far as two others differ."""
    random = np.random.default_rng(rows)
    centre, one, other = random.integers(len(seen), size=(3, rows))
    points = seen[centre] + SPREAD * (seen[one] - seen[other])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    vectors: Vectors = points.astype(np.float16)
    return vectors


def _load_products(tenant: Tenant, rows: int) -> list[Product]:
    now = datetime.now(UTC)
    return Product.objects.bulk_create((_product(tenant, number, now) for number in range(rows)), batch_size=BATCH)


def _product(tenant: Tenant, number: int, now: datetime) -> Product:
    kind, color = KINDS[number % len(KINDS)], list(COLORS)[number % len(COLORS)]
    price = 5 + number % 200
    metadata = {"name": f"{color} {kind} {number}", "category": kind, "brand": "Bench", "price": price}
    return Product(
        tenant=tenant,
        product_id=f"product-{number:06}",
        image_urls=[f"https://shop.example/{number}.jpg"],
        metadata=metadata,
        **metadata,
        currency="USD",
        colors=[color],
        product_type=kind,
        quality=0.8,
        status=Product.Status.INDEXED,
        indexed_at=now,
    )


def _load_images(tenant: Tenant, products: Sequence[Product]) -> list[ProductImage]:
    images = (
        ProductImage(
            tenant=tenant,
            product=product,
            position=0,
            sha256=f"{product.pk:064x}",
            width=800,
            height=800,
            thumbnail=f"thumbnails/{tenant.pk}/{product.pk}.webp",
            palette=[{"hex": "#2760bd", "share": 1.0, "name": "blue"}],
            shape={"aspect_ratio": 1.0, "fill": 0.5},
            quality={"score": 0.8, "grade": "good"},
            product_type=product.product_type,
            product_type_confidence=0.5,
        )
        for product in products
    )
    return ProductImage.objects.bulk_create(images, batch_size=BATCH)


def _load_embeddings(tenant: Tenant, encoder: Encoder, images: Sequence[ProductImage], vectors: Vectors) -> None:
    connection.ensure_connection()
    register_vector(connection.connection)
    columns = "tenant_id, product_id, image_id, encoder_id, vector"
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {Embedding._meta.db_table} ({columns}) FROM STDIN (FORMAT BINARY)") as copy,
    ):
        copy.set_types(["int8", "int8", "int8", "int8", "halfvec"])
        for image, vector in zip(images, vectors, strict=True):
            copy.write_row((tenant.pk, image.product_id, image.pk, encoder.pk, HalfVector(vector)))
