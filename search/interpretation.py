"""What a shopper's sentence means for this shop: words to search for, words to keep off, and filters."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from accounts.models import Tenant
from catalog.custom_fields import filter_fields
from catalog.filters import (
    BRAND,
    CURRENCY,
    IN_STOCK,
    All,
    Condition,
    Field,
    Filter,
    Not,
    Operator,
    category_is,
    color_is,
    price_between,
)
from search.language_model import understand
from search.natural_language import Interpretation
from search.shop_words import catalogue_of

# Filters of a request, and what of a sentence gives way to them.
GIVES_WAY: Sequence[tuple[frozenset[str], Mapping[str, Any]]] = (
    (frozenset({"category"}), {"categories": ()}),
    (frozenset({"color", "colors"}), {"colors": ()}),
    (frozenset({"price_min", "min_price"}), {"price_min": None}),
    (frozenset({"price_max", "max_price"}), {"price_max": None}),
)
# The fields in which shops keep sizes, where they declare one.
SIZE_FIELDS = ("size", "sizes")


@dataclass(frozen=True)
class UnderstoodSentence:
    """A sentence as a search carries it out; `interpreted` tells the shopper what was made of it."""

    words: str
    unlike: tuple[str, ...]
    filters: Filter
    interpreted: dict[str, Any]


def understand_sentence(tenant: Tenant, text: str, chosen: Collection[str] = ()) -> UnderstoodSentence:
    """Return what a sentence asks of this shop; whatever cannot be carried out is told in `not_applied`.

    `chosen` names the filters that the shopper has set otherwise: what the sentence says of the same gives way.
    """
    meant = understand(text, catalogue_of(tenant))
    for names, slots in GIVES_WAY:
        if names.intersection(chosen):
            meant = replace(meant, **slots)
    return carry_out(tenant, meant, text)


def carry_out(tenant: Tenant, meant: Interpretation, text: str) -> UnderstoodSentence:
    """Return how this shop carries out what was understood of a text."""
    shop = catalogue_of(tenant)
    sizes = next((filter_fields(tenant)[name] for name in SIZE_FIELDS if name in filter_fields(tenant)), None)
    has_currency = meant.currency in shop.currencies
    filters = All(tuple(_filters(tenant, meant, sizes, has_currency=has_currency)))
    interpreted = meant.to_json()
    if left_out := list(_left_out(meant, sizes, has_currency=has_currency)):
        interpreted["not_applied"] = left_out
    return UnderstoodSentence(words=meant.words or text, unlike=meant.unlike, filters=filters, interpreted=interpreted)


def _filters(tenant: Tenant, meant: Interpretation, sizes: Field | None, *, has_currency: bool) -> Iterator[Filter]:
    yield price_between(meant.price_min, meant.price_max)
    if has_currency:
        # A price without a currency is in the shop's own.
        yield Condition(CURRENCY, Operator.IN, (meant.currency, ""))
    if meant.categories:
        yield category_is(*meant.categories)
    if meant.colors:
        yield color_is(*meant.colors)
    if meant.excluded_colors:
        yield Not(color_is(*meant.excluded_colors))
    if meant.brands:
        yield Condition(BRAND, Operator.IN, meant.brands)
    if meant.excluded_brands:
        yield Not(Condition(BRAND, Operator.IN, meant.excluded_brands))
    if sizes and meant.sizes:
        yield Condition(sizes, Operator.IN, meant.sizes)
    if sizes and meant.excluded_sizes:
        yield Not(Condition(sizes, Operator.IN, meant.excluded_sizes))
    if meant.in_stock is not None:
        yield Condition(IN_STOCK, Operator.IN, (meant.in_stock,))
    for name, excluded in dict.fromkeys((wanted.name, wanted.excluded) for wanted in meant.fields):
        values = tuple(w.value for w in meant.fields if (w.name, w.excluded) == (name, excluded))
        condition = Condition(filter_fields(tenant)[name], Operator.IN, values)
        yield Not(condition) if excluded else condition


def _left_out(meant: Interpretation, sizes: Field | None, *, has_currency: bool) -> Iterator[str]:
    if meant.currency and not has_currency:
        yield f"currency: the shop has no prices in {meant.currency}, and prices are not converted"
    if sizes is None and (meant.sizes or meant.excluded_sizes):
        yield f"size: the shop declares no field named {' or '.join(SIZE_FIELDS)}"
    if meant.sort:
        yield "sort: results are ordered by how well they fit"
