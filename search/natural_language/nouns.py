"""What a shop calls its things, and what a shopper's sentence was taken to mean, as values."""

from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any


@dataclass(frozen=True)
class EnumField:
    """A custom field that a shop has declared with all its values, such as material."""

    name: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Catalogue:
    """The shop's own words: only what is in here can become a filter on category, brand or custom field."""

    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    fields: tuple[EnumField, ...] = ()


@dataclass(frozen=True)
class FieldCondition:
    """A value that a custom field must have, or must not have where it is `excluded`."""

    name: str
    value: str
    excluded: bool = False


@dataclass(frozen=True)
class Understood:
    """Words of the shopper's sentence, and what they were taken to mean."""

    phrase: str
    meaning: str


@dataclass(frozen=True)
class Interpretation:
    """What a sentence asks for.

    `words` is for the vector search: colours, categories and values of fields stay in it, prices, brands, sizes and
    what is unwanted do not; it is empty where filters say everything. `unlike` holds phrases for negative examples.
    Prices include their bounds, and `currency` is empty where none was said. Several values of one kind are
    alternatives. `colors` are basic names of `catalog.vision.palette`. `sort` is price_asc, price_desc or newest.
    `degraded` says why a configured language model had no part in this.
    """

    words: str = ""
    unlike: tuple[str, ...] = ()
    price_min: Decimal | None = None
    price_max: Decimal | None = None
    currency: str = ""
    categories: tuple[str, ...] = ()
    colors: tuple[str, ...] = ()
    excluded_colors: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    excluded_brands: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    excluded_sizes: tuple[str, ...] = ()
    fields: tuple[FieldCondition, ...] = ()
    in_stock: bool | None = None
    sort: str = ""
    understood: tuple[Understood, ...] = ()
    degraded: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return what was understood for an answer's `interpreted`; `words` are what was searched by looks only."""
        return {
            field.name: _plain(getattr(self, field.name))
            for field in fields(self)
            if field.name == "words" or getattr(self, field.name) != field.default
        }

    def __and__(self, other: "Interpretation") -> "Interpretation":
        """Return what both ask for: all values, the tighter bounds, the earlier currency and order."""
        merged = {field.name: _both(getattr(self, field.name), getattr(other, field.name)) for field in fields(self)}
        merged["price_min"] = max(_known(self.price_min, other.price_min), default=None)
        merged["price_max"] = min(_known(self.price_max, other.price_max), default=None)
        return Interpretation(**merged)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Decimal):
        return float(value)
    return vars(value) if isinstance(value, (FieldCondition, Understood)) else value


def _both(one: Any, other: Any) -> Any:
    if isinstance(one, tuple):
        return tuple(dict.fromkeys(one + other))
    return one or other


def _known(*prices: Decimal | None) -> list[Decimal]:
    return [price for price in prices if price is not None]
