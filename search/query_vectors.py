"""What queries look like, remembered in Redis: what was searched before needs neither decoding nor an encoder.

The vector of words, or the vector and the sight of a picture, is found again by the encoder's name and the exact bytes
of the text or picture. With a picture goes what the detector of nudity has told: a search is judged by the policy of
its day. Memory is bounded: there are SLOTS places, the digest of a query says which is its own, and the
latest query of a place stays in it. Vectors are kept in half precision, which is how the database compares them: an
answer is the same whether it was remembered or not.
"""

import functools
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import redis
from django.conf import settings
from numpy.typing import NDArray

from catalog.indexing import open_picture
from catalog.moderation.scores import detects_nudity, find_nudity
from catalog.pictures.pausing_redis import PausingRedis
from catalog.vision.encoder import Encoder
from search.query_sight import Sight, sight_of

KEY = "trooply:query-vector"
COUNTS = "trooply:query-vectors"
# With 512 dimensions a place takes 1.2 kB, and one of a picture 2.2 kB, so all of them at most 110 MB.
SLOTS = 50_000
LIFETIME = timedelta(days=1)
# An answer that takes longer than this is no gain over encoding.
TIMEOUT_SECONDS = 0.25
# Pictures of queries that are looked at in one process at once, beside the encoder.
CONCURRENT_SIGHTS = 4
# To be raised when something else is seen in the same query: what is remembered is then seen anew.
VERSION = 2
FLOAT_BYTES = 2


@dataclass(frozen=True)
class Counts:
    """Queries whose vector was remembered, and those that were encoded, since Redis began to count."""

    hits: int
    misses: int


@dataclass(frozen=True)
class SeenPicture:
    """The unit vector of a picture, float32 (dimensions,), what is seen in it, and what the detector tells, 0..1."""

    vector: NDArray[np.float32]
    sight: Sight
    nudity: float | None


def vector_of_text(text: str, encoder: Encoder) -> NDArray[np.float32]:
    """Return the unit vector of words, as float32 (dimensions,). Raises EncoderError."""
    stored = _remembered(b"text", text.encode(), encoder, lambda: _pack(encoder.encode_texts([text])[0]))
    return _unpack(stored, encoder)


def look_at(data: bytes, encoder: Encoder) -> SeenPicture:
    """Return what a picture's file looks like. Raises PictureError and EncoderError."""

    def look() -> bytes:
        image = open_picture(data).image
        # The encoder lets other threads run meanwhile.
        sight = _beside.submit(sight_of, image)
        vector = _pack(encoder.encode_images([image])[0])
        return b"".join([vector, json.dumps(find_nudity([image])).encode(), sight.result().to_json()])

    stored = _remembered(b"picture, nudity detected" if detects_nudity() else b"picture", data, encoder, look)
    nudity, told, sight = stored[FLOAT_BYTES * encoder.dimensions :].partition(b"]")
    return SeenPicture(_unpack(stored, encoder), Sight.from_json(sight), json.loads(nudity + told)[0])


def read_counts() -> Counts:
    """Return how often a vector was remembered and how often not. Raises RedisError."""
    hits, misses = _client(settings.REDIS_URL).hmget(COUNTS, "hits", "misses")
    return Counts(hits=int(hits or 0), misses=int(misses or 0))


def _pack(vector: NDArray[np.float32]) -> bytes:
    return vector.astype(np.float16).tobytes()


def _unpack(stored: bytes, encoder: Encoder) -> NDArray[np.float32]:
    return np.frombuffer(stored, dtype=np.float16, count=encoder.dimensions).astype(np.float32)


def _remembered(kind: bytes, content: bytes, encoder: Encoder, make: Callable[[], bytes]) -> bytes:
    maker = f"{encoder.name} {encoder.dimensions} {VERSION}".encode()
    digest = hashlib.sha256(b"\0".join((maker, kind, content))).digest()
    stored = _redis.call(lambda client: _look_up(client, digest))
    if stored is not None:
        return stored
    made = make()
    _redis.call(lambda client: _remember(client, digest, made))
    return made


def _look_up(client: redis.Redis, digest: bytes) -> bytes | None:
    stored = client.get(_key(digest))
    if not isinstance(stored, bytes) or not stored.startswith(digest):
        return None
    client.hincrby(COUNTS, "hits", 1)
    return stored.removeprefix(digest)


def _remember(client: redis.Redis, digest: bytes, made: bytes) -> None:
    with client.pipeline(transaction=False) as pipeline:
        pipeline.set(_key(digest), digest + made, ex=LIFETIME)
        pipeline.hincrby(COUNTS, "misses", 1)
        pipeline.execute()


def _key(digest: bytes) -> str:
    return f"{KEY}:{int.from_bytes(digest[:8]) % SLOTS}"


@functools.cache
def _client(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS)


_redis = PausingRedis("vectors of queries are not remembered", timeout=TIMEOUT_SECONDS)
_beside = ThreadPoolExecutor(CONCURRENT_SIGHTS, thread_name_prefix="sight")
