"""CSV of no particular shop: columns are known by their names, and what is not known goes into the metadata."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from catalog.feeds.formats.entries import Column, Entry, FeedError, FeedFormatError, FeedProduct
from catalog.feeds.formats.tables import Row, Table, column_key
from catalog.feeds.formats.values import (
    category_of,
    filled,
    parse_availability,
    parse_quantity,
    plain_text,
    prices_of,
    split_addresses,
    split_list,
)

# The names by which a column is known, the likeliest first: where a file has several, the first one counts.
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "product_id": "product_id id item_id offer_id external_id sku article_number reference ref artikelnummer "
        "artikel_nr handle referencia référence",
        "image_url": "image_url image_link image main_image image_1 image1 image_src imageurl picture picture_url "
        "photo img thumbnail bild bild_url bildlink imagen",
        "images": "images additional_images additional_image_link additional_image_links gallery more_images "
        "weitere_bilder",
        "name": "name title product_name product_title titel bezeichnung nom nombre titre",
        "price": "price regular_price unit_price preis prix precio prezzo",
        "sale_price": "sale_price special_price discounted_price angebotspreis",
        "currency": "currency currency_code währung waehrung devise moneda",
        "category": "category product_type categories category_path google_product_category kategorie catégorie "
        "categorie categoria categoría",
        "brand": "brand manufacturer vendor marke hersteller marque marca",
        "in_stock": "in_stock availability stock_status available verfügbarkeit disponibilité",
        "stock_quantity": "stock_quantity quantity qty stock inventory inventory_quantity bestand lagerbestand menge "
        "quantité",
        "description": "description body body_html long_description beschreibung descripción",
        "url": "url link product_url permalink produktlink",
        "tags": "tags keywords labels schlagwörter",
        "color": "color colour color_name farbe couleur",
        "parent_id": "parent_id item_group_id parent parent_sku group_id",
    }
)
_MORE_IMAGES = tuple(
    f"{stem}{number}" for stem in ("image_", "image", "picture_", "image_url_") for number in range(2, 11)
)


def columns_of(table: Table) -> tuple[Column, ...]:
    """Return what becomes of each column. Raises FeedFormatError without one for the id and one for the picture."""
    fields = _fields_of(table)
    for field, what in (("product_id", "product's id"), ("image_url", "picture's address")):
        if field not in fields.values() and not (field == "image_url" and "images" in fields.values()):
            known = ", ".join(ALIASES[field].split()[:4])
            raise FeedFormatError(
                f"Expected a column for the {what}, called {known} or the like; the first line has "
                f"{', '.join(table.columns[:20])}."
            )
    return tuple(Column(name, _shown(fields.get(column_key(name)), column_key(name))) for name in table.columns)


def read_csv(table: Table) -> Iterator[Entry]:
    """Yield the product of each row."""
    fields = _fields_of(table)
    for row in table.rows():
        yield row if isinstance(row, FeedError) else _product(row, fields, decimal_comma=table.has_decimal_commas)


def _fields_of(table: Table) -> dict[str, str]:
    """Return the fields that columns fill, by the columns' keys."""
    keys = [column_key(name) for name in table.columns]
    fields = {key: "images" for key in keys if key in _MORE_IMAGES}
    for field, names in ALIASES.items():
        if (found := next((name for name in names.split() if name in keys and name not in fields), None)) is not None:
            fields[found] = field
    return fields


def _shown(field: str | None, key: str) -> str:
    if field in ("product_id", "image_url", "images"):
        return field
    return f"metadata.{field or key}" if key else ""


def _product(row: Row, fields: Mapping[str, str], *, decimal_comma: bool) -> Entry:
    cells: dict[str, str] = {}
    pictures: list[str] = []
    for key, cell in row.cells.items():
        field = fields.get(key, key)
        if field == "images":
            pictures += split_addresses(cell)
        else:
            cells[field] = cell
    product_id = cells.pop("product_id", "")
    cover = split_addresses(cells.pop("image_url", ""))
    if not product_id:
        return FeedError(row.line, "This row has no id.")
    try:
        metadata = _metadata(cells, decimal_comma=decimal_comma)
    except ValueError as error:
        return FeedError(row.line, f"price: {error}", product_id)
    images = list(dict.fromkeys([*cover, *pictures]))
    return FeedProduct(row.line, {"product_id": product_id, "images": images, "metadata": metadata})


def _metadata(cells: dict[str, str], *, decimal_comma: bool) -> dict[str, Any]:
    prices = prices_of(cells.pop("price", ""), cells.pop("sale_price", ""), decimal_comma=decimal_comma)
    availability = cells.pop("in_stock", "")
    in_stock = parse_availability(availability)
    known: dict[str, Any] = {
        "currency": cells.pop("currency", "").upper(),
        **category_of(cells.pop("category", "")),
        "tags": split_list(cells.pop("tags", "")),
        "description": plain_text(cells.pop("description", "")),
        "stock_quantity": parse_quantity(cells.pop("stock_quantity", "")),
        "in_stock": in_stock,
        "availability": availability if in_stock is None else "",
    }
    return filled({**cells, **prices}) | filled(known)
