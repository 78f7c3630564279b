"""A product in an answer, and how answers are filled with products."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import OuterRef, Subquery

from catalog.models import Product, ProductImage
from catalog.neighbours import Neighbour
from catalog.vision.logistic import Logistic
from catalog.vision.relevance import match_word


@dataclass(frozen=True)
class Hit:
    """A product found: its facts, its pictures' addresses, and how similar and how relevant it is, 0 to 1."""

    product_id: str
    similarity: float
    relevance: float
    metadata: dict[str, Any]
    image_url: str
    thumbnail_url: str

    @property
    def title(self) -> str:
        """What to call the product where people read it."""
        return str(self.metadata.get("name") or self.product_id)

    @property
    def match(self) -> str:
        """How well the product fits what was asked: strong, fair or weak."""
        return match_word(self.relevance)


def load_hits(neighbours: Sequence[Neighbour], curve: Logistic) -> list[Hit]:
    """Return the products of these neighbours, in their order; the curve tells how relevant a similarity is."""
    cover = ProductImage.objects.filter(product=OuterRef("pk"), position=0)
    products = Product.objects.annotate(cover=Subquery(cover.values("thumbnail")[:1])).in_bulk(
        [neighbour.product_pk for neighbour in neighbours]
    )
    return [
        _hit(product, neighbour.similarity, curve)
        for neighbour in neighbours
        # A product may be deleted between the two queries.
        if (product := products.get(neighbour.product_pk)) is not None
    ]


def _hit(product: Any, similarity: float, curve: Logistic) -> Hit:
    return Hit(
        product_id=product.product_id,
        similarity=min(1.0, max(0.0, similarity)),
        relevance=curve(similarity),
        metadata=product.metadata,
        image_url=product.image_urls[0] if product.image_urls else "",
        thumbnail_url=default_storage.url(product.cover) if product.cover else "",
    )
