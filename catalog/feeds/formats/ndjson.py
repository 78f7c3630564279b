"""NDJSON: one product a line, as POST /v1/products takes it (ndjson.org)."""

from collections.abc import Callable, Iterator
from typing import IO, Any

from catalog.feeds.formats.entries import Entry, FeedError, FeedProduct

# More than the largest product with pictures inside.
MAX_LINE_BYTES = 32 * 1024 * 1024


def read_ndjson(file: IO[bytes], parse: Callable[[bytes], Any]) -> Iterator[Entry]:
    """Yield the product of each line that is not blank; `parse` reads JSON and raises ValueError."""
    file.seek(0)
    number = 0
    while line := file.readline(MAX_LINE_BYTES):
        number += 1
        if len(line) == MAX_LINE_BYTES:
            yield FeedError(
                number, f"This line has more than {MAX_LINE_BYTES // 1024**2} MB; nothing after it was read."
            )
            return
        if line.strip():
            yield _entry(number, line.removeprefix(b"\xef\xbb\xbf"), parse)


def _entry(number: int, line: bytes, parse: Callable[[bytes], Any]) -> Entry:
    try:
        product = parse(line)
    except ValueError as error:
        return FeedError(number, f"This line is no JSON: {error}.")
    return (
        FeedProduct(number, product) if isinstance(product, dict) else FeedError(number, "A product is a JSON object.")
    )
