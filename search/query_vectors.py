"""The vectors of queries, remembered in Redis: what was searched before needs neither decoding nor an encoder.

A vector is found again by its encoder's name and the exact bytes of the text or picture. Memory is bounded: there are
SLOTS places, the digest of a query says which is its own, and the latest query of a place stays in it. Vectors are kept
in half precision, which is how the database compares them: an answer is the same whether it was remembered or not.
"""

import functools
import hashlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

import numpy as np
import redis
from django.conf import settings
from numpy.typing import NDArray

from catalog.indexing import open_picture
from catalog.vision.encoder import Encoder

logger = logging.getLogger(__name__)

T = TypeVar("T")

KEY = "trooply:query-vector"
COUNTS = "trooply:query-vectors"
# With 512 dimensions a place takes 1.2 kB, so all of them 60 MB.
SLOTS = 50_000
LIFETIME = timedelta(days=1)
# An answer that takes longer than this is no gain over encoding.
TIMEOUT_SECONDS = 0.25
# After a failure Redis is left alone for so long.
PAUSE_SECONDS = 10.0
DIGEST_BYTES = hashlib.sha256().digest_size


@dataclass(frozen=True)
class Counts:
    """Queries whose vector was remembered, and those that were encoded, since Redis began to count."""

    hits: int
    misses: int


def vector_of_text(text: str, encoder: Encoder) -> NDArray[np.float32]:
    """Return the unit vector of words, as float32 (dimensions,). Raises EncoderError."""
    return _remembered(b"text", text.encode(), encoder, lambda: encoder.encode_texts([text])[0])


def vector_of_picture(data: bytes, encoder: Encoder) -> NDArray[np.float32]:
    """Return the unit vector of a picture's file, as float32 (dimensions,). Raises PictureError and EncoderError."""
    return _remembered(b"picture", data, encoder, lambda: encoder.encode_images([open_picture(data).image])[0])


def read_counts() -> Counts:
    """Return how often a vector was remembered and how often not. Raises RedisError."""
    hits, misses = _client(settings.REDIS_URL).hmget(COUNTS, "hits", "misses")
    return Counts(hits=int(hits or 0), misses=int(misses or 0))


def _remembered(
    kind: bytes, content: bytes, encoder: Encoder, encode: Callable[[], NDArray[np.float32]]
) -> NDArray[np.float32]:
    digest = hashlib.sha256(b"\0".join((encoder.name.encode(), kind, content))).digest()
    vector = _redis.call(lambda client: _look_up(client, digest, encoder.dimensions))
    if vector is None:
        encoded = encode().astype(np.float16)
        _redis.call(lambda client: _remember(client, digest, encoded))
        vector = encoded
    return vector.astype(np.float32)


def _look_up(client: redis.Redis, digest: bytes, dimensions: int) -> NDArray[np.float16] | None:
    stored = client.get(_key(digest))
    if not isinstance(stored, bytes) or len(stored) != DIGEST_BYTES + 2 * dimensions or not stored.startswith(digest):
        return None
    client.hincrby(COUNTS, "hits", 1)
    return np.frombuffer(stored, dtype=np.float16, offset=DIGEST_BYTES)


def _remember(client: redis.Redis, digest: bytes, vector: NDArray[np.float16]) -> None:
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set(_key(digest), digest + vector.tobytes(), ex=LIFETIME)
        pipeline.hincrby(COUNTS, "misses", 1)
        pipeline.execute()


def _key(digest: bytes) -> str:
    return f"{KEY}:{int.from_bytes(digest[:8]) % SLOTS}"


@functools.cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


class _PausingRedis:
    """Redis, which is left alone for a while after it has failed: searches go on without it."""

    def __init__(self) -> None:
        self._paused_until = float("-inf")

    def call(self, command: Callable[[redis.Redis], T | None]) -> T | None:
        """Return what a command returns, or None when Redis cannot be asked."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            return command(_client(settings.REDIS_URL))
        except redis.RedisError as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning("vectors of queries are not remembered", extra={"error": str(error)})
            return None

    def resume(self) -> None:
        """Ask Redis again at the next query."""
        self._paused_until = float("-inf")


_redis = _PausingRedis()
