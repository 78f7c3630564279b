"""How fast and how exactly a catalogue is searched, through the API."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import redis
from django.conf import settings
from numpy.typing import NDArray

from accounts.models import Tenant
from accounts.tokens import issue_token
from bench.catalogue import Vectors
from bench.client import Client, Request, json_request, upload_request
from bench.timing import percentile
from catalog.filters import Filters
from catalog.models import Encoder, Product
from catalog.neighbours import find_nearest
from search import query_vectors

CLIENTS = 4
PAGE = 10
# Without a threshold an answer ends at what is relevant, and these catalogues hold nothing that is.
WHOLE_PAGE = {"limit": PAGE, "threshold": 0}
# Each process of the web program loads the encoder at its first search, and so many at once come to all of them.
WARM_UP = 32


@dataclass(frozen=True)
class SearchSpeed:
    """Milliseconds of a mode's searches as one client sees them, and how many a second CLIENTS get.

    `steps` are means: what the answers' `timing_ms` say, and as `request` the rest, such as HTTP and JSON.
    """

    mode: str
    requests: int
    p50: float
    p95: float
    steps: dict[str, float]
    per_second: float

    @property
    def database_share(self) -> float:
        return self.steps["database"] / sum(self.steps.values())


def search_requests(
    count: int, *, texts: Iterable[str], pictures: Iterable[bytes], addresses: Iterable[str]
) -> dict[str, list[Request]]:
    """Return so many searches of each mode: by words, by an uploaded picture and by a picture's address."""
    by_mode = {
        "text": (json_request("/v1/search/text", {"query": text, **WHOLE_PAGE}) for text in texts),
        "upload": (upload_request("/v1/search", picture, WHOLE_PAGE) for picture in pictures),
        "url": (json_request("/v1/search/url", {"image_url": url, **WHOLE_PAGE}) for url in addresses),
    }
    return {mode: list(islice(cycle(requests), count)) for mode, requests in by_mode.items()}


def measure_searches(tenant: Tenant, requests: Mapping[str, Sequence[Request]]) -> list[SearchSpeed]:
    """Send every request once over one connection, and once more from CLIENTS that open one for each, as shoppers do.

    The few connections of CLIENTS that keep them could all come to one process of the web program.
    """
    token = issue_token(tenant)
    for mode in requests:
        _search_at_once(token, requests[mode][:WARM_UP])
    return [_measure(token, mode, requests[mode]) for mode in requests]


def measure_recall(tenant: Tenant, encoder: Encoder, vectors: Vectors, queries: NDArray[np.float32]) -> float:
    """Return which share of the PAGE nearest products is found, against comparing with every vector.

    `vectors` are those of the tenant's products in the order of ids; `queries` is float32 (n, dimensions).
    """
    products = np.array(Product.objects.filter(tenant=tenant).order_by("pk").values_list("pk", flat=True))
    rows = vectors.astype(np.float32)
    found = 0
    for query in queries:
        nearest = set(products[np.argsort(rows @ query)[-PAGE:]])
        found += len(nearest & _found(tenant, encoder, query))
    return found / (PAGE * len(queries))


def _measure(token: str, mode: str, requests: Sequence[Request]) -> SearchSpeed:
    _forget_queries()
    searches = _search_all(token, requests)
    milliseconds = [search.milliseconds for search in searches]
    _forget_queries()
    steps = {name: float(np.mean([search.steps[name] for search in searches])) for name in searches[0].steps}
    return SearchSpeed(
        mode=mode,
        requests=len(requests),
        p50=percentile(milliseconds, 50),
        p95=percentile(milliseconds, 95),
        steps=steps,
        per_second=len(requests) / _search_at_once(token, requests),
    )


def _forget_queries() -> None:
    """Have every query encoded, as one that nobody has asked before."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{query_vectors.KEY}:*", count=1_000):
            client.delete(key)


def _search_at_once(token: str, requests: Iterable[Request]) -> float:
    """Let CLIENTS send the requests, each over a connection of its own; return the seconds that they took."""
    started = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(lambda request: _search_all(token, [request]), requests))
    return time.perf_counter() - started


@dataclass(frozen=True)
class _Search:
    milliseconds: float
    steps: dict[str, float]


def _search_all(token: str, requests: Iterable[Request]) -> list[_Search]:
    with Client(token) as client:
        return [_search(client, request) for request in requests]


def _search(client: Client, request: Request) -> _Search:
    started = time.perf_counter()
    answer = client.post(request)
    milliseconds = (time.perf_counter() - started) * 1000
    if answer["count"] != PAGE:
        raise RuntimeError(f"A search of {request.path} found {answer['count']} products instead of {PAGE}.")
    steps: dict[str, float] = answer["timing_ms"]
    return _Search(milliseconds, steps | {"request": milliseconds - sum(steps.values())})


def _found(tenant: Tenant, encoder: Encoder, query: NDArray[np.float32]) -> set[int]:
    nearest = find_nearest(tenant, encoder, query, filters=Filters(), limit=PAGE)
    return {neighbour.product_pk for neighbour in nearest}
