"""What readers of feeds find: products, what is wrong with a line, and what is left out on purpose."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Format(StrEnum):
    """What a feed may be."""

    NDJSON = "ndjson"
    CSV = "csv"
    SHOPIFY = "shopify"
    WOOCOMMERCE = "woocommerce"
    GOOGLE_MERCHANT = "google_merchant"


class FeedFormatError(ValueError):
    """A file that is none of the formats, with a sentence that says what was expected and what was seen."""


@dataclass(frozen=True)
class FeedProduct:
    """A product as POST /v1/products takes it. `line` counts from 1; in XML it is the number of the item."""

    line: int
    sent: dict[str, Any]


@dataclass(frozen=True)
class FeedError:
    """What is wrong with a line; without a `product_id` nobody knows whose line it is."""

    line: int
    message: str
    product_id: str = ""


@dataclass(frozen=True)
class Skipped:
    """A product that the feed itself says is not to be found, or that another one shows already."""

    line: int
    reason: str
    product_id: str = ""


Entry = FeedProduct | FeedError | Skipped


@dataclass(frozen=True)
class Column:
    """A column of a file, and the product's field that it becomes; "" where it is not used."""

    name: str
    field: str


@dataclass(frozen=True)
class OpenFeed:
    """A feed whose format is known. `read` goes through it once; `unit` is what its entries are counted in."""

    format: Format
    columns: tuple[Column, ...]
    read: Callable[[], Iterator[Entry]]
    unit: str = "line"
