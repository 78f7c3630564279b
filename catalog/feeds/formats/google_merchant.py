"""The XML that Google's Merchant Center takes: RSS 2.0, RSS 1.0 and Atom, with elements of the namespace g."""

from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

from catalog.feeds.formats.entries import Column, Entry, FeedError, FeedFormatError, FeedProduct
from catalog.feeds.formats.values import (
    category_of,
    filled,
    parse_availability,
    parse_quantity,
    plain_text,
    prices_of,
    split_addresses,
)

# Of an item, and of whatever stands between two of them; it bounds the memory that a file takes.
MAX_ITEM_BYTES = 1024 * 1024
ROOTS = ("rss", "feed", "RDF")
_ITEMS = ("item", "entry")
_COLUMNS = (
    Column("g:id", "product_id"),
    Column("g:image_link", "image_url"),
    Column("g:additional_image_link", "images"),
    Column("title", "metadata.name"),
    Column("description", "metadata.description"),
    Column("link", "metadata.url"),
    Column("g:price, g:sale_price", "metadata.price"),
    Column("g:availability", "metadata.in_stock"),
    Column("g:product_type, g:google_product_category", "metadata.category"),
    Column("g:brand", "metadata.brand"),
    Column("g:item_group_id", "metadata.parent_id"),
    Column("all others", "metadata, by their names"),
)


class _TooLargeError(ValueError):
    """An element of more than MAX_ITEM_BYTES."""


class _Source:
    """A file from its start. Raises _TooLargeError when too much is read since `renew`."""

    def __init__(self, file: IO[bytes]) -> None:
        file.seek(0)
        self._file = file
        self.renew()

    def renew(self) -> None:
        self._left = MAX_ITEM_BYTES

    def read(self, size: int) -> bytes:
        data = self._file.read(size)
        self._left -= len(data)
        if self._left < 0:
            raise _TooLargeError(f"an element has more than {MAX_ITEM_BYTES // 1024**2} MB")
        return data


def columns_of(file: IO[bytes]) -> tuple[Column, ...]:
    """Return what becomes of elements. Raises FeedFormatError when the file is no feed of this kind."""
    try:
        _, root = next(iterparse(_Source(file), events=("start",)))
    except (ParseError, DefusedXmlException, _TooLargeError) as error:
        raise FeedFormatError(
            f"Expected XML of Google Merchant (RSS or Atom); this is no XML that we read: {error}."
        ) from error
    if _name(root) not in ROOTS:
        raise FeedFormatError(f"Expected XML of Google Merchant, within <rss> or <feed>; this is <{_name(root)}>.")
    return _COLUMNS


def read_google_merchant(file: IO[bytes]) -> Iterator[Entry]:
    """Yield the product of each item, counted from 1."""
    source = _Source(file)
    number = items = 0
    path: list[Element] = []
    try:
        for event, element in iterparse(source, events=("start", "end")):
            is_item = _name(element) in _ITEMS
            if event == "start":
                path.append(element)
                items += is_item
                continue
            path.pop()
            items -= is_item
            if items:
                continue
            if is_item:
                number += 1
                yield _product(number, element)
            # What was read is let go, or the whole file would be in memory in the end.
            if path:
                path[-1].remove(element)
            source.renew()
    except (ParseError, DefusedXmlException, _TooLargeError) as error:
        yield FeedError(number + 1, f"From here on the file cannot be read: {error}.")


def _name(element: Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _product(number: int, item: Element) -> Entry:
    facts = _facts(item)
    product_id = _one(facts.pop("id", ""))
    if not product_id:
        return FeedError(number, "This item has no g:id.")
    images = split_addresses(_one(facts.pop("image_link", "")))
    for address in _several(facts.pop("additional_image_link", [])):
        images += split_addresses(address)
    try:
        metadata = _metadata(facts)
    except ValueError as error:
        return FeedError(number, f"price: {error}", product_id)
    return FeedProduct(number, {"product_id": product_id, "images": list(dict.fromkeys(images)), "metadata": metadata})


def _facts(item: Element) -> dict[str, Any]:
    """Return the texts of an item's elements by their names, a list where one stands several times."""
    facts: dict[str, Any] = {}
    for element in item:
        name, text = _name(element), (element.text or element.get("href") or "").strip()
        # An item has a title by RSS and one by g; the first that says something counts, as Google has it.
        if len(element) or not text:
            continue
        if name in facts and name not in ("id", "title", "link", "description", "price", "image_link"):
            facts[name] = [*_several(facts[name]), text]
        else:
            facts.setdefault(name, text)
    return facts


def _metadata(facts: dict[str, Any]) -> dict[str, Any]:
    path = _one(facts.pop("product_type", ""))
    google_category = _one(facts.get("google_product_category", ""))
    availability = _one(facts.pop("availability", ""))
    in_stock = parse_availability(availability)
    known = {
        "name": _one(facts.pop("title", "")),
        "description": plain_text(_one(facts.pop("description", "") or facts.pop("summary", ""))),
        "url": _one(facts.pop("link", "")),
        **prices_of(_one(facts.pop("price", "")), _one(facts.pop("sale_price", ""))),
        # Google's own categories may be given by number, which tells a shopper nothing.
        **category_of(path or ("" if google_category.isdecimal() else google_category)),
        "parent_id": _one(facts.pop("item_group_id", "")),
        "color": _one(facts.pop("color", "")).split("/")[0].strip(),
        "brand": _one(facts.pop("brand", "")),
        "in_stock": in_stock,
        "availability": availability if in_stock is None else "",
        "stock_quantity": parse_quantity(_one(facts.pop("quantity", ""))),
    }
    return filled(facts) | filled(known)


def _one(value: Any) -> str:
    return str(value[0]) if isinstance(value, list) else str(value)


def _several(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
