"""Large catalogues without pictures: complete rows with synthetic vectors, loaded in bulk."""

from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from pgvector import HalfVector
from pgvector.psycopg import register_vector

from accounts.models import Tenant
from accounts.revisions import bump_revision
from billing.models import Plan, Subscription
from catalog.color_search import MIN_COLOR_SHARE
from catalog.demo.colors import COLORS
from catalog.demo.drawing import KINDS
from catalog.models import CustomField, Embedding, Encoder, Product, ProductColor, ProductImage
from catalog.vision.palette import EXAMPLES, parse_color
from catalog.vision.shape import GRID

# How far a product lies from the picture it is derived from, in differences of two pictures. Derived in this way from
# photographs of clothing, the tenth nearest of 10,000 has a cosine of 0.58, and of the photographs themselves 0.56.
SPREAD = 0.6
BATCH = 2_000

# What the products are told apart by, beside their kinds and colours.
BRANDS = 50
IN_STOCK = 0.9
MATERIALS = ("cotton", "wool", "leather", "linen", "polyester", "silk", "denim", "suede")
SIZES = ("XS", "S", "M", "L", "XL", "XXL")
DECLARED = {
    "material": CustomField.Type.STRING,
    "rating": CustomField.Type.NUMBER,
    "sizes": CustomField.Type.STRINGS,
}
WORDS = ("soft", "light", "warm", "for", "every", "day", "classic", "cut", "made", "to", "last", "with", "pockets")
DESCRIPTION_WORDS = 40
# Of the colours of a palette; two of them are main colours, which a product is found by.
SHARES = (0.5, 0.25, 0.12, 0.08, 0.05)

Vectors = NDArray[np.float16]


def create_tenant(name: str) -> Tenant:
    """Return a new tenant that no limit of a plan holds back."""
    tenant, _ = Tenant.objects.create_tenant(name=name)
    Subscription.objects.create(tenant=tenant, plan=Plan.objects.get(name="enterprise"))
    return tenant


def load_catalogue(tenant: Tenant, encoder: Encoder, seen: NDArray[np.float32], rows: int) -> Vectors:
    """Give a tenant `rows` products with vectors like those of real pictures; return the vectors, by ids.

    `seen` are the pictures' vectors, float32 (n, dimensions); the result is float16 (rows, dimensions), both of
    length 1.
    """
    vectors = _scatter(seen, rows)
    _load(tenant, encoder, vectors)
    _vacuum()
    return vectors


def load_others(tenants: Sequence[Tenant], encoder: Encoder, seen: NDArray[np.float32], rows: int) -> None:
    """Give each of these tenants `rows` products, so that the tables hold more than one shop's."""
    vectors = _scatter(seen, rows)
    for tenant in tenants:
        _load(tenant, encoder, vectors)
    _vacuum()


def product_ids(count: int) -> list[str]:
    """Return the product_ids of the first products of a catalogue."""
    return [_product_id(number) for number in range(count)]


def _product_id(number: int) -> str:
    return f"product-{number:06}"


def _load(tenant: Tenant, encoder: Encoder, vectors: Vectors) -> None:
    CustomField.objects.bulk_create(
        CustomField(tenant=tenant, key=key, display_name=key, type=kind) for key, kind in DECLARED.items()
    )
    bump_revision(tenant)
    products = _load_products(tenant, len(vectors))
    images = _load_images(tenant, products)
    _load_colors(tenant, images)
    _load_embeddings(tenant, encoder, images, vectors)


def _vacuum() -> None:
    # Autovacuum would do it within a minute, amid the measurements.
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


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
    """Return a product whose facts are drawn by lot, each by itself, and always the same of a number."""
    lot = Random(number)
    kind, color = lot.choice(KINDS), lot.choice(list(COLORS))
    known = {
        "name": f"{color} {kind} {number}",
        "category": kind,
        "brand": f"Brand {lot.randrange(BRANDS)}",
        "price": lot.randrange(5, 500),
        "in_stock": lot.random() < IN_STOCK,
    }
    facts = {
        "material": lot.choice(MATERIALS),
        "rating": lot.randrange(10, 51) / 10,
        "sizes": lot.sample(SIZES, 3),
        "description": " ".join(lot.choices(WORDS, k=DESCRIPTION_WORDS)),
    }
    return Product(
        tenant=tenant,
        product_id=_product_id(number),
        image_urls=[f"https://shop.example/{number}.jpg"],
        metadata=known | facts,
        **known,
        currency="USD",
        colors=[parse_color(COLORS[color])],
        product_type=kind,
        quality=0.8,
        popularity=lot.random(),
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
            palette=_palette(product.pk),
            shape={"aspect_ratio": 1.0, "fill": 0.5, "silhouette": _silhouette(product.pk)},
            quality={"score": 0.8, "grade": "good"},
            product_type=product.product_type,
            product_type_confidence=0.5,
        )
        for product in products
    )
    return ProductImage.objects.bulk_create(images, batch_size=BATCH)


def _palette(seed: int) -> list[dict[str, Any]]:
    lot = Random(seed)
    return [
        {"hex": f"#{lot.randbytes(3).hex()}", "share": share, "name": lot.choice(list(EXAMPLES))} for share in SHARES
    ]


def _silhouette(seed: int) -> list[float]:
    lot = Random(seed)
    return [round(lot.random(), 3) for _ in range(GRID * GRID)]


def _load_colors(tenant: Tenant, images: Sequence[ProductImage]) -> None:
    colors = (
        ProductColor(
            tenant=tenant,
            product_id=image.product_id,
            rgb=list(bytes.fromhex(swatch["hex"][1:])),
            share=swatch["share"],
        )
        for image in images
        for swatch in image.palette
        if swatch["share"] >= MIN_COLOR_SHARE
    )
    ProductColor.objects.bulk_create(colors, batch_size=BATCH)


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
