"""Which products may be in an answer: the hard filters of a search or a list."""

from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Q

from catalog.documents import color_word


@dataclass(frozen=True)
class Filters:
    """Conditions that a product must meet; None asks for nothing. Prices include their bounds."""

    category: str | None = None
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    color: str | None = None

    def __bool__(self) -> bool:
        return self != Filters()

    def to_q(self, prefix: str = "") -> Q:
        """Return the condition on products, or through `prefix` on what refers to them."""
        condition = Q()
        if self.category is not None:
            condition &= Q(**{f"{prefix}category__lower": self.category.lower()})
        if self.price_min is not None:
            condition &= Q(**{f"{prefix}price__gte": self.price_min})
        if self.price_max is not None:
            condition &= Q(**{f"{prefix}price__lte": self.price_max})
        if self.color is not None:
            condition &= Q(**{f"{prefix}colors__contains": [color_word(self.color)]})
        return condition
