"""A large catalogue without pictures: complete rows with synthetic vectors, loaded in bulk."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from accounts.models import Tenant
from catalog.demo.pictures import COLORS, KINDS
from catalog.models import Embedding, Encoder, Product, ProductImage

# The length of the noise on a vector of length 1: two neighbours in a cluster have a cosine of about 0.8, as
# two pictures of one kind of thing.
NOISE = 0.5
BATCH = 2_000

Vectors = NDArray[np.float16]


def load_catalogue(tenant: Tenant, encoder: Encoder, centres: NDArray[np.float32], rows: int) -> Vectors:
    """Give a tenant `rows` products with vectors around the centres; return the vectors in the order of ids.

    `centres` is float32 (n, dimensions), the result float16 (rows, dimensions), both of unit rows.
    """
    vectors = _scatter(centres, rows)
    products = _load_products(tenant, rows)
    images = _load_images(tenant, products)
    _load_embeddings(tenant, encoder, images, vectors)
    # Autovacuum would do it within a minute, amid the measurements.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return vectors


def _scatter(centres: NDArray[np.float32], rows: int) -> Vectors:
    random = np.random.default_rng(rows)
    dimensions = centres.shape[1]
    noise = random.standard_normal((rows, dimensions), dtype=np.float32) * (NOISE / np.sqrt(dimensions))
    points = centres[random.integers(len(centres), size=rows)] + noise
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    vectors: Vectors = points.astype(np.float16)
    return vectors


def _load_products(tenant: Tenant, rows: int) -> list[Product]:
    now = datetime.now(UTC)
    return Product.objects.bulk_create(
        (_product(tenant, number, now) for number in range(rows)), batch_size=BATCH
    )


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


def _load_embeddings(
    tenant: Tenant, encoder: Encoder, images: Sequence[ProductImage], vectors: Vectors
) -> None:
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
