"""The product CSV of Shopify, in its older and its newer spelling.

The rows of a handle are one product, its variants and its pictures. It becomes one product under its handle, with the
lowest price and the range of prices; unless its variants have pictures of their own (two at least that differ): then
each variant is a product, under its SKU, with the handle as `parent_id`, so that a red shirt and a blue one are found
as what they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from catalog.feeds.formats.entries import Column, Entry, FeedError, FeedProduct, Skipped
from catalog.feeds.formats.tables import Row, RowGroup, Table, column_key
from catalog.feeds.formats.values import (
    category_of,
    filled,
    parse_quantity,
    plain_text,
    price_range,
    prices_of,
    split_list,
)

_HANDLE = ("handle", "url_handle")
_PRICE = ("variant_price", "price")
_REGULAR_PRICE = ("variant_compare_at_price", "compare_at_price")
_SKU = ("variant_sku", "sku")
_IMAGE = ("image_src", "product_image_url")
_VARIANT_IMAGE = ("variant_image", "variant_image_url")
_QUANTITY = ("variant_inventory_qty", "inventory_quantity")
_TRACKER = ("variant_inventory_tracker", "inventory_tracker")
_BARCODE = ("variant_barcode", "barcode")
_COLOR_WORDS = ("color", "colour", "farbe", "couleur", "colore")
# What the single variant of a product without options is called.
_NO_OPTION = "Default Title"
_USED = {
    **dict.fromkeys(_HANDLE, "product_id"),
    **dict.fromkeys((*_IMAGE, *_VARIANT_IMAGE, "image_position"), "images"),
    **dict.fromkeys(_PRICE, "metadata.price"),
    **dict.fromkeys(_REGULAR_PRICE, "metadata.regular_price"),
    **dict.fromkeys(_SKU, "metadata.sku"),
    **dict.fromkeys(_BARCODE, "metadata.barcode"),
    **dict.fromkeys(_QUANTITY, "metadata.stock_quantity"),
    **dict.fromkeys(("variant_inventory_policy", "continue_selling_when_out_of_stock", *_TRACKER), "metadata.in_stock"),
    **dict.fromkeys(("status", "published", "published_on_online_store"), "whether it is skipped"),
    **dict.fromkeys((f"option{n}_{part}" for n in (1, 2, 3) for part in ("name", "value")), "metadata, by its name"),
    "title": "metadata.name",
    "body_html": "metadata.description",
    "description": "metadata.description",
    "vendor": "metadata.brand",
    "type": "metadata.category",
    "product_category": "metadata.category_path",
    "tags": "metadata.tags",
}


def is_shopify(keys: set[str]) -> bool:
    """Return whether these are the columns of Shopify's export."""
    return bool(keys & set(_HANDLE)) and "title" in keys and bool(keys & {*_IMAGE, "option1_name", "variant_price"})


def columns_of(table: Table) -> tuple[Column, ...]:
    """Return what becomes of each column."""
    return tuple(Column(name, _USED.get(column_key(name), "")) for name in table.columns)


def read_shopify(table: Table) -> Iterator[Entry]:
    """Yield the products of each handle, whose rows follow each other."""
    for handle, rows in groupby(table.rows(), key=_handle):
        if handle is None:
            yield from (row if isinstance(row, FeedError) else FeedError(row.line, "No handle.") for row in rows)
        else:
            yield from _products(handle, _group(rows))


def _handle(row: Row | FeedError) -> str | None:
    return None if isinstance(row, FeedError) else row.first(*_HANDLE) or None


def _group(rows: Iterable[Row | FeedError]) -> RowGroup:
    group = RowGroup()
    for row in rows:
        if isinstance(row, Row):
            group.add(row)
    return group


def _products(handle: str, group: RowGroup) -> Iterator[Entry]:
    head, rows = group.head, group.rows
    if group.is_too_large:
        yield group.refusal(handle)
        return
    if reason := _reason_to_skip(head):
        yield Skipped(head.line, reason, handle)
        return
    images = _images(rows)
    variants = [row for row in rows if row is head or row.first(*_PRICE, *_SKU, "option1_value")]
    try:
        if len({row.first(*_VARIANT_IMAGE) for row in variants} - {""}) > 1:
            yield from [_variant(handle, head, row, images) for row in variants]
        else:
            yield FeedProduct(head.line, _whole(handle, head, variants, images))
    except ValueError as error:
        yield FeedError(head.line, f"price: {error}", handle)


def _reason_to_skip(head: Row) -> str:
    status = head.first("status").lower()
    if status in ("draft", "archived"):
        return f"Its status is {status}."
    is_hidden = head.first("published", "published_on_online_store").lower() == "false"
    return "It is not published." if is_hidden else ""


def _images(rows: Sequence[Row]) -> list[str]:
    """Return the pictures of a product by their positions."""
    placed = [(parse_quantity(row.first("image_position")) or 0, row.first(*_IMAGE)) for row in rows]
    return list(dict.fromkeys(image for _, image in sorted(placed, key=lambda pair: pair[0]) if image))


def _whole(handle: str, head: Row, variants: Sequence[Row], images: list[str]) -> dict[str, Any]:
    prices = [facts["price"] for variant in variants if (facts := _prices(variant))]
    options: dict[str, list[str]] = {}
    for variant in variants:
        for name, value in _options(head, variant).items():
            options.setdefault(name, []).append(value)
    values = {name: list(dict.fromkeys(found)) for name, found in options.items()}
    metadata = {
        **{name: found[0] if len(found) == 1 else found for name, found in values.items()},
        **_shared(head),
        **(_prices(head) if len(variants) == 1 else price_range(prices)),
        **_stock(variants),
        **(_identity(head) if len(variants) == 1 else {}),
    }
    return {"product_id": handle, "images": images or _own_images(variants), "metadata": filled(metadata)}


def _variant(handle: str, head: Row, variant: Row, images: list[str]) -> Entry:
    options = _options(head, variant)
    own = variant.first(*_VARIANT_IMAGE)
    name = " ".join([head.first("title"), *([f"({', '.join(options.values())})"] if options else [])])
    metadata = {
        **options,
        **_shared(head),
        "name": name,
        **_prices(variant),
        **_stock([variant]),
        **_identity(variant),
        "parent_id": handle,
    }
    product_id = variant.first(*_SKU) or column_key("-".join([handle, *options.values()])).replace("_", "-")
    # A variant without a picture of its own is shown by the product's first one.
    shown = [own] if own else images[:1]
    return FeedProduct(variant.line, {"product_id": product_id, "images": shown, "metadata": filled(metadata)})


def _own_images(variants: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(image for row in variants if (image := row.first(*_VARIANT_IMAGE))))


def _shared(head: Row) -> dict[str, Any]:
    path = category_of(head.first("product_category"))
    return {
        "name": head.first("title"),
        "description": plain_text(head.first("body_html", "description")),
        "brand": head.first("vendor"),
        **path,
        **({"category": head.first("type")} if head.first("type") else {}),
        "tags": split_list(head.first("tags"), ","),
    }


def _identity(variant: Row) -> dict[str, str]:
    return {"sku": variant.first(*_SKU), "barcode": variant.first(*_BARCODE).lstrip("'")}


def _prices(variant: Row) -> dict[str, Any]:
    # Shopify always writes a decimal point.
    now, before = variant.first(*_PRICE), variant.first(*_REGULAR_PRICE)
    return prices_of(before, now) if before else prices_of(now, "")


def _options(head: Row, variant: Row) -> dict[str, str]:
    """Return what sets a variant apart, by the names of the product's options."""
    named = [
        (column_key(head.first(f"option{n}_name")), variant.first(f"option{n}_value"))
        for n in (1, 2, 3)
        if variant.first(f"option{n}_value") not in ("", _NO_OPTION)
    ]
    return {"color" if name in _COLOR_WORDS else name: value for name, value in named if name}


def _stock(variants: Sequence[Row]) -> dict[str, Any]:
    """Return how many pieces there are and whether one can be ordered; nothing of what Shopify does not count."""
    counted = [row for row in variants if row.first(*_TRACKER) or row.first(*_QUANTITY)]
    if not counted:
        return {}
    quantity = sum(max(0, parse_quantity(row.first(*_QUANTITY)) or 0) for row in counted)
    is_sold_anyway = any(
        row.first("variant_inventory_policy").lower() == "continue"
        or row.first("continue_selling_when_out_of_stock").lower() == "true"
        for row in counted
    )
    return {"stock_quantity": quantity, "in_stock": quantity > 0 or is_sold_anyway or len(counted) < len(variants)}
