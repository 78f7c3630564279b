"""The product CSV of WooCommerce.

A product goes by its SKU, or by its ID where it has none. A variable product is one product with the range of its
variations' prices; a variation with a picture of its own is a product beside it, with `parent_id`, and any other
variation is skipped, since nothing could tell it from its parent.
"""

import re
from collections.abc import Iterator
from typing import Any

from catalog.feeds.formats.entries import Column, Entry, FeedError, FeedProduct, Skipped
from catalog.feeds.formats.tables import Row, RowGroup, Table, column_key
from catalog.feeds.formats.values import (
    category_of,
    filled,
    parse_availability,
    parse_quantity,
    plain_text,
    price_range,
    prices_of,
    split_addresses,
    split_list,
)

_USED = {
    "id": "product_id, without a SKU",
    "sku": "product_id",
    "images": "images",
    "name": "metadata.name",
    "description": "metadata.description",
    "short_description": "metadata.short_description",
    "regular_price": "metadata.regular_price",
    "sale_price": "metadata.price",
    "categories": "metadata.category",
    "tags": "metadata.tags",
    "brands": "metadata.brand",
    "in_stock": "metadata.in_stock",
    "stock": "metadata.stock_quantity",
    "parent": "metadata.parent_id",
    "external_url": "metadata.url",
    "gtin_upc_ean_or_isbn": "metadata.gtin",
    "type": "whether it is a variation",
    "published": "whether it is skipped",
}
_ATTRIBUTE = re.compile(r"attribute_(\d+)_(name|value_s)")
_COLOR_WORDS = ("color", "colour", "farbe", "couleur", "pa_color", "pa_colour")


def is_woocommerce(keys: set[str]) -> bool:
    """Return whether these are the columns of WooCommerce's export."""
    return {"type", "sku", "name", "published", "images"} <= keys


def columns_of(table: Table) -> tuple[Column, ...]:
    """Return what becomes of each column."""
    return tuple(Column(name, _field(column_key(name))) for name in table.columns)


def read_woocommerce(table: Table) -> Iterator[Entry]:
    """Yield the products of a table whose variations follow their variable product."""
    decimal_comma = table.has_decimal_commas
    family = RowGroup()
    for row in table.rows():
        if isinstance(row, FeedError):
            yield from _products(family, decimal_comma)
            family = RowGroup()
            yield row
            continue
        if not (family.rows and _is_variation(row) and _refers_to(row, family.head)):
            yield from _products(family, decimal_comma)
            family = RowGroup()
        family.add(row)
    yield from _products(family, decimal_comma)


def _field(key: str) -> str:
    return "metadata, by its name" if _ATTRIBUTE.fullmatch(key) else _USED.get(key, "")


def _is_variation(row: Row) -> bool:
    return "variation" in split_list(row.first("type").lower())


def _refers_to(variation: Row, parent: Row) -> bool:
    return _parent_id(variation) in {parent.first("sku"), parent.first("id")} - {""}


def _parent_id(row: Row) -> str:
    return row.first("parent").removeprefix("id:")


def _products(family: RowGroup, decimal_comma: bool) -> Iterator[Entry]:
    if not family.rows:
        return
    head, variations = family.head, family.rows[1:]
    product_id = _product_id(head)
    if not product_id:
        yield FeedError(head.line, "This row has neither SKU nor ID.")
        return
    if family.is_too_large:
        yield family.refusal(product_id)
        return
    if not _is_published(head):
        yield from (Skipped(row.line, "It is not published.", _product_id(row)) for row in family.rows)
        return
    shown = [row for row in variations if _is_published(row)]
    try:
        facts = _facts(head, decimal_comma)
        prices = [own["price"] for row in shown if (own := _prices(row, decimal_comma))]
        metadata = facts | (price_range(prices) if prices else {})
        if _is_variation(head):
            metadata |= filled({"parent_id": _parent_id(head)})
    except ValueError as error:
        yield FeedError(head.line, f"price: {error}", product_id)
        return
    yield FeedProduct(head.line, {"product_id": product_id, "images": _images(head), "metadata": metadata})
    for row in variations:
        yield _variation(row, head, facts, decimal_comma)


def _variation(row: Row, parent: Row, shared: dict[str, Any], decimal_comma: bool) -> Entry:
    product_id, images = _product_id(row), _images(row)
    if not product_id:
        return FeedError(row.line, "This row has neither SKU nor ID.")
    if not _is_published(row):
        return Skipped(row.line, "It is not published.", product_id)
    if not images or images[0] in _images(parent):
        return Skipped(row.line, "A variation without a picture of its own is found as its parent.", product_id)
    try:
        metadata = {**shared, **_facts(row, decimal_comma), "parent_id": _product_id(parent)}
    except ValueError as error:
        return FeedError(row.line, f"price: {error}", product_id)
    return FeedProduct(row.line, {"product_id": product_id, "images": images, "metadata": metadata})


def _product_id(row: Row) -> str:
    return row.first("sku", "id")


def _is_published(row: Row) -> bool:
    return row.first("published") in ("1", "")


def _images(row: Row) -> list[str]:
    return split_addresses(row.first("images"))


def _facts(row: Row, decimal_comma: bool) -> dict[str, Any]:
    # Of several categories the deepest says most.
    paths = [part.replace("\\,", ",") for part in re.split(r"(?<!\\),", row.first("categories"))]
    deepest = max(paths, key=lambda path: path.count(">"))
    facts = {
        **_attributes(row),
        "name": row.first("name"),
        "description": plain_text(row.first("description")),
        "short_description": plain_text(row.first("short_description")),
        **_prices(row, decimal_comma),
        **category_of(deepest),
        "brand": row.first("brands"),
        "tags": split_list(row.first("tags"), ","),
        "in_stock": parse_availability(row.first("in_stock")),
        "stock_quantity": parse_quantity(row.first("stock")),
        "sku": row.first("sku"),
        "url": row.first("external_url"),
        "gtin": row.first("gtin_upc_ean_or_isbn"),
    }
    return filled(facts)


def _prices(row: Row, decimal_comma: bool) -> dict[str, Any]:
    return prices_of(row.first("regular_price"), row.first("sale_price"), decimal_comma=decimal_comma)


def _attributes(row: Row) -> dict[str, Any]:
    """Return what the shop declares of a product, by name: one value, or several."""
    facts: dict[str, Any] = {}
    for number in range(1, 20):
        name, values = row.first(f"attribute_{number}_name"), row.first(f"attribute_{number}_value_s")
        key, found = column_key(name), split_list(values, ",|")
        if key and found:
            facts["color" if key in _COLOR_WORDS else key] = found[0] if len(found) == 1 else found
    return facts
