"""What could be said of products by what their first pictures show: one SQL query, whatever the size of the catalogue.

A suggestion is the surest value of an attribute that the shop has neither said otherwise nor decided about.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection

from accounts.models import Tenant
from catalog.attributes.targets import TARGETS
from catalog.models import Product

MIN_CONFIDENCE = 0.5
# Pictures of a group by which one sees whether its value is right.
SAMPLE = 12

_SUGGESTED = """
    SELECT product.id AS product_pk, target.attribute, seen.value, seen.confidence
    FROM catalog_product AS product
    JOIN catalog_productimage AS cover ON cover.product_id = product.id AND cover.position = 0
    CROSS JOIN unnest(%(attributes)s::text[], %(keys)s::text[]) AS target (attribute, keys)
    CROSS JOIN LATERAL (
        SELECT one.value ->> 'value' AS value, (one.value ->> 'confidence')::float AS confidence
        FROM jsonb_array_elements(
            CASE target.attribute WHEN 'product_type' THEN
                jsonb_build_array(
                    jsonb_build_object('value', cover.product_type, 'confidence', cover.product_type_confidence)
                )
            ELSE coalesce(cover.attributes -> target.attribute, '[]') END
        ) AS one
        WHERE NOT EXISTS (
            SELECT FROM catalog_attributedecision AS decision
            WHERE decision.product_id = product.id AND decision.attribute = target.attribute
                AND (decision.value = one.value ->> 'value' OR decision.accepted)
        )
        ORDER BY confidence DESC
        LIMIT 1
    ) AS seen
    WHERE product.tenant_id = %(tenant)s AND product.status = 'indexed'
        AND (%(category)s = '' OR lower(product.category) = lower(%(category)s))
        AND (%(first)s IS NULL OR product.id >= %(first)s)
        AND (%(last)s IS NULL OR product.id <= %(last)s)
        AND (%(value)s = '' OR seen.value = %(value)s)
        AND seen.confidence >= %(min_confidence)s
        AND NOT (
            product.metadata ?| string_to_array(target.keys, ' ')
            AND EXISTS (
                SELECT FROM unnest(string_to_array(target.keys, ' ')) AS own (key)
                WHERE coalesce(product.metadata -> own.key, 'null') NOT IN ('null', '""', '[]')
            )
        )
"""


@dataclass(frozen=True)
class Wanted:
    """Which suggestions: of an attribute and a value, where given, as sure as this (0 to 1), in a category.

    `first` and `last` are rows of products, both included. Of decisions, `accepted` tells which.
    """

    attribute: str = ""
    value: str = ""
    min_confidence: float = MIN_CONFIDENCE
    category: str = ""
    first: int | None = None
    last: int | None = None
    accepted: bool | None = None


@dataclass(frozen=True)
class Suggestion:
    """A value that could be said of a product; `confidence` is 0 to 1."""

    product_pk: int
    product_id: str
    attribute: str
    value: str
    confidence: float


@dataclass(frozen=True)
class Group:
    """All suggestions of one value: how many products, how sure (0 to 1), and the products that are surest of it."""

    attribute: str
    value: str
    products: int
    least: float
    most: float
    sample: Sequence[Product]


def find_suggestions(
    tenant: Tenant, wanted: Wanted, *, after: tuple[int, str] = (0, ""), limit: int | None = None
) -> list[Suggestion]:
    """Return suggestions in the order of products and attributes, from behind a product's row and attribute on."""
    if wanted.first is None:
        wanted = replace(wanted, first=after[0])
    rows = _rows(
        f"""
        SELECT found.product_pk, product.product_id, found.attribute, found.value, found.confidence
        FROM ({_SUGGESTED}) AS found
        JOIN catalog_product AS product ON product.id = found.product_pk
        WHERE (found.product_pk, found.attribute) > (%(after_pk)s, %(after_attribute)s)
        ORDER BY found.product_pk, found.attribute
        LIMIT %(limit)s
        """,  # noqa: S608  # a constant
        tenant,
        wanted,
        {"after_pk": after[0], "after_attribute": after[1], "limit": limit},
    )
    return [Suggestion(*row) for row in rows]


def find_products_with(tenant: Tenant, wanted: Wanted) -> list[int]:
    """Return the rows of products that have such suggestions, in their order."""
    return [
        pk
        for (pk,) in _rows(
            f"""
            SELECT DISTINCT found.product_pk FROM ({_SUGGESTED}) AS found ORDER BY found.product_pk
            """,  # noqa: S608  # a constant
            tenant,
            wanted,
        )
    ]


def find_groups(tenant: Tenant, wanted: Wanted) -> list[Group]:
    """Return the suggested values of each attribute, the most frequent first, with pictures to judge them by."""
    rows = _rows(
        f"""
        SELECT found.attribute, found.value, count(*), min(found.confidence), max(found.confidence),
            (array_agg(found.product_pk ORDER BY found.confidence DESC, found.product_pk))[1:{SAMPLE}]
        FROM ({_SUGGESTED}) AS found
        GROUP BY found.attribute, found.value
        ORDER BY count(*) DESC, found.attribute, found.value
        """,  # noqa: S608  # a constant
        tenant,
        wanted,
    )
    shown = {pk for row in rows for pk in row[-1]}
    products = Product.objects.prefetch_related("images").in_bulk(shown)
    return [
        Group(attribute, value, count, least, most, [products[pk] for pk in sample if pk in products])
        for attribute, value, count, least, most, sample in rows
    ]


def first_attribute(tenant: Tenant, wanted: Wanted) -> str:
    """Return the first attribute that something is suggested of, or the first of all."""
    found = (name for name in TARGETS if find_suggestions(tenant, replace(wanted, attribute=name), limit=1))
    return next(found, next(iter(TARGETS)))


def _rows(sql: str, tenant: Tenant, wanted: Wanted, more: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
    attributes = [wanted.attribute] if wanted.attribute else list(TARGETS)
    parameters: dict[str, Any] = {
        "tenant": tenant.pk,
        "attributes": attributes,
        "keys": [" ".join(TARGETS[attribute]) for attribute in attributes],
        "value": wanted.value,
        "min_confidence": wanted.min_confidence,
        "category": wanted.category,
        "first": wanted.first,
        "last": wanted.last,
    }
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters | (more or {}))
        return list(cursor.fetchall())
