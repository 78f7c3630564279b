"""A worker that is killed in the middle of a job costs time, and nothing else."""

import os
import signal
import time
from pathlib import Path

import pytest

from conftest import picture
from trooply.testing.picture_server import PictureServer

PRODUCTS = 32
# A lease of 35 s, and a look every 10 s whether somebody must be sent for.
PATIENCE_SECONDS = 100


def celery_processes(installation) -> list[int]:
    """Return the worker of this installation, parent and children."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
            environment = (process / "environ").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if b"worker" in command and f"VAR_DIR={installation.var}".encode() in environment:
            found.append(int(process.name))
    return found


@pytest.mark.skipif(not Path("/proc").exists(), reason="processes are found in /proc")
def test_a_job_survives_the_kill_of_its_worker(installation):
    with PictureServer() as shop, installation.api() as api:
        sent = [
            {
                "product_id": f"survivor-{n}",
                "image_url": shop.serve(f"/{n}.jpg", picture((n * 7, 90, 200 - n)), delay=0.5),
            }
            for n in range(PRODUCTS)
        ]
        job_id = api.post("/v1/products/bulk", json={"products": sent}).json()["job_id"]
        wait_for(lambda: 0 < api.get(f"/v1/jobs/{job_id}").json()["processed"] < PRODUCTS)
        workers = celery_processes(installation)
        assert len(workers) >= 3
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
        wait_for(lambda: api.get(f"/v1/jobs/{job_id}").json()["finished_at"])
        job = api.get(f"/v1/jobs/{job_id}").json()
        assert (job["status"], job["succeeded"], job["failed"]) == ("completed", PRODUCTS, 0)
        found = api.get("/v1/products", params={"q": "survivor-", "limit": 100}).json()["data"]
        assert sorted(product["product_id"] for product in found) == sorted(item["product_id"] for item in sent)
        assert {len(product["images"]) for product in found} == {1}


def wait_for(condition) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "this did not come about in time"
        time.sleep(0.1)
