import math
from decimal import Decimal

import pytest
from rest_framework.exceptions import ValidationError

from accounts.revisions import bump_revision
from catalog.custom_fields import filter_fields
from catalog.filter_dialects import FilterFields, UnknownFilterField, filters_from, parse_filters
from catalog.filters import (
    COMMON,
    PROMOTED,
    All,
    AnyOf,
    Condition,
    Field,
    Not,
    Operator,
    Type,
    category_is,
    color_is,
    price_between,
)

FIELDS = {field.name: field for field in (*PROMOTED, *COMMON)} | {
    "season": Field("season", Type.ENUM, enum_values=("SS26", "AW26")),
    "weight": Field("weight", Type.NUMBER),
    "released": Field("released", Type.DATE),
    "cost": Field("cost", Type.NUMBER, filterable=False),
}
BRAND, VENDOR, WEIGHT, SEASON, TAGS = (FIELDS[name] for name in ("brand", "vendor", "weight", "season", "tags"))


def any_of(field, *values):
    return Condition(field, Operator.IN, values)


@pytest.mark.parametrize(
    ("request_", "parts"),
    [
        # The samples of the guides.
        ({"metadata_filters": [{"field": "category", "operator": "eq", "value": "dresses"}]}, [category_is("dresses")]),
        ({"colors": ["#ff0000", "#ffffff"]}, [color_is("red", "white")]),
        ({"category": "Clothing", "price_max": 150}, [category_is("Clothing"), *price_between(None, 150).parts]),
        ({"filters": {"vendor": "Samsung"}}, [any_of(VENDOR, "Samsung")]),
        ({"category": "a", "min_price": 1, "max_price": 2}, [category_is("a"), *price_between(1, 2).parts]),
        # Bounds that conflict both hold.
        (
            {"price_min": 10, "min_price": 20, "filters": {"price": {"gte": 30}}},
            [*price_between(10, None).parts, *price_between(20, None).parts, price_between(30, None)],
        ),
        ({"filters": {"brand": ["A", "B"]}}, [any_of(BRAND, "A", "B")]),
        ({"filters": {"brand": {"ne": "A"}}}, [All((Not(any_of(BRAND, "A")),))]),
        ({"filters": {"brand": {"nin": ["A"]}}}, [All((Not(any_of(BRAND, "A")),))]),
        (
            {"filters": {"weight": {"gt": 1, "lte": 2.5}}},
            [All((Condition(WEIGHT, Operator.GT, Decimal(1)), Condition(WEIGHT, Operator.LTE, Decimal("2.5"))))],
        ),
        ({"metadata_filters": [{"field": "season", "value": "SS26"}]}, [any_of(SEASON, "SS26")]),
        ({"metadata_filters": [{"field": "tags", "operator": "exists"}]}, [Condition(TAGS, Operator.EXISTS)]),
        (
            {"metadata_filters": [{"field": "tags", "operator": "exists", "value": False}]},
            [Not(Condition(TAGS, Operator.EXISTS))],
        ),
        (
            {
                "filter": {
                    "must": [{"key": "brand", "match": {"any": ["A", "B"]}}, {"is_empty": {"key": "tags"}}],
                    "should": [{"key": "weight", "range": {"gte": 1, "lt": None}}, {"has_id": ["p1"]}],
                    "must_not": {"must": {"key": "brand", "match": {"value": "C"}}},
                }
            },
            [
                All(
                    (
                        All((any_of(BRAND, "A", "B"),)),
                        All((Not(Condition(TAGS, Operator.EXISTS)),)),
                        AnyOf(
                            (
                                All((Condition(WEIGHT, Operator.GTE, Decimal(1)),)),
                                any_of(FIELDS["product_id"], "p1"),
                            )
                        ),
                        Not(All((All((any_of(BRAND, "C"),)),))),
                    )
                )
            ],
        ),
        ({"filter": {"must": [], "should": []}}, [All()]),
        ({"filters": {}, "metadata_filters": []}, []),
    ],
)
def test_each_dialect_becomes_the_same_tree(request_, parts):
    assert parse_filters(request_, FIELDS) == All(tuple(parts))


def nested(levels):
    inner = {"key": "brand", "match": {"value": "A"}}
    for _ in range(levels):
        inner = {"must": [inner]}
    return inner


@pytest.mark.parametrize(
    ("request_", "field", "code"),
    [
        ({"filters": {"colour": "red"}}, "filters.colour", "unknown_filter_field"),
        ({"filters": {"cost": 1}}, "filters.cost", "unknown_filter_field"),
        ({"metadata_filters": [{"field": "x", "value": 1}]}, "metadata_filters.0.field", "unknown_filter_field"),
        ({"filter": {"must": [{"key": "x", "match": {"value": 1}}]}}, "filter.must.0.key", "unknown_filter_field"),
        ({"filters": {"price": "cheap"}}, "filters.price", "not_a_number"),
        ({"filters": {"price": {"gte": True}}}, "filters.price.gte", "not_a_number"),
        ({"filters": {"price": {"gte": math.nan}}}, "filters.price.gte", "not_a_number"),
        ({"filters": {"price": math.inf}}, "filters.price", "not_a_number"),
        ({"filters": {"weight": 10**400}}, "filters.weight", "not_a_number"),
        ({"filters": {"weight": [1, "2"]}}, "filters.weight.1", "not_a_number"),
        ({"filters": {"in_stock": "yes"}}, "filters.in_stock", "not_a_boolean"),
        ({"filters": {"brand": 5}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": None}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": ""}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": "x" * 10_000}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": "a\0b"}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": "\ud83d"}}, "filters.brand", "not_a_text"),
        ({"filters": {"brand": []}}, "filters.brand", "required"),
        ({"filters": {"brand": {}}}, "filters.brand", "required"),
        ({"filters": {"brand": {"gte": "A"}}}, "filters.brand.gte", "unknown_operator"),
        ({"filters": {"brand": {"like": "A"}}}, "filters.brand.like", "unknown_operator"),
        ({"filters": {"season": "WS99"}}, "filters.season", "invalid_choice"),
        ({"filters": {"released": "soon"}}, "filters.released", "not_a_date"),
        ({"filters": {"released": "2026-01-31T10:00:00Z"}}, "filters.released", "not_a_date"),
        ({"filters": {"released": "0999-01-01"}}, "filters.released", "not_a_date"),
        ({"filters": {"released": {"lte": "9999-12-31"}}}, "filters.released.lte", "not_a_date"),
        ({"filters": {"created_at": "2026-02-30"}}, "filters.created_at", "not_a_date"),
        ({"filters": ["brand"]}, "filters", "not_an_object"),
        ({"metadata_filters": {"field": "brand"}}, "metadata_filters", "not_a_list"),
        ({"metadata_filters": ["brand"]}, "metadata_filters.0", "not_an_object"),
        ({"metadata_filters": [{"field": "brand", "op": "eq"}]}, "metadata_filters.0.op", "unknown_key"),
        ({"metadata_filters": [{"field": "brand", "operator": 1}]}, "metadata_filters.0.operator", "not_a_text"),
        ({"metadata_filters": [{"operator": "eq"}]}, "metadata_filters.0.field", "not_a_text"),
        ({"filter": {"most": []}}, "filter.most", "unknown_key"),
        ({"filter": {"must": [{}]}}, "filter.must.0", "required"),
        ({"filter": {"must": [{"key": "brand"}]}}, "filter.must.0", "required"),
        ({"filter": {"must": [{"key": "brand", "match": "A"}]}}, "filter.must.0.match", "not_an_object"),
        ({"filter": {"must": [{"key": "price", "range": {"from": 1}}]}}, "filter.must.0.range.from", "unknown_key"),
        ({"filter": {"must": [{"key": "brand", "geo": {}}]}}, "filter.must.0.geo", "unknown_key"),
        ({"filter": {"must": {"has_id": "p1"}}}, "filter.must.has_id", "not_a_list"),
        ({"filter": {"should": "A"}}, "filter.should", "not_an_object"),
        ({"filter": nested(6)}, "filter.must.0.must.0.must.0.must.0.must.0", "too_deep"),
        ({"filters": {"brand": [str(n) for n in range(51)]}}, "filter", "too_many_conditions"),
        ({"filter": {"must": [{"key": "price", "match": {"value": 1}}] * 51}}, "filter", "too_many_conditions"),
    ],
)
def test_what_does_not_fit_is_named(request_, field, code):
    with pytest.raises(ValidationError) as raised:
        parse_filters(request_, FIELDS)
    detail, path = raised.value.detail, []
    while isinstance(detail, dict):
        ((name, detail),) = detail.items()
        path.append(name)
    assert (".".join(path), [error.code for error in detail]) == (field, [code])
    assert isinstance(raised.value, UnknownFilterField) is (code == "unknown_filter_field")


def test_filters_may_be_as_deep_and_as_many_as_that():
    assert parse_filters({"filter": nested(5)}, FIELDS)
    assert parse_filters({"filters": {"brand": [str(n) for n in range(50)]}}, FIELDS)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("colour", "Did you mean color?"), ("vender", "Did you mean vendor?"), ("zzz", "'zzz' to filter by. Declare it")],
)
def test_an_unknown_field_comes_with_the_nearest_and_with_how_to_declare_it(name, hint):
    with pytest.raises(UnknownFilterField) as raised:
        parse_filters({"filters": {name: "red"}}, FIELDS)
    (message,) = raised.value.detail["filters"][name]
    assert hint in message
    assert "POST /v1/custom-fields" in message


@pytest.mark.parametrize(
    "data",
    [
        {"filters": {"brand": ["A"]}, "filter": {"must_not": [{"key": "price", "range": {"gt": 5}}]}},
        {"filters": '{"brand": ["A"]}', "filter": '{"must_not": [{"key": "price", "range": {"gt": 5}}]}'},
    ],
)
def test_a_form_sends_filters_as_json(tenant, data):
    tenant.custom_fields.create(key="season", display_name="Season", type="string")
    bump_revision(tenant)
    body = FilterFields(data=data)
    body.is_valid(raise_exception=True)
    assert filters_from(tenant, body.validated_data) == parse_filters(
        {"filters": {"brand": ["A"]}, "filter": {"must_not": [{"key": "price", "range": {"gt": 5}}]}},
        filter_fields(tenant),
    )


@pytest.mark.parametrize("text", ["{", '{"price": NaN}', '{"price": 1e400}', '{"brand": "\\u0000"}', "[" * 100_000])
def test_a_form_that_sends_no_json_is_refused(text):
    body = FilterFields(data={"filters": text})
    assert not body.is_valid()
    assert list(body.errors) == ["filters"]
