"""What a tenant declares to be in the metadata of its products, and whether a product's metadata keep to it."""

import math
import re
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.utils.dateparse import parse_date, parse_datetime
from rest_framework import exceptions

from accounts.models import Tenant
from accounts.revisions import until_changed
from catalog.errors import IndexingError
from catalog.filters import COMMON, DAY, PROMOTED, Field
from catalog.models import CustomField

Type = CustomField.Type
Moment = TypeVar("Moment", date, datetime)

# More than any price, weight or stock, and still exact in a float.
MAX_NUMBER = Decimal(10**15)
# Days that are written with four digits, and whose neighbours are.
FIRST_YEAR, LAST_YEAR = 1000, 9998
MISSING = "missing_required_field"
# What the product itself reads in metadata or shows beside them, and what filters are called.
RESERVED_KEYS = frozenset(
    {field.name for field in PROMOTED}
    | {"color_name", "stock_quantity", "image_url", "image_urls", "images", "status", "metadata", "similarity_score"}
    | {"price_min", "price_max", "min_price", "max_price"}
)


@dataclass(frozen=True)
class Misfit:
    """A value that is not as its custom field says."""

    key: str
    code: str
    message: str


class MetadataError(IndexingError):
    """A product whose metadata do not keep to the tenant's custom fields."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__(misfit.code, f"metadata.{misfit.key}: {misfit.message}")
        self.misfit = misfit


class InvalidMetadata(exceptions.ValidationError):
    """Metadata of one product that do not keep to the tenant's custom fields, as the API answers it."""

    def __init__(self, misfit: Misfit) -> None:
        super().__init__({"metadata": {misfit.key: [exceptions.ErrorDetail(misfit.message, misfit.code)]}})
        self.code = MISSING if misfit.code == MISSING else "validation_failed"


@until_changed
def custom_fields(tenant: Tenant) -> tuple[CustomField, ...]:
    """Return what the tenant has declared, by key."""
    return tuple(tenant.custom_fields.order_by("key"))


@until_changed
def filter_fields(tenant: Tenant) -> Mapping[str, Field]:
    """Return all that a filter or a facet of this tenant may name, and the declared fields that it may not."""
    common = {field.name: field for field in (*PROMOTED, *COMMON)}
    return common | {field.key: _as_filter_field(field, common.get(field.key)) for field in custom_fields(tenant)}


def find_metadata_misfit(
    tenant: Tenant, metadata: Mapping[str, Any], *, keys: Container[str] | None = None
) -> Misfit | None:
    """Return the first thing wrong with metadata by the tenant's custom fields, or by those of `keys`."""
    fields = (field for field in custom_fields(tenant) if keys is None or field.key in keys)
    misfits = (find_misfit(field, metadata.get(field.key)) for field in fields)
    return next((misfit for misfit in misfits if misfit is not None), None)


def find_misfit(field: CustomField, value: Any) -> Misfit | None:
    """Return what is wrong with a product's value, None being that it has none."""
    if value in (None, "", []):
        message = f"Every product has {field.display_name}. Send it."
        return Misfit(field.key, MISSING, message) if field.required else None
    match field.type:
        case Type.ENUM if value not in field.enum_values:
            return Misfit(field.key, "invalid_choice", f"Send one of {', '.join(field.enum_values)}.")
        case Type.ENUM:
            return None
    fits, code, message = _RULES[Type(field.type)]
    return None if fits(value) else Misfit(field.key, code, message)


def is_number(value: Any) -> bool:
    """Return whether this is a finite number; true and false are none."""
    match value:
        case bool():
            return False
        case float():
            return math.isfinite(value)
        case Decimal():
            return value.is_finite()
    return isinstance(value, int)


def read_day(value: Any) -> date | None:
    """Return the day that a date of ISO 8601 names, from FIRST_YEAR to LAST_YEAR, or None."""
    return _read(parse_date, value)


def read_time(value: Any) -> datetime | None:
    """Return the moment that a time of ISO 8601 names, in UTC without a zone of its own, or None."""
    moment = _read(parse_datetime, value)
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _as_filter_field(field: CustomField, common: Field | None) -> Field:
    return Field(
        name=field.key,
        type=Type(field.type),
        ignores_case=common is not None and common.ignores_case and field.type == Type.STRING,
        filterable=field.filterable,
        facet=field.facet,
        enum_values=tuple(field.enum_values),
    )


def _is_small_number(value: Any) -> bool:
    return is_number(value) and -MAX_NUMBER <= value <= MAX_NUMBER


def _is_date(value: Any) -> bool:
    if not isinstance(value, str) or re.match(DAY, value) is None:
        return False
    return read_day(value) is not None or read_time(value) is not None


def _is_list_of_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


_RULES: Mapping[Type, tuple[Callable[[Any], bool], str, str]] = {
    Type.STRING: (lambda value: isinstance(value, str), "not_a_text", "Send a text."),
    Type.NUMBER: (_is_small_number, "not_a_number", f"Send a number from -{MAX_NUMBER:,} to {MAX_NUMBER:,}."),
    Type.BOOLEAN: (lambda value: isinstance(value, bool), "not_a_boolean", "Send true or false."),
    Type.DATE: (_is_date, "not_a_date", "Send a date of ISO 8601, such as 2026-01-31."),
    Type.STRINGS: (_is_list_of_texts, "not_a_list_of_texts", "Send a list of texts."),
}


def _read(parse: Callable[[str], Moment | None], value: Any) -> Moment | None:
    if not isinstance(value, str):
        return None
    try:
        moment = parse(value)
    except ValueError:
        return None
    return moment if moment is not None and FIRST_YEAR <= moment.year <= LAST_YEAR else None
