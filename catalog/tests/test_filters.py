"""Filters against brute force in Python, over random products and random requests in every dialect."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.revisions import bump_revision
from catalog.custom_fields import filter_fields
from catalog.documents import color_words, promote
from catalog.filter_dialects import parse_filters
from catalog.filters import All, AnyOf, Condition, Field, Not, Operator, Type, category_is, color_is, price_between
from catalog.models import CustomField, Product
from conftest import create_tenant

DECLARED = {
    "season": "string",
    "weight": "number",
    "vegan": "boolean",
    "size": "enum",
    "released": "date",
    "materials": "string[]",
}
SIZES = ["S", "M", "Größe 42"]
# What quoting, patterns and letters outside ASCII could go wrong with.
TEXTS = [
    *("Samsung", "SAMSUNG", "sam", "Ärmel", "ärmel", "日本", "😀", "100%", "a_b", 'he said "no"', "back\\slash"),
    *("x.y*", "(a|b)", "^$", "[]{}+?", "two\nlines", "\t", " ", "\u2028", "null", "true", "5", "'; --", "$.a", "SS26"),
]
NUMBERS = [0, 1, 5, -3, 0.1, 2.5, 1e-7, 10**14, -(10**15), 12345678901234.5]
DAYS = ["2025-12-31", "2026-01-01", "2026-02-28", "1000-01-01", "9998-12-31"]


def few(values, key):
    """Draw from two or three values, the same for products and filters: else these would seldom meet."""
    return st.shared(st.lists(values, min_size=2, max_size=3), key=key).flatmap(st.sampled_from)


texts = few(
    st.sampled_from(TEXTS)
    | st.text(
        st.characters(exclude_categories=["Cs", "Lu", "Ll", "Lt"], exclude_characters="\0"), min_size=1, max_size=8
    ),
    "texts",
)
numbers = few(st.sampled_from(NUMBERS) | st.integers(-(10**15), 10**15) | st.floats(-1e6, 1e6), "numbers")
days = few(
    st.sampled_from(DAYS) | st.dates(date(1000, 1, 1), date(9998, 12, 30)).map(date.isoformat),
    "days",
)
VALUES = {
    Type.STRING: texts,
    Type.NUMBER: numbers,
    Type.BOOLEAN: st.booleans(),
    Type.ENUM: st.sampled_from(SIZES),
    Type.DATE: days,
    Type.STRINGS: texts,
}
# What a shop sent before it declared the field, or with force.
misfits = (
    texts
    | numbers
    | st.booleans()
    | st.none()
    | st.just({"a": 1})
    | st.integers(10**15, 10**40)
    | days.map(lambda day: f"{day}T23:30:00-05:00")
)


def metadata_values(values):
    return values | st.lists(values | misfits, max_size=3) | misfits


prices = few(st.integers(0, 10**6).map(lambda cents: cents / 100), "prices")
metadata = st.fixed_dictionaries(
    {},
    optional={
        "category": texts,
        "brand": texts,
        "price": prices,
        "tags": st.lists(texts, max_size=3),
        "in_stock": st.booleans(),
        "color": st.sampled_from(["red", "Navy Blue", "#ff0000", "glow in the dark"]),
        "vendor": metadata_values(texts),
        "badges": metadata_values(texts),
        "stock_quantity": metadata_values(numbers),
        **{key: metadata_values(VALUES[Type(type_)]) for key, type_ in DECLARED.items()},
    },
)
FIELDS = {
    "category": Type.STRING,
    "brand": Type.STRING,
    "name": Type.STRING,
    "price": Type.NUMBER,
    "tags": Type.STRINGS,
    "in_stock": Type.BOOLEAN,
    "color": Type.STRINGS,
    "quality": Type.NUMBER,
    "vendor": Type.STRING,
    "badges": Type.STRINGS,
    "stock_quantity": Type.NUMBER,
    **{key: Type(type_) for key, type_ in DECLARED.items()},
}


@st.composite
def comparisons(draw):
    """Draw a field, an operator that it knows, and a value."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    values = VALUES[FIELDS[name]]
    ranges = ["gt", "gte", "lt", "lte"] if FIELDS[name] in (Type.NUMBER, Type.DATE) else []
    parts = ["contains"] if FIELDS[name] in (Type.STRING, Type.STRINGS) else []
    operator = draw(st.sampled_from(["eq", "ne", "in", "nin", "exists", *ranges, *parts]))
    match operator:
        case "in" | "nin":
            return name, operator, draw(st.lists(values, min_size=1, max_size=3))
        case "exists":
            return name, operator, draw(st.booleans())
    return name, operator, draw(values)


def plain(comparison):
    name, operator, value = comparison
    return {name: value if operator in ("eq", "in") else {operator: value}}


def listed(comparison):
    name, operator, value = comparison
    return {"field": name, "operator": operator, "value": value}


def clause(comparison):
    name, operator, value = comparison
    match operator:
        case "exists":
            return {"key": name, "is_empty": not value}
        case "ne":
            return {"must_not": [{"key": name, "match": {"value": value}}]}
        case "gt" | "gte" | "lt" | "lte":
            return {"key": name, "range": {operator: value}}
    word = {"eq": "value", "in": "any", "nin": "except", "contains": "text"}[operator]
    return {"key": name, "match": {word: value}}


clauses = st.recursive(
    comparisons().map(clause),
    lambda inner: st.dictionaries(
        st.sampled_from(["must", "should", "must_not"]), st.lists(inner, min_size=1, max_size=2), min_size=1
    ),
    max_leaves=4,
)
requests = st.one_of(
    st.fixed_dictionaries({"filters": comparisons().map(plain)}),
    st.fixed_dictionaries({"metadata_filters": st.lists(comparisons().map(listed), min_size=1, max_size=2)}),
    st.fixed_dictionaries({"filter": st.fixed_dictionaries({"must": clauses}, optional={"should": clauses})}),
    st.fixed_dictionaries({"filters": comparisons().map(plain), "price_min": prices.map(str).map(Decimal)}),
)


def is_met(wanted, product):
    """Return whether a product meets a filter: what the database shall find, in plain Python."""
    match wanted:
        case All(parts):
            return all(is_met(part, product) for part in parts)
        case AnyOf(parts):
            return any(is_met(part, product) for part in parts)
        case Not(part):
            return not is_met(part, product)
        case Condition(field, operator, value):
            return any(compares(field, item, operator, value) for item in values_of(product, field))


def values_of(product, field):
    if field.column:
        value = getattr(product, field.column)
        value = None if value == "" else Decimal(str(value)) if isinstance(value, float) else value
    else:
        value = product.metadata.get(field.name)
    values = value if isinstance(value, list) else [value]
    return [item for item in values if item is not None]


def compares(field, item, operator, value):
    if operator is Operator.EXISTS:
        return True
    match field.type:
        case Type.NUMBER:
            if isinstance(item, bool) or not isinstance(item, int | float | Decimal):
                return False
            item = Decimal(str(item))
        case Type.BOOLEAN:
            if not isinstance(item, bool):
                return False
        case Type.DATE:
            try:
                item = date.fromisoformat(item[:10]) if isinstance(item, str) else None
            except ValueError:
                item = None
            if item is None:
                return False
        case _:
            if not isinstance(item, str):
                return False
    match operator:
        case Operator.IN if field.ignores_case:
            return item.lower() in [text.lower() for text in value]
        case Operator.IN:
            return item in value
        case Operator.CONTAINS if field.type is Type.STRINGS:
            return item == value
        case Operator.CONTAINS:
            return value.lower() in item.lower()
        case Operator.GT:
            return item > value
        case Operator.GTE:
            return item >= value
        case Operator.LT:
            return item < value
        case Operator.LTE:
            return item <= value


def add_product(tenant, facts, number=0):
    return Product(
        tenant=tenant,
        product_id=f"p{number}",
        image_urls=[""],
        status="indexed",
        metadata=facts,
        colors=color_words(facts, []),
        quality=[None, 0.5, 1.0][number % 3],
        **promote({"stock_quantity": None} | facts),
    )


@pytest.fixture
def fields(tenant):
    for key, type_ in DECLARED.items():
        enum_values = SIZES if type_ == "enum" else []
        tenant.custom_fields.create(key=key, display_name=key, type=type_, enum_values=enum_values)
    bump_revision(tenant)
    return filter_fields(tenant)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.lists(metadata, min_size=4, max_size=6), request=requests)
def test_what_is_found_is_what_meets_the_filter(tenant, fields, facts, request):
    tenant.products.all().delete()
    Product.objects.bulk_create(add_product(tenant, each, number) for number, each in enumerate(facts))
    wanted = parse_filters(request, fields)
    expected = {product.product_id for product in tenant.products.all() if is_met(wanted, product)}
    assert set(tenant.products.filter(wanted.to_q()).values_list("product_id", flat=True)) == expected
    assert set(tenant.products.filter(Not(wanted).to_q()).values_list("product_id", flat=True)) == {
        product.product_id for product in tenant.products.all() if product.product_id not in expected
    }


POOLS = {
    Type.STRING: TEXTS,
    Type.NUMBER: NUMBERS,
    Type.BOOLEAN: [True, False],
    Type.ENUM: SIZES,
    Type.DATE: DAYS,
    Type.STRINGS: TEXTS,
}
MISFITS = [None, "", [], {}, {"a": 1}, "soon", "2026-01-01T23:30:00-05:00", 10**40, "5", True, [5, "SS26"], ["sam", 1]]


@pytest.mark.parametrize("name", sorted({"category", "vendor", "stock_quantity", "badges", *DECLARED}))
def test_every_operator_finds_what_it_should_of_every_value(tenant, fields, name):
    field, pool = fields[name], POOLS[FIELDS[name]]
    values = pool if field.column else [*pool, *([value, "other"] for value in pool[:3]), *MISFITS]
    Product.objects.bulk_create(
        add_product(tenant, facts, number) for number, facts in enumerate([{}, *({name: value} for value in values)])
    )
    products = list(tenant.products.all())
    ranges = ["gt", "gte", "lt", "lte"] if field.type in (Type.NUMBER, Type.DATE) else []
    parts = ["contains"] if field.type in (Type.STRING, Type.STRINGS) else []
    asked = [{operator: value} for operator in ["eq", "ne", *ranges, *parts] for value in pool]
    for operators in [*asked, {"in": pool[:2]}, {"nin": pool[:2]}, {"exists": True}, {"exists": False}]:
        wanted = parse_filters({"filters": {name: operators}}, fields)
        found = set(tenant.products.filter(wanted.to_q()).values_list("product_id", flat=True))
        assert found == {product.product_id for product in products if is_met(wanted, product)}, operators


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (category_is("SHOES"), {"p0"}),
        (category_is("shoe"), set()),
        (price_between(Decimal(10), Decimal("20.00")), {"p0", "p1"}),
        (price_between(None, Decimal("19.99")), {"p0"}),
        (color_is("#ff0000", "navy blue"), {"p0", "p1"}),
        (AnyOf((category_is("bags"), price_between(None, Decimal(10)))), {"p0", "p1"}),
        (Not(category_is("Shoes")), {"p1", "p2"}),
        (All(), {"p0", "p1", "p2"}),
        (All((All(),)), {"p0", "p1", "p2"}),
        (AnyOf((All(), category_is("Shoes"))), {"p0", "p1", "p2"}),
    ],
)
def test_conditions_are_put_together(tenant, wanted, found):
    facts = [
        {"category": "Shoes", "price": 10, "color": "red"},
        {"category": "bags", "price": 20, "color": "navy"},
        {},
    ]
    Product.objects.bulk_create(add_product(tenant, each, number) for number, each in enumerate(facts))
    assert set(tenant.products.filter(wanted.to_q()).values_list("product_id", flat=True)) == found


@pytest.mark.parametrize(
    ("wanted", "asks"),
    [
        (All(), False),
        (All((All(), All())), False),
        (All((All(), category_is("a"))), True),
        (AnyOf((category_is("a"), category_is("b"))), True),
        (AnyOf((category_is("a"), All())), False),
        (price_between(None, None), False),
        (Not(category_is("a")), True),
    ],
)
def test_a_filter_knows_whether_it_asks_for_anything(wanted, asks):
    assert bool(wanted) is asks


@pytest.mark.parametrize("operator", ["eq", "ne", "in", "nin", "contains"])
def test_no_value_of_a_shopper_becomes_a_regular_expression(tenant, operator):
    value = ["a.b"] if operator in ("in", "nin") else "a.b"
    wanted = parse_filters({"filters": {"vendor": {operator: value}}}, filter_fields(tenant))
    assert "like_regex" not in str(tenant.products.filter(wanted.to_q()).query)


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("operator", "value", "found"),
    [
        ("eq", "2026-01-31", {"p0", "p1"}),
        ("in", ["2026-01-30", "2026-02-01"], {"p2"}),
        ("lte", "2026-01-31", {"p0", "p1"}),
        ("lt", "2026-01-31", set()),
        ("gt", "2026-01-31", {"p2"}),
        ("gte", "2026-01-31", {"p0", "p1", "p2"}),
        ("eq", "2026-01-31T12:00:00Z", {"p0"}),
        ("gt", "2026-01-31T12:00:00", {"p1", "p2"}),
        ("lte", "2026-01-31T13:00:00+01:00", {"p0"}),
        ("ne", "2026-01-31", {"p2"}),
    ],
)
def test_a_day_is_as_long_as_a_day(tenant, fields, operator, value, found):
    Product.objects.bulk_create(add_product(tenant, {}, number) for number in range(3))
    for number, time in enumerate([NOON, NOON + timedelta(hours=11, minutes=59), NOON + timedelta(hours=12)]):
        tenant.products.filter(product_id=f"p{number}").update(created_at=time)
    wanted = parse_filters({"filters": {"created_at": {operator: value}}}, fields)
    assert set(tenant.products.filter(wanted.to_q()).values_list("product_id", flat=True)) == found


def test_a_tenants_declarations_are_its_own(tenant, fields):
    other = create_tenant("Other")
    assert "season" in fields
    assert "season" not in filter_fields(other)


def test_a_declaration_goes_before_what_shops_use_without_one(tenant):
    assert filter_fields(tenant)["vendor"] == Field("vendor", Type.STRING, ignores_case=True)
    tenant.custom_fields.create(key="vendor", display_name="Vendor", type="enum", enum_values=["A"], facet=True)
    bump_revision(tenant)
    declared = Field("vendor", Type.ENUM, filterable=True, facet=True, enum_values=("A",))
    assert filter_fields(tenant)["vendor"] == declared
    assert CustomField.objects.count() == 1
