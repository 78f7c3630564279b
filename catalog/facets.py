"""How many of the products there are for each value of a field, for a shop's list of filters, in one SQL query."""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, QuerySet
from django.db.models.fields.json import KeyTransform
from rest_framework import exceptions

from accounts.models import Tenant
from catalog.custom_fields import MAX_NUMBER, filter_fields
from catalog.filters import DAY, Field, Type
from catalog.models import Product

MAX_VALUES = 50
# A longer text is no value to choose from a list, and no filter takes it.
MAX_TEXT_LENGTH = 500
RANGES = (Type.NUMBER, Type.DATE)


class UnknownFacetField(exceptions.ValidationError):
    default_code = "unknown_facet_field"


def parse_facets(tenant: Tenant, names: Collection[str]) -> tuple[Field, ...]:
    """Return the fields of these names, each once; raise UnknownFacetField for one that cannot be counted by."""
    countable = {name: field for name, field in filter_fields(tenant).items() if field.facet}
    unknown = [name for name in names if name not in countable]
    if unknown:
        message = (
            f"There is no facet {unknown[0][:50]!r}, but {', '.join(countable)}. Declare it with "
            "POST /v1/custom-fields and facet: true."
        )
        raise UnknownFacetField({"facets": [exceptions.ErrorDetail(message, UnknownFacetField.default_code)]})
    return tuple(countable[name] for name in dict.fromkeys(names))


def count_facets(products: QuerySet[Product], fields: Sequence[Field]) -> dict[str, Any]:
    """Return for each field its MAX_VALUES most frequent values with their counts or, of numbers and days, the range.

    `products` holds each product once. One with several values counts for each of them. Spellings that differ in case
    alone are one value where filters take them for one.
    """
    facets: dict[str, Any] = {
        field.name: {"min": None, "max": None} if field.type in RANGES else [] for field in fields
    }
    for index, value, count in _count(products, fields):
        field = fields[index]
        if field.type in RANGES:
            facets[field.name] = dict(zip(("min", "max"), value, strict=True))
        else:
            facets[field.name].append({"value": value, "count": count})
    return facets


def _count(products: QuerySet[Product], fields: Sequence[Field]) -> list[tuple[int, Any, int]]:
    """Return rows of a field's index, a value or [least, greatest], and how many products have it."""
    if not fields:
        return []
    columns = {
        f"facet_{index}": F(field.column) if field.column else KeyTransform(field.name, "metadata")
        for index, field in enumerate(fields)
    }
    try:
        chosen, parameters = products.order_by().values(**columns).query.sql_with_params()
    except EmptyResultSet:
        return []
    counts = " UNION ALL ".join(
        f"({_range_sql(index, field) if field.type in RANGES else _counts_sql(index, field)})"
        for index, field in enumerate(fields)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"WITH chosen AS MATERIALIZED ({chosen}) {counts}", parameters)
        return [(index, json.loads(value), int(count)) for index, value, count in cursor.fetchall()]


# All that is put into these queries is our own: numbers of fields, and the constants of this module.


def _counts_sql(index: int, field: Field) -> str:
    value = "lower(item)" if field.ignores_case else "item"
    fits = "" if field.type is Type.BOOLEAN else f"WHERE length(item) BETWEEN 1 AND {MAX_TEXT_LENGTH}"
    return f"""
        SELECT {index}, to_jsonb((array_agg(item ORDER BY products DESC, item))[1]), sum(products) AS total
        FROM (SELECT item, count(*) AS products FROM ({_items_sql(index, field)}) items {fits} GROUP BY item) spelled
        GROUP BY {value} ORDER BY total DESC, {value} LIMIT {MAX_VALUES}
    """  # noqa: S608


def _range_sql(index: int, field: Field) -> str:
    return f"""
        SELECT {index}, jsonb_build_array(min(item), max(item)), count(item)
        FROM ({_items_sql(index, field)}) items
    """  # noqa: S608


# The values of a field in metadata that are of its type: their type in JSON, which further condition they meet, and
# what they are in SQL.
_TEXTS = ("string", "true", "value #>> '{}'")
_IN_METADATA: Mapping[Type, tuple[str, str, str]] = {
    Type.NUMBER: ("number", f"value::numeric BETWEEN -{MAX_NUMBER} AND {MAX_NUMBER}", "value::numeric"),
    Type.DATE: ("string", f"value #>> '{{}}' ~ '{DAY}'", "left(value #>> '{}', 10)"),
    Type.BOOLEAN: ("boolean", "true", "value::boolean"),
}


def _items_sql(index: int, field: Field) -> str:
    """Return a query for the values of a field, each once for every product that has it."""
    if not field.column:
        return _metadata_items_sql(f"facet_{index}", *_IN_METADATA.get(field.type, _TEXTS))
    if field.type is Type.STRINGS:
        return f"""
            SELECT item FROM chosen
            CROSS JOIN LATERAL (SELECT DISTINCT unnest(facet_{index}) AS item) found
        """  # noqa: S608
    return f"SELECT facet_{index} AS item FROM chosen"  # noqa: S608


def _metadata_items_sql(facet: str, json_type: str, fits: str, item: str) -> str:
    # CASE holds back what would fail for values of other types. Most are no lists, and quicker as they are.
    chosen = f"CASE WHEN jsonb_typeof(value) = '{json_type}' THEN CASE WHEN {fits} THEN {item} END END AS item"
    return f"""
        SELECT item FROM (SELECT {chosen} FROM (SELECT {facet} AS value FROM chosen) plain) single
        WHERE item IS NOT NULL
        UNION ALL
        SELECT item FROM (SELECT {facet} AS list FROM chosen WHERE jsonb_typeof({facet}) = 'array') lists
        CROSS JOIN LATERAL (SELECT DISTINCT {chosen} FROM jsonb_array_elements(list) AS value) listed
        WHERE item IS NOT NULL
    """  # noqa: S608
