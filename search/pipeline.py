"""The way of a query: see what is asked, find the nearest products, cut, and tell how long each step took."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from accounts.models import Tenant
from analytics.search_events import record_search
from catalog.encoders import active_encoder, encoder_row
from catalog.hits import Hit, load_hits
from catalog.indexing import load_picture
from catalog.neighbours import find_nearest
from catalog.vision.decode import decode
from search.query import Query

# A shopper waits for this picture; a shop's server that is slower than that has lost them anyway.
FETCH_DEADLINE = 8.0


@dataclass(frozen=True)
class Answer:
    """The products found, and the milliseconds of each step."""

    search_id: str
    query: Query
    hits: list[Hit]
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
    with watch.step("fetch"):
        image = load_image(query)
    with watch.step("encode"):
        vector = encode(query, image)
    with watch.step("database"):
        hits = find_hits(tenant, query, vector)
    return Answer(search_id=f"srch_{secrets.token_hex(12)}", query=query, hits=hits, timing=watch.timing)


def load_image(query: Query) -> Image | None:
    """Return the picture of a query, fetched and decoded, or None when it has words only."""
    if query.image_data:
        return decode(query.image_data)
    if query.image_url:
        return load_picture(query.image_url, deadline=FETCH_DEADLINE).image
    return None


def encode(query: Query, image: Image | None) -> NDArray[np.float32]:
    """Return the unit vector of a query's picture or words."""
    encoder = active_encoder()
    vectors = encoder.encode_images([image]) if image is not None else encoder.encode_texts([query.text])
    vector: NDArray[np.float32] = vectors[0]
    return vector


def find_hits(tenant: Tenant, query: Query, vector: NDArray[np.float32]) -> list[Hit]:
    """Return the page of products that a query asks for, all at least as similar as its threshold."""
    nearest = find_nearest(
        tenant,
        encoder_row(active_encoder()),
        vector,
        filters=query.filters,
        limit=query.offset + query.limit,
    )
    page = [neighbour for neighbour in nearest[query.offset :] if neighbour.similarity >= query.threshold]
    return load_hits(page)
