"""Searches in every mode, as requests, without filters and with such as shoppers set."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

from bench.client import Request, json_request, upload_request

PAGE = 10
# Without a threshold an answer ends at what is relevant, and these catalogues hold nothing that is.
WHOLE_PAGE = {"limit": PAGE, "threshold": 0}
BATCH = 20
# A batch is as many searches in one request; so there are fewer of them.
BATCHES_SHARE = 0.1

# From columns and from metadata, alone and together; they leave from one in eleven hundred products to nine in ten.
FILTERS: Sequence[Mapping[str, Any]] = (
    {"filters": {"in_stock": True}},
    {"price_min": 50, "price_max": 150},
    {"filters": {"material": "wool", "in_stock": True}},
    {"filters": {"rating": {"gte": 4.5}, "sizes": ["S", "M"]}},
    {"filters": {"brand": "Brand 7"}},
    {"filters": {"brand": ["Brand 1", "Brand 2"], "material": "silk"}, "price_max": 100},
)
CLAUSES = {
    "must": [{"key": "rating", "range": {"gte": 3}}, {"key": "in_stock", "match": {"value": True}}],
    "must_not": [{"key": "material", "match": {"any": ["wool", "silk"]}}],
}

# What nl understands beside the texts' colours and kinds.
WORDS_OF_PRICE = ("under $100", "between $50 and $200", "over $300", "in stock", "cheaper than 250 dollars")
MIDDLE = {"x": 0.2, "y": 0.2, "width": 0.6, "height": 0.6}
COLORS_SOUGHT = ("#c8202f", "#2760bd", "#f2c22e", "#2f8148", "#232326", "#ee8fb0", "#9cc3e4", "#6b1828")


@dataclass(frozen=True)
class Material:
    """What to search with: words, pictures' files, their addresses, and product_ids of the catalogue."""

    texts: Sequence[str]
    pictures: Sequence[bytes]
    addresses: Sequence[str]
    product_ids: Sequence[str]


def plain_requests(material: Material, count: int) -> dict[str, list[Request]]:
    """Return so many searches by words, by an uploaded picture and by a picture's address."""
    return _taken(
        {
            "text": _json("text", ({"query": text} for text in material.texts)),
            "upload": (upload_request("/v1/search", picture, WHOLE_PAGE) for picture in material.pictures),
            "url": _json("url", ({"image_url": url} for url in material.addresses)),
        },
        count,
    )


def all_requests(material: Material, count: int, *, filtered: bool) -> dict[str, list[Request]]:
    """Return so many searches of every mode, each filtered by one of FILTERS in turns, or none."""
    filters = FILTERS if filtered else ({},)
    others = [*material.addresses[1:], material.addresses[0]]
    sentences = (f"{text} {price}" for text, price in zip(material.texts, cycle(WORDS_OF_PRICE), strict=False))
    bodies: dict[str, Iterable[Mapping[str, Any]]] = {
        "text": ({"query": text} for text in material.texts),
        "url": ({"image_url": url} for url in material.addresses),
        "hybrid": _pairs(material),
        "fusion": _pairs(material),
        "multi-image": ({"image_urls": [*pair]} for pair in zip(material.addresses, others, strict=True)),
        "crop": ({"image_url": url, "crop": MIDDLE} for url in material.addresses),
        "color": ({"color": color} for color in COLORS_SOUGHT),
        "similar": ({"product_id": product_id} for product_id in material.product_ids),
        "nl": ({"query": sentence} for sentence in sentences),
    }
    by_mode: dict[str, Iterable[Request]] = {
        mode: _json(mode, _with(fields, filters)) for mode, fields in bodies.items()
    }
    by_mode["upload"] = (
        upload_request("/v1/search", picture, {**WHOLE_PAGE, **extra})
        for picture, extra in zip(material.pictures, cycle(filters), strict=False)
    )
    if filtered:
        by_mode["filtered"] = _json("filtered", ({"query": text, "filter": CLAUSES} for text in material.texts))
    requests = _taken(by_mode, count)
    batches = _batches(_with(({"type": "text", "query": text} for text in material.texts), filters))
    return requests | _taken({f"batch of {BATCH}": batches}, max(1, round(count * BATCHES_SHARE)))


def _pairs(material: Material) -> Iterator[Mapping[str, Any]]:
    for url, text in zip(material.addresses, cycle(material.texts), strict=False):
        yield {"image_url": url, "query": text}


def _with(bodies: Iterable[Mapping[str, Any]], filters: Sequence[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for body, extra in zip(bodies, cycle(filters), strict=False):
        yield {**body, **extra}


def _json(mode: str, bodies: Iterable[Mapping[str, Any]]) -> Iterator[Request]:
    return (json_request(f"/v1/search/{mode}", {**body, **WHOLE_PAGE}) for body in bodies)


def _batches(bodies: Iterable[Mapping[str, Any]]) -> Iterator[Request]:
    endless = cycle([{**body, **WHOLE_PAGE} for body in bodies])
    while True:
        yield json_request("/v1/search/batch", {"queries": list(islice(endless, BATCH))})


def _taken(by_mode: Mapping[str, Iterable[Request]], count: int) -> dict[str, list[Request]]:
    return {mode: list(islice(cycle(requests), count)) for mode, requests in by_mode.items()}
