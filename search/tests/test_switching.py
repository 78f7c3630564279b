"""The encoder is changed and changed back while shoppers search and merchants index, each in a process of its own."""

import base64
import os
import subprocess
import sys
import threading
import time
from itertools import cycle, groupby

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection

from catalog import encoders
from catalog.models import Encoder
from catalog.reindexing import pictures_without_vector
from catalog.tests.second_encoder import make_second_encoder
from conftest import picture, signed_in
from search import pipeline, query_vectors
from trooply.testing.database import database_url

COLORS = {"red": (220, 20, 20), "green": (20, 160, 40), "blue": (20, 40, 220), "black": (0, 0, 0)}
TEXTS = ("a red ball", "something green", "blue", "a black disc")
SHOPPERS = 2
# Searches that each shopper still makes after a switch.
AFTERWARDS = 10
PATIENCE_SECONDS = 600.0


class Shopper(threading.Thread):
    """Searches until told to stop, and keeps every answer in order, with its query."""

    def __init__(self, tenant, queries):
        super().__init__()
        self.client = signed_in(tenant)
        self.queries = cycle(queries)
        self.answers = []
        self.failures = []
        self._stopped = threading.Event()

    def run(self):
        try:
            while not self._stopped.is_set():
                query = next(self.queries)
                self.answers.append((query, search(self.client, query)))
        except Exception as error:  # noqa: BLE001 - whatever it is, the test must see it
            self.failures.append(repr(error))
        finally:
            connection.close()

    def stop(self):
        self._stopped.set()
        self.join()


class Merchant(Shopper):
    """Sends new products and new pictures of an old one."""

    def __init__(self, tenant):
        super().__init__(tenant, range(1_000_000))

    def run(self):
        try:
            while not self._stopped.wait(0.2):
                number = next(self.queries)
                send(self.client, f"new-{number}", (number % 256, 90, 90))
                send(self.client, "changing", (90, number % 256, 90))
        except Exception as error:  # noqa: BLE001 - as above
            self.failures.append(repr(error))
        finally:
            connection.close()


def send(client, product_id, color):
    encoded = base64.b64encode(picture(color, size=(64, 64))).decode()
    response = client.post("/v1/products", {"product_id": product_id, "image_base64": encoded})
    assert response.status_code in (200, 201), response.content


def search(client, query):
    """Return a search's answer as (product, similarity) pairs, best first; `query` is words or a colour."""
    if isinstance(query, str):
        response = client.post("/v1/search/text", {"query": query})
    else:
        upload = SimpleUploadedFile("query.png", picture(query, file_format="PNG"), "image/png")
        response = client.post("/v1/search", {"image": upload}, format="multipart")
    assert response.status_code == 200, response.content
    return tuple((result["product_id"], result["similarity_score"]) for result in response.json()["results"])


def switch_to(encoder, var):
    """Run `manage.py reindex` as an operator does; return what it printed."""
    environment = {"DATABASE_URL": database_url(), "REDIS_URL": settings.REDIS_URL, "VAR_DIR": str(var)}
    run = subprocess.run(
        [sys.executable, "manage.py", "reindex", "--encoder", encoder],
        cwd=settings.BASE_DIR,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def wait_for_answers(shoppers):
    """Wait until the switch has reached this process and each shopper has then searched AFTERWARDS times."""
    wanted = Encoder.objects.get(state=Encoder.State.SERVING).name
    deadline = time.monotonic() + PATIENCE_SECONDS
    while encoders.active_encoder().name != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    counts = [len(shopper.answers) + AFTERWARDS for shopper in shoppers]
    while any(
        shopper.is_alive() and len(shopper.answers) < count for shopper, count in zip(shoppers, counts, strict=True)
    ):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_no_search_fails_or_is_empty_or_mixes_encoders_during_a_switch(
    transactional_db, owner, stranger, index, tmp_path, monkeypatch
):
    # So few places that some vectors are remembered and others are not.
    monkeypatch.setattr(query_vectors, "SLOTS", 3)
    index(**COLORS)
    send(stranger.client, "changing", (90, 0, 90))
    second = make_second_encoder(settings.ENCODER_DIR / settings.ENCODER, tmp_path / "second")
    queries = (*TEXTS, COLORS["red"], COLORS["blue"])
    of_first = {query: search(owner.client, query) for query in queries}
    shoppers = [Shopper(owner.tenant, queries[start:] + queries[:start]) for start in range(SHOPPERS)]
    of_merchant, merchant = Shopper(stranger.tenant, TEXTS), Merchant(stranger.tenant)
    everybody = [*shoppers, of_merchant, merchant]
    watcher = encoders.Watcher()
    for thread in (watcher, *everybody):
        thread.start()
    try:
        printed = switch_to(second, tmp_path)
        wait_for_answers([*shoppers, of_merchant])
        of_second = {query: search(owner.client, query) for query in queries}
        missing_in_second = pictures_without_vector("second").count()
        switch_to(settings.ENCODER, tmp_path)
        wait_for_answers([*shoppers, of_merchant])
        missing_in_first = pictures_without_vector(settings.ENCODER).count()
    finally:
        for thread in (*everybody, watcher):
            thread.stop()
    assert f"second serves now. To switch back: manage.py reindex --encoder {settings.ENCODER}" in printed
    assert [thread.failures for thread in everybody] == [[]] * len(everybody)
    assert all(answer for _, answer in of_merchant.answers)
    assert stranger.tenant.products.count() > 2
    assert (missing_in_second, missing_in_first) == (0, 0)
    for query in queries:
        assert len(of_first[query]) == len(of_second[query]) == len(COLORS)
        assert of_first[query] != of_second[query]
    for shopper in shoppers:
        givers = [given_by(answer, first=of_first[query], second=of_second[query]) for query, answer in shopper.answers]
        assert [name for name, _ in groupby(givers)] == ["first", "second", "first"]


def given_by(answer, *, first, second):
    if answer == first:
        return "first"
    return "second" if answer == second else f"neither: {answer}"


def test_a_switch_in_the_midst_of_a_search_changes_the_next_one(owner, index, tmp_path, monkeypatch):
    index(**COLORS)
    bundle = make_second_encoder(settings.ENCODER_DIR / settings.ENCODER, tmp_path / "second")
    of_first = search(owner.client, TEXTS[0])
    call_command("reindex", encoder=bundle, no_switch=True, verbosity=0)
    encode = pipeline.encode

    def encode_and_switch(*args):
        vector = encode(*args)
        encoders.serve_with(Encoder.objects.get(name="second"))
        encoders.forget()
        assert encoders.active_encoder().name == "second"
        return vector

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "encode", encode_and_switch)
        assert search(owner.client, TEXTS[0]) == of_first
    assert search(owner.client, TEXTS[0]) != of_first
