"""Products whose pictures were looked at, as tests need them: what was seen is told, not seen."""

from catalog.models import Product, ProductImage


def add_judged(
    tenant, product_id, *, score=0.9, grade="excellent", problems=(), hint="", attributes=None, kind=("", 0.0), **fields
):
    """Add an indexed product with a first picture; `attributes` holds certainties by value by attribute."""
    product = Product.objects.create(
        tenant=tenant,
        product_id=product_id,
        image_urls=[f"https://example.com/{product_id}.jpg"],
        status=Product.Status.INDEXED,
        quality=score,
        **{"metadata": {}, **fields},
    )
    seen = {
        name: [{"value": value, "confidence": confidence} for value, confidence in values.items()]
        for name, values in (attributes or {}).items()
    }
    ProductImage.objects.create(
        tenant=tenant,
        product=product,
        position=0,
        sha256=f"{product.pk:064}",
        width=800,
        height=800,
        thumbnail=f"thumbnails/{product_id}.webp",
        palette=[],
        shape={},
        quality={"score": score, "grade": grade, "problems": list(problems), "hint": hint},
        product_type=kind[0],
        product_type_confidence=kind[1],
        attributes=seen,
    )
    return product
