"""All covers of a tenant at once, as a scan compares them.

They come as PostgreSQL keeps them, by a binary COPY into one array, without an object for each: 100,000 in a second.
"""

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray

from accounts.models import Tenant
from catalog.models import Encoder, Job

# Seconds for which a process keeps what it has loaded since it was last asked for it: longer than most blocks take.
KEPT_SECONDS = 20.0
# Of PostgreSQL's binary COPY: its signature, flags and an empty extension before the rows, and a mark after them.
HEADER_BYTES, TRAILER_BYTES = 19, 2


@dataclass(frozen=True)
class Covers:
    """The different cover pictures of a tenant, by the row of the first product that has each, in ascending order.

    `products` and `families` are int64 (n,), `vectors` unit rows, float16 (n, dimensions). A family is a product with
    its variants; a picture of several families is `shared`, bool (n,).
    """

    products: NDArray[np.int64]
    families: NDArray[np.int64]
    shared: NDArray[np.bool_]
    vectors: NDArray[np.float16]


_lock = threading.Lock()
_kept: dict[int, tuple[Covers, threading.Timer]] = {}


def covers_of(job: Job) -> Covers:
    """Return the covers that a scan compares, as they were when this process first asked for them."""
    with _lock:
        known = _kept.get(job.pk)
    forget()
    covers = known[0] if known else load_covers(job.tenant, Encoder.objects.get(pk=job.options["encoder"]))
    with _lock:
        _kept[job.pk] = (covers, _timer(job.pk))
    return covers


def load_covers(tenant: Tenant, encoder: Encoder) -> Covers:
    """Return the covers of a tenant by an encoder."""
    rows = _copy(tenant, encoder)
    _, first, picture = np.unique(rows["sha256"], return_index=True, return_inverse=True)
    shared = np.zeros(len(first), dtype=np.bool_)
    shared[picture[rows["family"] != rows["family"][first][picture]]] = True
    order = np.argsort(first)
    chosen = first[order]
    return Covers(
        products=rows["product"][chosen].astype(np.int64),
        families=rows["family"][chosen].astype(np.int64),
        shared=shared[order],
        vectors=rows["vector"][chosen].astype(np.float16),
    )


def forget() -> None:
    """Let go of all covers now."""
    with _lock:
        for _, timer in _kept.values():
            timer.cancel()
        _kept.clear()


def _copy(tenant: Tenant, encoder: Encoder) -> NDArray[Any]:
    """Return a record for each product with a cover, ordered by its row, in PostgreSQL's byte order."""
    query = f"""
        COPY (
            SELECT embedding.product_id, decode(image.sha256, 'hex'),
                hashtextextended(coalesce(nullif(product.parent_id, ''), product.product_id), 0), embedding.vector
            FROM catalog_embedding AS embedding
            JOIN catalog_productimage AS image ON image.id = embedding.image_id AND image.position = 0
            JOIN catalog_product AS product ON product.id = embedding.product_id
            WHERE embedding.tenant_id = {tenant.pk} AND embedding.encoder_id = {encoder.pk}
            ORDER BY embedding.product_id
        ) TO STDOUT (FORMAT BINARY)
    """  # noqa: S608
    data = bytearray()
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for piece in copy:
            data += piece
    return np.frombuffer(memoryview(data)[HEADER_BYTES:-TRAILER_BYTES], dtype=_record(encoder.dimensions))


def _record(dimensions: int) -> np.dtype[Any]:
    """Return the type of a row of COPY: the number of its fields, then each field after its length in bytes."""
    fields: list[Any] = [("fields", ">i2")]
    fields += [("product_length", ">i4"), ("product", ">i8")]
    fields += [("sha256_length", ">i4"), ("sha256", "S32")]
    fields += [("family_length", ">i4"), ("family", ">i8")]
    fields += [("vector_length", ">i4"), ("vector_head", ">i4"), ("vector", ">f2", (dimensions,))]
    return np.dtype(fields)


def _timer(job_pk: int) -> threading.Timer:
    timer = threading.Timer(KEPT_SECONDS, _let_go, [job_pk])
    timer.daemon = True
    timer.start()
    return timer


def _let_go(job_pk: int) -> None:
    with _lock:
        _kept.pop(job_pk, None)
