"""The filters of a request: every dialect that our guides and our peers speak, understood as one tree of conditions.

All may stand in one request, and all must hold:

    {"category": "dresses", "price_min": 10, "max_price": 99, "color": "red", "colors": ["#ff0000", "blue"]}
    {"filters": {"vendor": "Samsung", "size": ["S", "M"], "weight": {"gte": 1, "lt": 2}}}
    {"metadata_filters": [{"field": "category", "operator": "eq", "value": "dresses"}]}
    {"filter": {"must": [{"key": "brand", "match": {"any": ["Kestrel"]}}], "should": [], "must_not": []}}
"""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers

from accounts.models import Tenant
from accounts.parsers import parse_json
from catalog.custom_fields import MAX_NUMBER, filter_fields, is_number, read_day, read_time
from catalog.documents import color_word
from catalog.filters import RANGE, All, AnyOf, Condition, Field, Filter, Not, Operator, Type, condition_count

# A shopper's filters are a handful; more than this is a mistake, and each costs time at every search.
MAX_CONDITIONS = 50
MAX_DEPTH = 5
MAX_TEXT_LENGTH = 500
# A null character, and half of a character: JSON can escape both.
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")

Fields = Mapping[str, Field]
Path = tuple[str | int, ...]

# What stands at the top of a request, and what it says.
_NAMED = {
    "category": ("category", "eq"),
    "color": ("color", "eq"),
    "colors": ("color", "in"),
    "price_min": ("price", "gte"),
    "min_price": ("price", "gte"),
    "price_max": ("price", "lte"),
    "max_price": ("price", "lte"),
}
_ANY_TYPE = ("eq", "ne", "in", "nin", "exists")
_OPERATORS: Mapping[Type, Sequence[str]] = {
    Type.STRING: (*_ANY_TYPE, "contains"),
    Type.ENUM: _ANY_TYPE,
    Type.BOOLEAN: _ANY_TYPE,
    Type.STRINGS: (*_ANY_TYPE, "contains"),
    Type.NUMBER: (*_ANY_TYPE, *RANGE),
    Type.DATE: (*_ANY_TYPE, *RANGE),
}
_CLAUSES = ("must", "should", "must_not")


class UnknownFilterField(exceptions.ValidationError):
    """A filter on a field that there is not; to leave it out would show the shopper what they did not ask for."""

    default_code = "unknown_filter_field"


class JsonField(serializers.JSONField):
    """A value of JSON, which a form sends as a text of its own."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            return data
        try:
            return parse_json(data.encode())
        except ValueError as error:
            raise serializers.ValidationError(f"This is no JSON: {error}") from error


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {},
        "example": {"vendor": "Samsung", "season": ["SS26", "AW26"], "price": {"gte": 10, "lt": 100}},
    }
)
class PlainFilters(JsonField):
    pass


@extend_schema_field(
    {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["field"],
            "properties": {
                "field": {"type": "string"},
                "operator": {"enum": [*_ANY_TYPE, *RANGE, "contains"], "default": "eq"},
                "value": {},
            },
        },
        "example": [{"field": "category", "operator": "eq", "value": "dresses"}],
    }
)
class MetadataFilters(JsonField):
    pass


@extend_schema_field(
    {
        "type": "object",
        "properties": {clause: {"type": "array", "items": {"type": "object"}} for clause in _CLAUSES},
        "example": {
            "must": [{"key": "category", "match": {"value": "footwear"}}],
            "must_not": [{"key": "brand", "match": {"any": ["Kestrel Run"]}}],
        },
    }
)
class ClauseFilter(JsonField):
    pass


class FilterFields(serializers.Serializer[Any]):
    """The filters that every search and list takes, in whichever dialect; all that are sent must hold.

    Texts compare exactly, but category, brand, name, product type, currency, colour and vendor without case. Of a list
    one element is enough. A product without a value meets only `ne`, `nin`, `must_not` and `exists: false`.
    """

    category = serializers.CharField(max_length=255, required=False)
    price_min = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal(0), required=False)
    price_max = serializers.DecimalField(max_digits=14, decimal_places=2, min_value=Decimal(0), required=False)
    min_price = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=Decimal(0), required=False, help_text="the same as price_min"
    )
    max_price = serializers.DecimalField(
        max_digits=14, decimal_places=2, min_value=Decimal(0), required=False, help_text="the same as price_max"
    )
    color = serializers.CharField(max_length=50, required=False, help_text="a colour's name or #rrggbb")
    colors = serializers.ListField(
        child=serializers.CharField(max_length=50),
        min_length=1,
        max_length=MAX_CONDITIONS,
        required=False,
        help_text="one of these colours, each a name or #rrggbb",
    )
    filters = PlainFilters(
        required=False,
        help_text="for each field a value, a list of which one is enough, or an object of operators such as gte and lt",
    )
    metadata_filters = MetadataFilters(required=False, help_text="conditions of a field, an operator and a value")
    filter = ClauseFilter(
        required=False,
        help_text="`must`, `should` and `must_not`, each a list of conditions `{key, match | range}`, of `is_empty`, "
        "`has_id` or of further filters; `match` has one of `value`, `any`, `except` and `text`",
    )


def filters_from(tenant: Tenant, fields: Mapping[str, Any]) -> Filter:
    """Return what the validated fields of a FilterFields ask for. Raises what `parse_filters` raises."""
    return parse_filters(fields, filter_fields(tenant))


def parse_filters(data: Mapping[str, Any], fields: Fields) -> Filter:
    """Return all filters of a request as one.

    Raises UnknownFilterField for a field that is not among `fields`, and ValidationError, naming the place, for what
    does not fit.
    """
    parts = [
        _compare(fields, name, operator, data[key], path=(key,))
        for key, (name, operator) in _NAMED.items()
        if key in data
    ]
    if (plain := data.get("filters")) is not None:
        parts += _parse_plain(fields, plain)
    if (listed := data.get("metadata_filters")) is not None:
        parts += _parse_listed(fields, listed)
    if (clauses := data.get("filter")) is not None:
        parts.append(_parse_clauses(fields, clauses, ("filter",), depth=1))
    return _require_few(All(tuple(parts)))


def _parse_plain(fields: Fields, plain: Any) -> Iterator[Filter]:
    for name, wanted in _require_object(plain, ("filters",)).items():
        path = ("filters", name)
        match wanted:
            case dict():
                yield _compare_each(fields, name, wanted, path)
            case list():
                yield _compare(fields, name, "in", wanted, path=path)
            case _:
                yield _compare(fields, name, "eq", wanted, path=path)


def _parse_listed(fields: Fields, listed: Any) -> Iterator[Filter]:
    for index, item in enumerate(_require_list(listed, ("metadata_filters",))):
        path: Path = ("metadata_filters", index)
        _require_keys(item, path, allowed=("field", "operator", "value"))
        name = _require_text(item.get("field"), (*path, "field"))
        operator = _require_text(item.get("operator", "eq"), (*path, "operator"))
        value = item.get("value", True if operator == "exists" else None)
        yield _compare(fields, name, operator, value, path=(*path, "value"), named=(*path, "field"))


def _parse_clauses(fields: Fields, clauses: Any, path: Path, *, depth: int) -> Filter:
    if depth > MAX_DEPTH:
        raise _invalid(path, f"Filters stand in one another at most {MAX_DEPTH} deep.", "too_deep")
    _require_keys(clauses, path, allowed=_CLAUSES)
    must, should, must_not = (
        tuple(_parse_clause(fields, item, place, depth) for place, item in _items(clauses, clause, path))
        for clause in _CLAUSES
    )
    alternatives = (AnyOf(should),) if should else ()
    return _require_few(All((*must, *alternatives, *(Not(part) for part in must_not))))


def _items(clauses: Mapping[str, Any], clause: str, path: Path) -> Iterator[tuple[Path, Any]]:
    """Yield the conditions of a clause with their places; one alone needs no list."""
    match clauses.get(clause):
        case None:
            return
        case list(items):
            yield from (((*path, clause, index), item) for index, item in enumerate(items[: MAX_CONDITIONS + 1]))
        case item:
            yield (*path, clause), item


def _parse_clause(fields: Fields, item: Any, path: Path, depth: int) -> Filter:
    clause = _require_object(item, path)
    if not clause:
        raise _invalid(path, "This condition is empty. Send a key with match or range.", "required")
    if any(name in clause for name in _CLAUSES):
        return _parse_clauses(fields, clause, path, depth=depth + 1)
    if "has_id" in clause:
        _require_keys(clause, path, allowed=("has_id",))
        return _compare(fields, "product_id", "in", clause["has_id"], path=(*path, "has_id"))
    if isinstance(empty := clause.get("is_empty"), dict):
        _require_keys(clause, path, allowed=("is_empty",))
        clause = {**empty, "is_empty": True}
    _require_keys(clause, path, allowed=("key", "match", "range", "is_empty"))
    name = _require_text(clause.get("key"), (*path, "key"))
    parts = tuple(_parse_comparisons(fields, name, clause, path))
    if not parts:
        raise _invalid(path, "Send match, range or is_empty beside the key.", "required")
    return All(parts)


_MATCHES = {"value": "eq", "any": "in", "except": "nin", "text": "contains"}


def _parse_comparisons(fields: Fields, name: str, clause: Mapping[str, Any], path: Path) -> Iterator[Filter]:
    named = (*path, "key")
    if "match" in clause:
        wanted = _require_keys(clause["match"], (*path, "match"), allowed=tuple(_MATCHES))
        for word, value in wanted.items():
            yield _compare(fields, name, _MATCHES[word], value, path=(*path, "match", word), named=named)
    if "range" in clause:
        wanted = _require_keys(clause["range"], (*path, "range"), allowed=RANGE)
        # Peers' clients send the bounds that are not wanted as null.
        for operator in (operator for operator, value in wanted.items() if value is not None):
            place = (*path, "range", operator)
            yield _compare(fields, name, operator, wanted[operator], path=place, named=named)
    if "is_empty" in clause:
        place = (*path, "is_empty")
        is_empty = _require_boolean(clause["is_empty"], place)
        yield _compare(fields, name, "exists", not is_empty, path=place, named=named)


def _compare_each(fields: Fields, name: str, wanted: Mapping[str, Any], path: Path) -> Filter:
    if not wanted:
        raise _invalid(path, "Send a value, a list of values or operators such as gte and lt.", "required")
    return All(
        tuple(
            _compare(fields, name, operator, value, path=(*path, operator), named=path)
            for operator, value in wanted.items()
        )
    )


def _compare(fields: Fields, name: str, operator: str, value: Any, *, path: Path, named: Path | None = None) -> Filter:
    """Return one comparison; `path` is where its value stands in the request, `named` where its field is named."""
    field = _find(fields, name, named or path)
    if operator not in _OPERATORS[field.type]:
        message = f"{name} is of type {field.type.value}, which knows {', '.join(_OPERATORS[field.type])}."
        raise _invalid(path, message, "unknown_operator")
    match operator:
        case "exists":
            condition = Condition(field, Operator.EXISTS)
            return condition if _require_boolean(value, path) else Not(condition)
        case "eq":
            return Condition(field, Operator.IN, (_parse_value(field, value, path),))
        case "ne":
            return Not(Condition(field, Operator.IN, (_parse_value(field, value, path),)))
        case "in" | "nin":
            condition = Condition(field, Operator.IN, _parse_values(field, value, path))
            return condition if operator == "in" else Not(condition)
    return Condition(field, Operator(operator), _parse_value(field, value, path))


def _find(fields: Fields, name: str, path: Path) -> Field:
    field = fields.get(name)
    if field is not None and field.filterable:
        return field
    if field is not None:
        message = f"{name} is declared, but not as filterable. PATCH /v1/custom-fields/{name} with filterable: true."
        raise UnknownFilterField(_nested(path, message, UnknownFilterField.default_code))
    near = difflib.get_close_matches(name[:50], [key for key in fields if fields[key].filterable], n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    message = f"There is no field {name[:50]!r} to filter by.{hint} Declare it with POST /v1/custom-fields."
    raise UnknownFilterField(_nested(path, message, UnknownFilterField.default_code))


def _parse_values(field: Field, value: Any, path: Path) -> tuple[Any, ...]:
    values = _require_list(value, path)
    if not values:
        raise _invalid(path, "Name at least one value, or leave this filter out.", "required")
    return tuple(_parse_value(field, item, (*path, index)) for index, item in enumerate(values))


def _parse_value(field: Field, value: Any, path: Path) -> Any:
    match field.type:
        case Type.NUMBER:
            return _require_number(value, path)
        case Type.BOOLEAN:
            return _require_boolean(value, path)
        case Type.DATE:
            return _require_date(value, path, has_times=bool(field.column))
    text = _require_text(value, path)
    if field.type is Type.ENUM and text not in field.enum_values:
        raise _invalid(path, f"{field.name} is one of {', '.join(field.enum_values)}.", "invalid_choice")
    return color_word(text) if field.column == "colors" else text


def _require_few(wanted: Filter) -> Filter:
    if condition_count(wanted) > MAX_CONDITIONS:
        message = f"At most {MAX_CONDITIONS} conditions, each value of a list counted."
        raise _invalid(("filter",), message, "too_many_conditions")
    return wanted


def _require_text(value: Any, path: Path) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= MAX_TEXT_LENGTH:
        raise _invalid(path, f"Send a text of 1 to {MAX_TEXT_LENGTH} characters.", "not_a_text")
    if _UNSTORABLE.search(value):
        raise _invalid(path, "This text holds a character that cannot be stored.", "not_a_text")
    return value


def _require_number(value: Any, path: Path) -> Decimal:
    if not is_number(value) or not -MAX_NUMBER <= value <= MAX_NUMBER:
        raise _invalid(path, f"Send a number from -{MAX_NUMBER:,} to {MAX_NUMBER:,}.", "not_a_number")
    return Decimal(str(value))


def _require_boolean(value: Any, path: Path) -> bool:
    if not isinstance(value, bool):
        raise _invalid(path, "Send true or false.", "not_a_boolean")
    return value


def _require_date(value: Any, path: Path, *, has_times: bool) -> date:
    """Return a day or, where the field knows them, a time; one without a zone is in UTC."""
    moment = read_day(value) or (read_time(value) if has_times else None)
    if moment is None:
        wanted = "2026-01-31 or 2026-01-31T10:30:00Z" if has_times else "2026-01-31"
        raise _invalid(path, f"Send a date of ISO 8601, such as {wanted}.", "not_a_date")
    return moment


def _require_object(value: Any, path: Path) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _invalid(path, "Send an object.", "not_an_object")
    return value


def _require_list(value: Any, path: Path) -> list[Any]:
    """Return a list, or its beginning where it is too long for all that may be asked."""
    if not isinstance(value, list):
        raise _invalid(path, "Send a list.", "not_a_list")
    return value[: MAX_CONDITIONS + 1]


def _require_keys(value: Any, path: Path, *, allowed: Sequence[str]) -> dict[str, Any]:
    for key in _require_object(value, path):
        if key not in allowed:
            message = f"There is no {key[:50]!r} here, but {', '.join(allowed)}."
            raise _invalid((*path, key), message, "unknown_key")
    return _require_object(value, path)


def _invalid(path: Path, message: str, code: str) -> exceptions.ValidationError:
    return exceptions.ValidationError(_nested(path, message, code))


def _nested(path: Path, message: str, code: str) -> Any:
    detail: Any = [exceptions.ErrorDetail(message, code=code)]
    for name in reversed(path):
        detail = {str(name)[:50]: detail}
    return detail
