"""How fast and how exactly a catalogue is searched, through the API."""

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import redis
from django.conf import settings
from numpy.typing import NDArray

from accounts.models import Tenant
from accounts.tokens import issue_token
from bench.catalogue import Vectors
from bench.client import Client, Request
from bench.modes import PAGE
from bench.timing import percentile
from catalog.filters import All
from catalog.models import Encoder, Product
from catalog.neighbours import find_nearest
from search import query_vectors

CLIENTS = 8
# Each process of the web program loads the encoder at its first search, and so many at once come to all of them.
WARM_UP = 32


@dataclass(frozen=True)
class Spread:
    """Milliseconds that half of the requests, and 95 and 99 of a hundred, stay below."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, milliseconds: Sequence[float]) -> Self:
        return cls(*(percentile(milliseconds, percent) for percent in (50, 95, 99)))


@dataclass(frozen=True)
class SearchSpeed:
    """How long a mode's searches take: on the server, as one client sees them, and as each of CLIENTS at once does.

    `steps` are the means of one client's: what the answers' `timing_ms` say, and as `request` the rest, such as HTTP
    and JSON. `per_second` is how many requests CLIENTS get answered.
    """

    mode: str
    requests: int
    server: Spread
    alone: Spread
    crowded: Spread
    steps: dict[str, float]
    per_second: float

    @property
    def database_share(self) -> float:
        return self.steps["database"] / sum(self.steps.values())


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
    alone = _search_all(token, requests)
    _forget_queries()
    started = time.perf_counter()
    crowded = _search_at_once(token, requests)
    seconds = time.perf_counter() - started
    return SearchSpeed(
        mode=mode,
        requests=len(requests),
        server=Spread.of([search.on_server for search in alone]),
        alone=Spread.of([search.milliseconds for search in alone]),
        crowded=Spread.of([search.milliseconds for search in crowded]),
        steps=_mean_steps(alone),
        per_second=len(requests) / seconds,
    )


def _forget_queries() -> None:
    """Have every query encoded, as one that nobody has asked before."""
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        for key in client.scan_iter(f"{query_vectors.KEY}:*", count=1_000):
            client.delete(key)


@dataclass(frozen=True)
class _Search:
    milliseconds: float
    steps: dict[str, float]

    @property
    def on_server(self) -> float:
        return sum(self.steps.values())


def _search_at_once(token: str, requests: Iterable[Request]) -> list[_Search]:
    """Let CLIENTS send the requests, each over a connection of its own."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return [search for [search] in pool.map(lambda request: _search_all(token, [request]), requests)]


def _search_all(token: str, requests: Iterable[Request]) -> list[_Search]:
    with Client(token) as client:
        return [_search(client, request) for request in requests]


def _search(client: Client, request: Request) -> _Search:
    started = time.perf_counter()
    body = client.post(request)
    milliseconds = (time.perf_counter() - started) * 1000
    answers = [result["body"] for result in body["results"]] if request.path.endswith("/batch") else [body]
    for answer in answers:
        _require_full_page(request, answer)
    return _Search(milliseconds, _sum_steps([answer["timing_ms"] for answer in answers]))


def _require_full_page(request: Request, answer: Mapping[str, Any]) -> None:
    if answer["has_more"] and answer["count"] < PAGE:
        raise RuntimeError(f"A search of {request.path} shows {answer['count']} products instead of {PAGE}.")


def _sum_steps(steps: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: sum(one[name] for one in steps) for name in steps[0]}


def _mean_steps(searches: Sequence[_Search]) -> dict[str, float]:
    steps = {name: float(np.mean([search.steps[name] for search in searches])) for name in searches[0].steps}
    return steps | {"request": float(np.mean([search.milliseconds - search.on_server for search in searches]))}


def _found(tenant: Tenant, encoder: Encoder, query: NDArray[np.float32]) -> set[int]:
    nearest = find_nearest(tenant, encoder, query, filters=All(), limit=PAGE)
    return {neighbour.product_pk for neighbour in nearest}
