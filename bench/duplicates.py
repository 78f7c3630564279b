"""How long a scan for near-duplicates takes, and whether it finds those that were put there."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accounts.tokens import issue_token
from bench.catalogue import create_tenant, load_catalogue
from bench.client import Client, json_request
from bench.indexing import finished_job
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.models import DuplicateGroup, Embedding

# Pairs that are put into a catalogue, and what they are called: the least that a scan is to find, and a little more.
PLANTED = 100
PLANTED_SIMILARITY = 0.96


@dataclass(frozen=True)
class DuplicateScanSpeed:
    """A scan of a catalogue of `rows` products: seconds from the request to the last step, and how many those were.

    `planted` pairs of near-duplicates were put into the catalogue, and the scan `found` so many of them.
    """

    rows: int
    seconds: float
    steps: int
    planted: int
    found: int


def measure_duplicates(seen: NDArray[np.float32], rows: int) -> DuplicateScanSpeed:
    """Load a catalogue of `rows` products into a tenant of its own and scan it, while web and worker run.

    `seen` are the unit vectors of pictures, float32 (n, dimensions), that the catalogue is scattered from.
    """
    tenant, encoder = create_tenant(f"Duplicates among {rows}"), encoder_row(active_encoder())
    vectors = load_catalogue(tenant, encoder, seen, rows)
    embeddings = list(Embedding.objects.filter(tenant=tenant).order_by("pk").defer("vector")[: 2 * PLANTED])
    pairs = list(zip(embeddings[::2], embeddings[1::2], strict=True))
    for number, (_, copy) in enumerate(pairs):
        copy.vector = _near(vectors[2 * number].astype(np.float32), number)
    Embedding.objects.bulk_update([copy for _, copy in pairs], ["vector"])
    with Client(issue_token(tenant)) as client:
        started = time.perf_counter()
        job = finished_job(client, client.post(json_request("/v1/duplicates/scan", {}))["job_id"])
        seconds = time.perf_counter() - started
    groups = DuplicateGroup.objects.filter(tenant=tenant).prefetch_related("members")
    grouped = [{member.product_id for member in group.members.all()} for group in groups]
    found = sum(any({one.product_id, copy.product_id} <= members for members in grouped) for one, copy in pairs)
    return DuplicateScanSpeed(rows=rows, seconds=seconds, steps=job["total"], planted=len(pairs), found=found)


def _near(vector: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Return a unit vector that lies so far from a unit vector as is called PLANTED_SIMILARITY."""
    cosine = heads_of(active_encoder()).duplicates.cosine(PLANTED_SIMILARITY)
    aside = np.random.default_rng(seed).normal(size=vector.shape)
    aside -= (aside @ vector) * vector
    aside *= np.sqrt(1 - cosine**2) / np.linalg.norm(aside)
    return np.asarray(cosine * vector + aside, dtype=np.float32)
