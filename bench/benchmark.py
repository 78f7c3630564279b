"""The whole benchmark in its order: index, search, read the memory, compare with a plain loop."""

import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from django.core.management import call_command
from django.db import connection
from numpy.typing import NDArray

from accounts.models import Tenant
from bench.catalogue import create_tenant, load_catalogue, load_others, product_ids
from bench.client import Request
from bench.comparison import Loop, compare_loops
from bench.duplicates import DuplicateScanSpeed, measure_duplicates
from bench.encoder_alone import EncoderSpeed
from bench.indexing import (
    IndexingSpeed,
    IndexingStages,
    measure_encoder_best,
    measure_indexing,
    measure_stages,
)
from bench.machine import Machine, describe_machine
from bench.memory import memory_of_background, memory_of_servers, memory_of_web
from bench.modes import Material, all_requests, plain_requests
from bench.patching import PatchSpeed, measure_patch_batch
from bench.pictures import describe_pictures, draw_pictures, served
from bench.processes import Memory
from bench.programs import running
from bench.searching import SearchSpeed, measure_recall, measure_searches
from bench.webhooks import WebhookSpeed, measure_webhooks
from catalog.encoders import active_encoder, encoder_row
from catalog.models import Embedding
from catalog.vector_index import build_missing_indexes

# Pictures that the worker's processes see beforehand, to load the encoder.
WARM_UP = 32
STAGES_SAMPLE = 64
RECALL_SAMPLE = 100
# The largest catalogue is one among so many shops, and each of the others has so many products.
SHOPS = 100
ROWS_OF_OTHERS = 200
# One request of a feed of prices, and events for each of four endpoints.
PATCHED = 10_000
EVENTS = 1_000
WARM_UP_EVENTS = 50


@dataclass(frozen=True)
class BuiltIndex:
    """The HNSW index of a catalogue: seconds to build it, megabytes on disk."""

    seconds: float
    megabytes: float


@dataclass(frozen=True)
class CatalogueSpeed:
    """What searching a catalogue of so many rows takes; one without an index is compared as a whole.

    `recall` is the share of the ten nearest products that is found, 0 to 1, by what is searched with. `filtered` are
    the searches with filters.
    """

    rows: int
    index: BuiltIndex | None
    recall: dict[str, float]
    searches: list[SearchSpeed]
    filtered: list[SearchSpeed]


@dataclass(frozen=True)
class CareSpeed:
    """What keeping a catalogue takes: changing prices, telling of changes, and looking for duplicates."""

    patching: PatchSpeed
    webhooks: WebhookSpeed
    scans: list[DuplicateScanSpeed]


@dataclass(frozen=True)
class Results:
    """Everything that one run has measured."""

    machine: Machine
    indexing: IndexingSpeed
    encoder: EncoderSpeed
    stages: IndexingStages
    care: CareSpeed
    catalogues: list[CatalogueSpeed]
    memory: list[Memory]
    loops: list[Loop]


def run(*, pictures: int, rows: Sequence[int], requests: int, scans: Sequence[int]) -> Results:
    """Measure everything, in an empty database."""
    call_command("migrate", verbosity=0)
    machine = describe_machine()
    _say(f"Drawing {pictures:,} pictures")
    drawn, texts = draw_pictures(pictures), describe_pictures(max(requests, RECALL_SAMPLE))
    with served(drawn) as addresses, running("web"):
        shop = create_tenant("Pictures")
        with running("worker", "beat"):
            measure_indexing(create_tenant("Warm-up"), addresses[:WARM_UP])
            _say(f"Indexing {pictures:,} pictures")
            indexing = measure_indexing(shop, addresses)
            background = memory_of_background()
        _say("Giving the encoder alone the same pictures")
        encoder = measure_encoder_best(drawn)
        stages = measure_stages(create_tenant("Stages"), addresses[:STAGES_SAMPLE])
        seen = _vectors_of(shop)
        queries = {
            "pictures": seen[:RECALL_SAMPLE],
            "words": active_encoder().encode_texts(texts[:RECALL_SAMPLE]),
        }
        *small, large = sorted(rows)
        with running("worker", "beat"):
            care = _measure_care(seen, scans)
        material = Material(texts, drawn, addresses, product_ids(min(requests, large)))
        plain = plain_requests(material, requests)
        catalogues = [_measure_catalogue(size, seen, queries, plain) for size in small]
        _say(f"Loading {SHOPS - 1} other shops")
        others = [create_tenant(f"Shop {number}") for number in range(1, SHOPS)]
        load_others(others, encoder_row(active_encoder()), seen, ROWS_OF_OTHERS)
        modes, filtered = (all_requests(material, requests, filtered=choice) for choice in (False, True))
        catalogues.append(_measure_catalogue(large, seen, queries, modes, filtered))
        memory = [*memory_of_web(), *background, *memory_of_servers()]
    _say("Comparing with a plain open_clip loop")
    loops = compare_loops(drawn, texts, rows)
    return Results(machine, indexing, encoder, stages, care, catalogues, memory, loops)


def _measure_care(seen: NDArray[np.float32], scanned: Sequence[int]) -> CareSpeed:
    _say("Changing prices")
    shop = create_tenant("Prices")
    load_catalogue(shop, encoder_row(active_encoder()), seen, PATCHED)
    patching = measure_patch_batch(shop, list(shop.products.values_list("product_id", flat=True)))
    _say("Delivering webhooks")
    measure_webhooks(create_tenant("First webhooks"), WARM_UP_EVENTS)
    webhooks = measure_webhooks(create_tenant("Webhooks"), EVENTS)
    scans = []
    for size in scanned:
        _say(f"Looking for duplicates among {size:,} products")
        scans.append(measure_duplicates(seen, size))
    return CareSpeed(patching, webhooks, scans)


def _measure_catalogue(
    rows: int,
    seen: NDArray[np.float32],
    queries: Mapping[str, NDArray[np.float32]],
    searches: Mapping[str, Sequence[Request]],
    filtered: Mapping[str, Sequence[Request]] = MappingProxyType({}),
) -> CatalogueSpeed:
    _say(f"Loading and searching {rows:,} rows")
    tenant, encoder = create_tenant(f"{rows} rows"), encoder_row(active_encoder())
    vectors = load_catalogue(tenant, encoder, seen, rows)
    return CatalogueSpeed(
        rows=rows,
        index=_build_index(),
        recall={kind: measure_recall(tenant, encoder, vectors, sample) for kind, sample in queries.items()},
        searches=measure_searches(tenant, searches),
        filtered=measure_searches(tenant, filtered),
    )


def _build_index() -> BuiltIndex | None:
    """Build the index that the newest catalogue lacks; return None when it is too small for one."""
    started = time.perf_counter()
    built = build_missing_indexes()
    seconds = time.perf_counter() - started
    if not built:
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_relation_size(%s)", [built[0].name])
        return BuiltIndex(seconds=seconds, megabytes=cursor.fetchone()[0] / 1e6)


def _vectors_of(tenant: Tenant) -> NDArray[np.float32]:
    vectors = Embedding.objects.filter(tenant=tenant).order_by("pk").values_list("vector", flat=True)
    return np.array(list(vectors), dtype=np.float32)


def _say(line: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)
