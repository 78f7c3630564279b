"""Which format a feed has, by what is in it: nobody should have to know."""

from collections.abc import Callable
from functools import partial
from typing import IO, Any

from catalog.feeds.formats import generic_csv, google_merchant, shopify, woocommerce
from catalog.feeds.formats.entries import FeedFormatError, Format, OpenFeed
from catalog.feeds.formats.ndjson import read_ndjson
from catalog.feeds.formats.tables import Table, column_key, find_encoding, open_table

SAMPLE_BYTES = 4096
EXPECTED = "Expected NDJSON, CSV (of Shopify, WooCommerce or any other shop) or XML of Google Merchant"
# What files begin with that are often taken for feeds, and what to do about it.
_OTHERS = (
    (b"PK\x03\x04", "this is a spreadsheet or an archive. Save it as CSV."),
    (b"\xd0\xcf\x11\xe0", "this is a spreadsheet of Excel. Save it as CSV."),
    (b"\x1f\x8b", "this is compressed. Unpack it first."),
    (b"%PDF", "this is a PDF."),
)


def open_feed(file: IO[bytes], parse_json: Callable[[bytes], Any], format_: Format | None = None) -> OpenFeed:
    """Return a feed as the format that it has, or that it is said to have. Raises FeedFormatError.

    `parse_json` reads a line of NDJSON and raises ValueError.
    """
    file.seek(0)
    start = file.read(SAMPLE_BYTES)
    if not start.strip():
        raise FeedFormatError(f"{EXPECTED}; the file is empty.")
    for mark, told in _OTHERS:
        if start.startswith(mark):
            raise FeedFormatError(f"{EXPECTED}; {told}")
    encoding = find_encoding(file)
    begin = start.decode(encoding, errors="ignore").lstrip("\ufeff \t\r\n")[:1]
    if format_ is None and begin == "[":
        raise FeedFormatError(f"{EXPECTED}; this is a JSON array. Write one object a line, without brackets.")
    if format_ is Format.NDJSON or (format_ is None and begin == "{"):
        return OpenFeed(Format.NDJSON, (), partial(read_ndjson, file, parse_json))
    if format_ is Format.GOOGLE_MERCHANT or (format_ is None and begin == "<"):
        columns = google_merchant.columns_of(file)
        return OpenFeed(
            Format.GOOGLE_MERCHANT, columns, partial(google_merchant.read_google_merchant, file), unit="item"
        )
    return _open_table(open_table(file, encoding), format_)


def _open_table(table: Table, format_: Format | None) -> OpenFeed:
    keys = {column_key(column) for column in table.columns}
    if format_ is Format.SHOPIFY or (format_ is None and shopify.is_shopify(keys)):
        return OpenFeed(Format.SHOPIFY, shopify.columns_of(table), partial(shopify.read_shopify, table))
    if format_ is Format.WOOCOMMERCE or (format_ is None and woocommerce.is_woocommerce(keys)):
        return OpenFeed(Format.WOOCOMMERCE, woocommerce.columns_of(table), partial(woocommerce.read_woocommerce, table))
    return OpenFeed(Format.CSV, generic_csv.columns_of(table), partial(generic_csv.read_csv, table))
