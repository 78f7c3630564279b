"""The way of a query: see what is asked, find the nearest products, cut, and tell how long each step took."""

import math
import secrets
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accounts.models import Tenant
from analytics.search_events import record_search
from catalog.encoders import active_encoder, encoder_row
from catalog.hits import Hit, load_hits
from catalog.indexing import read_source
from catalog.neighbours import Neighbour, find_nearest
from catalog.relevance import relevance_of
from catalog.vision.encoder import Encoder
from catalog.vision.relevance import Calibration
from search.query import Query
from search.query_vectors import vector_of_picture, vector_of_text

# A shopper waits for this picture; a shop's server that is slower than that has lost them anyway.
FETCH_DEADLINE = 8.0
# A row of results, shown even where nothing fits well.
KEPT = 5


@dataclass(frozen=True)
class Answer:
    """The products found, all at least as similar as `threshold` (0..1), and the milliseconds of each step."""

    search_id: str
    query: Query
    hits: list[Hit]
    threshold: float
    timing: dict[str, float]

    @property
    def total_ms(self) -> float:
        return round(sum(self.timing.values()), 1)


@dataclass
class Stopwatch:
    """Milliseconds by step, in the order they were taken."""

    timing: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self.timing[name] = round((time.perf_counter() - started) * 1000, 1)


def answer(tenant: Tenant, query: Query) -> Answer:
    """Search, and remember that it was searched. Raises what `search` raises."""
    found = search(tenant, query)
    record_search(
        tenant,
        search_id=found.search_id,
        mode=query.mode,
        text=query.text,
        results=len(found.hits),
        milliseconds=found.total_ms,
    )
    return found


def search(tenant: Tenant, query: Query) -> Answer:
    """Return the products of a tenant that fit a query best.

    Raises PictureError when the query's picture cannot be used, EncoderError when there is no encoder.
    """
    watch = Stopwatch()
    # Asked for once: a switch to another encoder may happen at any line below.
    encoder = active_encoder()
    with watch.step("fetch"):
        picture = load_picture_bytes(query)
    with watch.step("encode"):
        vector = encode(query, picture, encoder)
    with watch.step("database"):
        calibration = relevance_of(tenant, encoder).of_mode(is_picture=bool(picture))
        nearest = find_candidates(tenant, query, vector, encoder)
        threshold = choose_threshold(query, nearest, calibration)
        hits = load_hits(cut_page(query, nearest, threshold), calibration.curve)
    search_id = f"srch_{secrets.token_hex(12)}"
    return Answer(search_id=search_id, query=query, hits=hits, threshold=threshold, timing=watch.timing)


def load_picture_bytes(query: Query) -> bytes:
    """Return the bytes of a query's picture as they were received; none when it has words only."""
    if query.image_url:
        return read_source(query.image_url, deadline=FETCH_DEADLINE)
    return query.image_data


def encode(query: Query, picture: bytes, encoder: Encoder) -> NDArray[np.float32]:
    """Return the unit vector of a query's picture or words, as float32 (dimensions,)."""
    return vector_of_picture(picture, encoder) if picture else vector_of_text(query.text, encoder)


def find_candidates(tenant: Tenant, query: Query, vector: NDArray[np.float32], encoder: Encoder) -> list[Neighbour]:
    """Return the nearest products, best first, from the first one to the last that the query's page may hold."""
    return find_nearest(tenant, encoder_row(encoder), vector, filters=query.filters, limit=query.offset + query.limit)


def choose_threshold(query: Query, nearest: Sequence[Neighbour], calibration: Calibration) -> float:
    """Return the least similarity of a result, 0..1: the one asked for, or the tenant's smart one.

    The smart one never leaves out the KEPT best: a shopper who sees nothing leaves, and weak hits are called weak.
    """
    if query.threshold is not None:
        return query.threshold
    kept = [neighbour.similarity for neighbour in nearest[:KEPT]]
    # Rounded as similarities are shown, and down, so that no result seems to be below it.
    return max(0.0, math.floor(min([calibration.threshold, *kept]) * 10_000) / 10_000)


def cut_page(query: Query, nearest: Sequence[Neighbour], threshold: float) -> list[Neighbour]:
    """Return the products of the query's page that are similar enough; one beyond a right angle counts as 0."""
    return [neighbour for neighbour in nearest[query.offset :] if max(0.0, neighbour.similarity) >= threshold]
