import re

from django.conf import settings
from django.test import Client

from trooply.celery import app as celery_app


def test_the_process_says_that_it_is_there():
    response = Client().get("/healthz")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_readiness_tells_of_every_part(db):
    body = Client().get("/readyz").json()
    assert body["status"] == "ready"
    assert body["encoder"] == {"ok": True, "name": settings.ENCODER, "dimensions": 384}
    assert set(body["queues"]) == {"ok", "indexing", "webhooks", "housekeeping"}


def test_readiness_tells_how_many_messages_wait(db):
    with celery_app.connection_for_write() as broker, broker.SimpleQueue("webhooks") as queue:
        queue.clear()
        queue.put("one")
        queue.put("two")
        body = Client().get("/readyz").json()
        queue.clear()
    assert body["queues"] == {"ok": True, "indexing": 0, "webhooks": 2, "housekeeping": 0}


def test_without_the_broker_the_process_is_not_ready(db, monkeypatch):
    monkeypatch.setattr(celery_app.conf, "broker_read_url", "redis://127.0.0.1:1/0")
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["queues"]) == (503, {"ok": False, "error": "OperationalError"})


def test_without_redis_the_process_is_alive_but_not_ready(db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    response = Client().get("/readyz")
    assert response.status_code == 503
    assert (response.json()["redis"]["ok"], response.json()["database"]["ok"]) == (False, True)
    assert Client().get("/healthz").status_code == 200


def test_without_its_bundle_the_encoder_is_not_ready(db, settings):
    settings.ENCODER = "no-such-bundle"
    response = Client().get("/readyz")
    assert (response.status_code, response.json()["encoder"]["ok"]) == (503, False)


def test_metrics_count_the_vectors_of_queries(owner):
    before = read_metrics()
    for text in ("a query of this test alone", "a query of this test alone", "and another"):
        owner.client.post("/v1/search/text", {"query": text})
    after = read_metrics()
    assert {name: after[name] - before[name] for name in after} == {"remembered": 1, "encoded": 2}


def read_metrics():
    response = Client().get("/metrics")
    assert (response.status_code, response["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    lines = response.content.decode().splitlines()
    assert lines[:2] == [
        "# HELP trooply_query_vectors_total Searches by where the vector of the query came from.",
        "# TYPE trooply_query_vectors_total counter",
    ]
    found = [re.fullmatch(r'trooply_query_vectors_total{vector="(\w+)"} (\d+)', line) for line in lines[2:]]
    return {match[1]: int(match[2]) for match in found}


def test_without_redis_there_are_no_metrics(settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert Client().get("/metrics").status_code == 503
