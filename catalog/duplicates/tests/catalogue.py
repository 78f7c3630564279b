"""A catalogue of products whose vectors a test chooses: as near to each other as it says."""

import hashlib
import math

import numpy as np

from catalog.encoders import active_encoder, encoder_row
from catalog.models import Embedding, Product, ProductImage


def add_product(tenant, product_id, vector, *, sha256="", **columns):
    """Add an indexed product whose cover has this vector, and is a picture of its own unless a digest is given."""
    product = Product.objects.create(
        tenant=tenant,
        product_id=product_id,
        name=columns.pop("name", product_id),
        image_urls=[f"https://shop.example/{product_id}.jpg"],
        status=Product.Status.INDEXED,
        metadata={"name": product_id} | columns.pop("metadata", {}),
        **columns,
    )
    image = ProductImage.objects.create(
        tenant=tenant,
        product=product,
        position=0,
        sha256=sha256 or hashlib.sha256(product_id.encode()).hexdigest(),
        width=800,
        height=600,
        thumbnail=f"thumbnails/{tenant.pk}/{product_id}.webp",
        palette=[],
        shape={},
        quality={"score": 0.8, "grade": "good", "problems": [], "hint": ""},
        product_type="shoe",
        product_type_confidence=0.5,
    )
    Embedding.objects.create(
        tenant=tenant, product=product, image=image, encoder=encoder_row(active_encoder()), vector=vector
    )
    return product


def direction(number, *, towards=None, cosine=1.0):
    """Return a unit vector: axis `number`, or what lies towards it from another axis by a cosine with that one."""
    dimensions = active_encoder().dimensions
    vector = np.zeros(dimensions, dtype=np.float32)
    if towards is None:
        vector[number] = 1
    else:
        vector[number], vector[towards] = cosine, math.sqrt(1 - cosine**2)
    return vector
