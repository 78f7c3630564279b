"""How fast products are indexed: end to end through the API, and where the time of one picture goes."""

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from unittest import mock

from django.conf import settings

from accounts.models import Tenant
from accounts.tokens import issue_token
from bench.client import Client, json_request
from bench.encoder_alone import EncoderSpeed, measure_encoder
from bench.timing import Stages
from catalog import indexing
from catalog.documents import ProductDocument
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder, encoder_row
from catalog.jobs.steps import STEPS
from catalog.models import JobItem, ModerationEvent

POLL_SECONDS = 0.25
# A job that settles nothing for so long has lost its worker.
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True)
class IndexingSpeed:
    """`pictures` sent as one bulk job and the seconds until it was completed."""

    pictures: int
    seconds: float

    @property
    def per_second(self) -> float:
        return self.pictures / self.seconds


@dataclass(frozen=True)
class IndexingStages:
    """Milliseconds of a picture by stage: the mean over `pictures`, indexed one by one in one process."""

    pictures: int
    milliseconds: dict[str, float]


def measure_indexing(tenant: Tenant, addresses: Sequence[str]) -> IndexingSpeed:
    """Index a product for each address in a bulk job, timed from the request to the job's completion."""
    products = [
        {"product_id": f"product-{number}", "image_url": address, "metadata": {"name": f"Product {number}"}}
        for number, address in enumerate(addresses)
    ]
    request = json_request("/v1/products/bulk", {"products": products})
    with Client(issue_token(tenant)) as client:
        started = time.perf_counter()
        job = finished_job(client, client.post(request)["job_id"])
        seconds = time.perf_counter() - started
    if job["succeeded"] != len(products):
        raise RuntimeError(f"Only {job['succeeded']} of {len(products)} products were indexed: {job['errors'][:3]}")
    return IndexingSpeed(pictures=len(products), seconds=seconds)


def measure_encoder_best(pictures: Sequence[bytes]) -> EncoderSpeed:
    """Measure the encoder alone, in as many processes as the worker has and with as many threads each."""
    bundle = settings.ENCODER_DIR / encoder_row(active_encoder()).bundle
    # As the Procfile has it.
    processes = int(os.environ.get("WORKER_PROCESSES", "2"))
    threads = int(os.environ.get("WORKER_ENCODER_THREADS", "1"))
    return measure_encoder(bundle, pictures, processes=processes, threads=threads)


def share_of_encoder(indexing: IndexingSpeed, encoder: EncoderSpeed) -> float:
    """Return how fast products are indexed end to end, as a share of the encoder's own best speed."""
    return indexing.per_second / encoder.best


def measure_stages(tenant: Tenant, addresses: Sequence[str]) -> IndexingStages:
    """Index products in this process, without overlapping downloads, and time each stage."""
    documents = [
        ProductDocument(product_id=f"sample-{number}", images=(address,)) for number, address in enumerate(addresses)
    ]
    heads_of(active_encoder())
    stages = Stages()
    with _instrumented(stages):
        chunk = STEPS[JobItem.Action.INDEX].chunk
        for start in range(0, len(documents), chunk):
            with stages.stage("all"):
                indexing.index_products(tenant, documents[start : start + chunk], surface=ModerationEvent.Surface.BULK)
    return IndexingStages(
        pictures=len(documents),
        milliseconds={name: spent / len(documents) for name, spent in _disjoint(stages.milliseconds).items()},
    )


def finished_job(client: Client, job_id: str) -> dict[str, Any]:
    """Return a job once it has finished. Raises RuntimeError when it stands still."""
    processed, deadline = -1, 0.0
    while True:
        job = client.get(f"/v1/jobs/{job_id}")
        if job["finished_at"] is not None:
            return job
        if job["processed"] != processed:
            processed, deadline = job["processed"], time.monotonic() + PATIENCE_SECONDS
        if time.monotonic() > deadline:
            raise RuntimeError(f"The job stands still at {processed} of {job['total']}; see worker.log.")
        time.sleep(POLL_SECONDS)


def _instrumented(stages: Stages) -> ExitStack:
    """Time the steps that the indexing pipeline calls."""
    encoder: Any = active_encoder()
    with ExitStack() as patches:
        patches.enter_context(mock.patch.object(indexing, "CONCURRENT_DOWNLOADS", 1))
        for owner, function, name in (
            (indexing, "fetch", "fetch"),
            (indexing, "decode", "decode"),
            (indexing, "extract_features", "look"),
            (encoder, "encode_images", "encode"),
            (indexing, "store_thumbnail", "thumbnail"),
        ):
            timed = stages.timed(name, getattr(owner, function))
            patches.enter_context(mock.patch.object(owner, function, timed))
        return patches.pop_all()


def _disjoint(spent: dict[str, float]) -> dict[str, float]:
    """Return stages that add up to the whole: looking includes encoding, and the rest is storing."""
    seen = spent["fetch"] + spent["decode"] + spent["look"] + spent["thumbnail"]
    return {
        "fetch": spent["fetch"],
        "decode": spent["decode"],
        "encode": spent["encode"],
        "features": spent["look"] - spent["encode"],
        "thumbnail": spent["thumbnail"],
        "database": spent["all"] - seen,
    }
