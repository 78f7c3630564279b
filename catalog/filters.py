"""Which products may be in an answer: the hard filters of a search or a list, as a tree of conditions.

    All((category_is("Shoes"), Not(Condition(PRICE, Operator.GTE, Decimal(100)))))

A condition looks at a column of the product or at a key of its metadata; a product whose value is missing, or of
another type, does not meet it, and meets its Not. Of a list one element is enough. Texts are compared exactly, but for
fields that ignore case. A day bounds times by its whole length: `lte` 31 January lets its evening in (UTC).

Conditions on metadata are SQL/JSON paths (PostgreSQL manual, 9.16.2), in lax mode: it looks into lists, and what cannot
be compared is simply not found.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar

from django.db.models import CharField, JSONField, Lookup, Q, Value
from django.db.models.functions import Lower

from catalog.documents import color_word
from catalog.models import CustomField

Type = CustomField.Type


class Operator(StrEnum):
    """How a condition compares; IN takes a tuple of values, EXISTS none, each other one value."""

    IN = "in"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    CONTAINS = "contains"
    EXISTS = "exists"


RANGE = (Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)


@dataclass(frozen=True)
class Field:
    """What products can be told apart by: the `column` of that name or, without one, the metadata's key `name`.

    Only those that are `filterable` may stand in filters, and those with `facet` be counted by.
    """

    name: str
    type: Type
    column: str = ""
    ignores_case: bool = False
    filterable: bool = True
    facet: bool = False
    enum_values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One comparison. Its values are texts, Decimals, booleans or, for dates, a day or an aware time."""

    field: Field
    operator: Operator
    value: Any = None

    def __bool__(self) -> bool:
        return True

    def to_q(self, prefix: str = "") -> Q:
        """Return the condition on products, or through `prefix` on what refers to them."""
        if self.field.column:
            return _on_column(self, f"{prefix}{self.field.column}")
        return _in_metadata(self, f"{prefix}metadata")


@dataclass(frozen=True)
class All:
    """Everything must hold; without parts it asks for nothing."""

    parts: "tuple[Filter, ...]" = ()

    def __bool__(self) -> bool:
        return any(self.parts)

    def to_q(self, prefix: str = "") -> Q:
        """Return the condition on products, or through `prefix` on what refers to them."""
        condition = Q()
        for part in self.parts:
            condition &= part.to_q(prefix)
        return condition


@dataclass(frozen=True)
class AnyOf:
    """One of the parts must hold, of which there is at least one."""

    parts: "tuple[Filter, ...]"

    def __bool__(self) -> bool:
        return all(self.parts)

    def to_q(self, prefix: str = "") -> Q:
        """Return the condition on products, or through `prefix` on what refers to them."""
        condition = Q()
        if not self:
            return condition
        for part in self.parts:
            condition |= part.to_q(prefix)
        return condition


@dataclass(frozen=True)
class Not:
    """The part must not hold; so products of which nothing is known meet it."""

    part: "Filter"

    def __bool__(self) -> bool:
        return True

    def to_q(self, prefix: str = "") -> Q:
        """Return the condition on products, or through `prefix` on what refers to them."""
        # What asks for nothing holds of every product; Django would take its negation for nothing asked, too.
        return ~self.part.to_q(prefix) if self.part else Q(pk__in=())


Filter = Condition | All | AnyOf | Not
EVERYTHING = All()

PRODUCT_ID = Field("product_id", Type.STRING, "product_id")
PARENT_ID = Field("parent_id", Type.STRING, "parent_id")
CATEGORY = Field("category", Type.STRING, "category", ignores_case=True, facet=True)
PRICE = Field("price", Type.NUMBER, "price", facet=True)
BRAND = Field("brand", Type.STRING, "brand", ignores_case=True, facet=True)
CURRENCY = Field("currency", Type.STRING, "currency", ignores_case=True, facet=True)
IN_STOCK = Field("in_stock", Type.BOOLEAN, "in_stock", facet=True)
COLOR = Field("color", Type.STRINGS, "colors", facet=True)
PROMOTED = (
    PRODUCT_ID,
    Field("name", Type.STRING, "name", ignores_case=True),
    CATEGORY,
    BRAND,
    PRICE,
    CURRENCY,
    Field("tags", Type.STRINGS, "tags", facet=True),
    IN_STOCK,
    PARENT_ID,
    COLOR,
    Field("colors", Type.STRINGS, "colors", facet=True),
    Field("product_type", Type.STRING, "product_type", ignores_case=True, facet=True),
    Field("quality", Type.NUMBER, "quality", facet=True),
    Field("created_at", Type.DATE, "created_at"),
    Field("updated_at", Type.DATE, "updated_at"),
)
# Keys of the metadata that shops use without a declaration; one of the tenant's own goes before it.
COMMON = (
    Field("vendor", Type.STRING, ignores_case=True),
    Field("sku", Type.STRING),
    Field("product_url", Type.STRING),
    Field("badges", Type.STRINGS),
    Field("stock_quantity", Type.NUMBER),
)


def category_is(*names: str) -> Condition:
    """Return the condition of being in one of these categories."""
    return Condition(CATEGORY, Operator.IN, names)


def price_between(low: Decimal | None, high: Decimal | None) -> All:
    """Return a condition on prices that includes its bounds; None is no bound."""
    bounds = ((Operator.GTE, low), (Operator.LTE, high))
    return All(tuple(Condition(PRICE, operator, value) for operator, value in bounds if value is not None))


def color_is(*colors: str) -> Condition:
    """Return the condition of having one of these colours, each a word or #rrggbb."""
    return Condition(COLOR, Operator.IN, tuple(color_word(color) for color in colors))


def product_is(*product_ids: str) -> Condition:
    return Condition(PRODUCT_ID, Operator.IN, product_ids)


def parent_is(parent_id: str) -> Condition:
    return Condition(PARENT_ID, Operator.IN, (parent_id,))


def conditions_of(wanted: Filter, *, is_excluded: bool = False) -> Iterator[tuple[Condition, bool]]:
    """Yield the conditions that a filter is made of, and whether what meets them is left out."""
    match wanted:
        case Condition():
            yield wanted, is_excluded
        case Not(part):
            yield from conditions_of(part, is_excluded=not is_excluded)
        case All(parts) | AnyOf(parts):
            for inner in parts:
                yield from conditions_of(inner, is_excluded=is_excluded)


def condition_count(wanted: Filter) -> int:
    """Return of how many conditions a filter is made, each value of a list counted."""
    match wanted:
        case Condition(operator=Operator.IN, value=values):
            return len(values)
        case Condition():
            return 1
        case Not(part):
            return condition_count(part)
        case All(parts) | AnyOf(parts):
            return sum(condition_count(part) for part in parts)


@JSONField.register_lookup
class HasMatch(Lookup):
    """`metadata__has_match=path`: whether an SQL/JSON path leads to anything."""

    lookup_name = "has_match"
    prepare_rhs = False

    def get_db_prep_lookup(self, value: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        return "%s::jsonpath", (value,)

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        right, right_params = self.process_rhs(compiler, connection)
        return f"{left} @? {right}", (*left_params, *right_params)


class _HasText(Lookup):
    """Whether a text to which an SQL/JSON path leads passes `test`, whatever its case.

    No regular expressions: of many values every row would have all compiled anew, as PostgreSQL remembers 32. As of
    columns the database's own lower() is on both sides.
    """

    prepare_rhs = False
    test: ClassVar[str]

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        left, left_params = self.process_lhs(compiler, connection)
        path, wanted = self.rhs
        items = f"jsonb_path_query({left}, %s::jsonpath) AS item WHERE jsonb_typeof(item) = 'string'"
        return f"EXISTS (SELECT FROM {items} AND {self.test})", (*left_params, path, wanted)


@JSONField.register_lookup
class HasTextIn(_HasText):
    """`metadata__has_text_in=(path, texts)`: whether a path leads to one of these texts."""

    lookup_name = "has_text_in"
    test = "lower(item #>> '{}') = ANY(ARRAY(SELECT lower(wanted) FROM unnest(%s::text[]) AS wanted))"


@JSONField.register_lookup
class HasTextWith(_HasText):
    """`metadata__has_text_with=(path, part)`: whether a path leads to a text with this part."""

    lookup_name = "has_text_with"
    test = "strpos(lower(item #>> '{}'), lower(%s)) > 0"


def _on_column(condition: Condition, column: str) -> Q:
    field, operator, value = condition.field, condition.operator, condition.value
    if operator is Operator.EXISTS:
        return _has_value(field, column)
    if field.type is Type.DATE:
        return _in_time(operator, column, value)
    match field.type, operator:
        case Type.STRINGS, Operator.IN:
            return Q(**{f"{column}__overlap": list(value)})
        case Type.STRINGS, Operator.CONTAINS:
            return Q(**{f"{column}__contains": [value]})
        case _, Operator.CONTAINS:
            return Q(**{f"{column}__icontains": value})
        case _, Operator.IN if field.ignores_case:
            # The database's own lower() on both sides: Python's has another opinion of some letters.
            return Q(**{f"{column}__lower__in": [Lower(Value(text, output_field=CharField())) for text in value]})
    return Q(**{f"{column}__{operator}": value})


def _has_value(field: Field, column: str) -> Q:
    match field.type:
        case Type.STRINGS:
            return ~Q(**{column: []})
        case Type.STRING:
            return ~Q(**{column: ""})
    return Q(**{f"{column}__isnull": False})


def _in_time(operator: Operator, column: str, value: Any) -> Q:
    if operator is not Operator.IN:
        bounds = Q()
        for comparison, moment in _bounds(operator, value):
            bounds &= Q(**{f"{column}__{comparison}": _start(moment)})
        return bounds
    times = Q()
    for moment in value:
        if isinstance(moment, datetime):
            times |= Q(**{column: moment})
        else:
            times |= Q(**{f"{column}__gte": _start(moment), f"{column}__lt": _start(moment + timedelta(days=1))})
    return times


def _bounds(operator: Operator, moment: date) -> list[tuple[Operator, date]]:
    """Return what a comparison with a whole day, or with a time, means for times."""
    if isinstance(moment, datetime):
        return [(operator, moment)]
    tomorrow = moment + timedelta(days=1)
    return {
        Operator.GTE: [(Operator.GTE, moment)],
        Operator.GT: [(Operator.GTE, tomorrow)],
        Operator.LT: [(Operator.LT, moment)],
        Operator.LTE: [(Operator.LT, tomorrow)],
        Operator.IN: [(Operator.GTE, moment), (Operator.LT, tomorrow)],
    }[operator]


def _start(moment: date) -> datetime:
    return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, UTC)


def _in_metadata(condition: Condition, column: str) -> Q:
    field, operator, value = condition.field, condition.operator, condition.value
    path = f"$.{_quoted(field.name)}"
    match field.type, operator:
        case Type.STRING, Operator.CONTAINS:
            return Q(**{f"{column}__has_text_with": (f"{path}[*]", value)})
        case Type.STRING, Operator.IN if field.ignores_case:
            return Q(**{f"{column}__has_text_in": (f"{path}[*]", list(value))})
    return Q(**{f"{column}__has_match": f"{path} ? ({_predicate(condition)})"})


_SIGNS: Mapping[Operator, str] = {Operator.GT: ">", Operator.GTE: ">=", Operator.LT: "<", Operator.LTE: "<="}
# What a date in metadata begins with; a time of day may follow. So it sorts as a text, and so does nothing else.
DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}"


def _predicate(condition: Condition) -> str:
    """Return the predicate of an SQL/JSON path that `@`, a value of the metadata, meets."""
    field, operator, value = condition.field, condition.operator, condition.value
    match field.type, operator:
        case _, Operator.EXISTS:
            return "@ != null"
        case _, Operator.CONTAINS:
            return f"@ == {_quoted(value)}"
        case Type.DATE, Operator.IN:
            days = " || ".join(_day_predicate(operator, day) for day in value)
            return f"@ like_regex {_quoted(DAY)} && ({days})"
        case Type.DATE, _:
            return f"@ like_regex {_quoted(DAY)} && {_day_predicate(operator, value)}"
        case _, Operator.IN:
            return " || ".join(f"@ == {_literal(item)}" for item in value)
    return f"@ {_SIGNS[operator]} {_literal(value)}"


def _day_predicate(operator: Operator, day: date) -> str:
    bounds = (f"@ {_SIGNS[comparison]} {_quoted(bound.isoformat())}" for comparison, bound in _bounds(operator, day))
    return f"({' && '.join(bounds)})"


def _literal(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case Decimal():
            return format(value, "f")
    return _quoted(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
