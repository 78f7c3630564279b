"""A product in an answer, and how answers are filled with products."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.files.storage import default_storage

from catalog.candidates import AppliedRule, Candidate, Signal, read_products
from catalog.translation.products import shown_translations
from catalog.vision.relevance import match_word


@dataclass(frozen=True)
class Hit:
    """A product found: its facts, its pictures' addresses, how similar and how relevant it is, and why it is here.

    `similarity`, `relevance` and `score` are 0 to 1. `variants` are the product_ids behind it when results are grouped.
    """

    product_id: str
    similarity: float
    relevance: float
    score: float
    metadata: dict[str, Any]
    image_url: str
    thumbnail_url: str
    uuid: UUID | None = None
    price: Decimal | None = None
    signals: Mapping[str, Signal] = field(default_factory=dict)
    applied_rules: tuple[AppliedRule, ...] = ()
    variants: tuple[str, ...] = ()
    translations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """What to call the product where people read it."""
        return str(self.metadata.get("name") or self.product_id)

    @property
    def match(self) -> str:
        """How well the product fits what was asked: strong, fair or weak."""
        return match_word(self.relevance)


def load_hits(candidates: Sequence[Candidate], relevance: Callable[[float], float]) -> list[Hit]:
    """Return the products of these candidates, in their order; `relevance` tells what a similarity is worth, 0..1."""
    described = read_products(
        [candidate.pk for candidate in candidates],
        ("uuid", "price", "metadata", "translations", "image_urls[1]", "cover.thumbnail"),
    )
    return [
        _hit(candidate, relevance(candidate.similarity) * candidate.kept, *described[candidate.pk])
        for candidate in candidates
        # A product may be deleted between the two queries.
        if candidate.pk in described
    ]


def _hit(
    candidate: Candidate,
    relevance: float,
    uuid: UUID | None,
    price: Decimal | None,
    metadata: str,
    translations: str,
    image_url: str | None,
    thumbnail: str | None,
) -> Hit:
    facts = json.loads(metadata)
    return Hit(
        product_id=candidate.product_id,
        similarity=min(1.0, max(0.0, candidate.similarity)),
        relevance=relevance,
        score=candidate.score,
        metadata=facts,
        image_url=image_url or "",
        thumbnail_url=default_storage.url(thumbnail) if thumbnail else "",
        uuid=uuid,
        price=price,
        signals=candidate.signals,
        applied_rules=candidate.applied_rules,
        variants=candidate.variants,
        translations=shown_translations(json.loads(translations), facts),
    )
