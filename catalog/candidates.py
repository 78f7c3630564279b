"""The products that may be in an answer, with what ranking and rules read of them."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from django.db import connection

from catalog.neighbours import Neighbour


class Look(StrEnum):
    """What is stored of a cover and compared by ranking."""

    PALETTE = "palette"
    SHAPE = "shape"


@dataclass(frozen=True)
class Signal:
    """What one signal says of a product, 0 to 1, and how much of the product's score is owed to it."""

    value: float
    share: float


@dataclass(frozen=True)
class AppliedRule:
    """A rule of the merchant's that has moved a product."""

    rule_id: str
    rule_type: str


@dataclass(frozen=True)
class Candidate:
    """A product that may be in an answer: what it is like, and where ranking and rules have put it.

    `similarity` is a cosine, -1 to 1; `popularity` and `score` are 0 to 1. `palette` and `shape` are as the cover has
    them stored. `kept` is how sure it is, 0 to 1, not to be of what is not wanted. `variants` are the product_ids
    that stand behind this one when results are grouped.
    """

    pk: int
    product_id: str
    similarity: float
    category: str = ""
    brand: str = ""
    product_type: str = ""
    parent_id: str = ""
    in_stock: bool = True
    popularity: float = 0.0
    palette: Sequence[Mapping[str, Any]] = ()
    shape: Mapping[str, Any] | None = None
    score: float = 0.0
    kept: float = 1.0
    signals: Mapping[str, Signal] = field(default_factory=dict)
    applied_rules: tuple[AppliedRule, ...] = ()
    variants: tuple[str, ...] = ()


def load_candidates(neighbours: Sequence[Neighbour], looks: Collection[Look] = tuple(Look)) -> list[Candidate]:
    """Return these neighbours with what ranking reads of them, in their order, in one query.

    Looks are most of what is to be read; those that nothing is compared with may be left out.
    """
    facts = ("product.product_id", "category", "brand", "product.product_type", "parent_id", "in_stock", "popularity")
    stored = (f"cover.{look}" if look in looks else "NULL" for look in Look)
    described = read_products([neighbour.product_pk for neighbour in neighbours], (*facts, *stored))
    return [
        _candidate(neighbour, *described[neighbour.product_pk])
        for neighbour in neighbours
        # A product may be deleted between the two queries.
        if neighbour.product_pk in described
    ]


def read_products(pks: list[int], columns: Sequence[str]) -> dict[int, list[Any]]:
    """Return these columns of products and of their covers, by the products' rows; what is JSON comes as text.

    Written by hand, as it is part of every search and Django takes longer to write it than PostgreSQL to answer it.
    """
    if not pks:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT product.id, {", ".join(columns)}
            FROM catalog_product product
            LEFT JOIN catalog_productimage cover ON cover.product_id = product.id AND cover.position = 0
            WHERE product.id = ANY(%s)
            """,  # noqa: S608
            [pks],
        )
        return {pk: described for pk, *described in cursor.fetchall()}


def _candidate(
    neighbour: Neighbour,
    product_id: str,
    category: str,
    brand: str,
    product_type: str,
    parent_id: str,
    in_stock: bool,
    popularity: float,
    palette: str | None,
    shape: str | None,
) -> Candidate:
    return Candidate(
        pk=neighbour.product_pk,
        product_id=product_id,
        similarity=neighbour.similarity,
        category=category,
        brand=brand,
        product_type=product_type,
        parent_id=parent_id,
        in_stock=in_stock,
        popularity=popularity,
        palette=json.loads(palette) if palette else (),
        shape=json.loads(shape) if shape else None,
    )
