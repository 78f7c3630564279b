"""Is this process alive, can it do its work, and how does it fare? For load balancers and the people on call."""

import logging
from collections.abc import Callable
from typing import Any

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from kombu.exceptions import OperationalError

from catalog.encoders import LostEncoderError, active_encoder, setting_note
from catalog.vision.encoder import EncoderError
from search.query_vectors import read_counts
from trooply.celery import app

logger = logging.getLogger(__name__)

QUEUES = ("indexing", "webhooks", "housekeeping")
# Load balancers give up on a probe after a few seconds, and ask again soon.
TIMEOUT_SECONDS = 2


def healthz(request: HttpRequest) -> JsonResponse:
    """Answer as long as the process can answer."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when database, Redis and encoder work, else 503 with what does not; tells the depth of each queue."""
    parts = {
        "database": _probe("database", _database, DatabaseError),
        "redis": _probe("redis", _redis, redis.RedisError),
        "encoder": _probe("encoder", _encoder, EncoderError),
        "queues": _probe("queues", _queue_depths, OperationalError),
    }
    is_ready = all(part["ok"] for part in parts.values())
    body = {"status": "ready" if is_ready else "unavailable", **parts}
    return JsonResponse(body, status=200 if is_ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with the installation's counters as Prometheus reads them (text format 0.0.4), or 503 without Redis."""
    try:
        counts = read_counts()
    except redis.RedisError as error:
        logger.warning("no metrics", extra={"error": str(error)})
        return HttpResponse(status=503)
    lines = [
        "# HELP trooply_query_vectors_total Searches by where the vector of the query came from.",
        "# TYPE trooply_query_vectors_total counter",
        f'trooply_query_vectors_total{{vector="remembered"}} {counts.hits}',
        f'trooply_query_vectors_total{{vector="encoded"}} {counts.misses}',
    ]
    return HttpResponse("\n".join([*lines, ""]), content_type="text/plain; version=0.0.4; charset=utf-8")


def _probe(name: str, measure: Callable[[], dict[str, Any]], *failures: type[Exception]) -> dict[str, Any]:
    try:
        return {"ok": True, **measure()}
    except failures as error:
        logger.warning("not ready", extra={"part": name, "error": str(error)})
        remedy = {"remedy": error.remedy} if isinstance(error, LostEncoderError) else {}
        return {"ok": False, "error": type(error).__name__, **remedy}


def _database() -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return {}


def _redis() -> dict[str, Any]:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_SECONDS) as client:
        client.ping()
    return {}


def _encoder() -> dict[str, Any]:
    encoder = active_encoder()
    note = setting_note()
    return {"name": encoder.name, "dimensions": encoder.dimensions, **({"note": note} if note else {})}


def _queue_depths() -> dict[str, Any]:
    options = {
        "max_retries": 0,
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
    }
    with app.connection_for_read(connect_timeout=TIMEOUT_SECONDS, transport_options=options) as broker:
        return {name: _depth(app.amqp.queues[name](broker.default_channel)) for name in QUEUES}


def _depth(queue: Any) -> int:
    return int(queue.queue_declare().message_count)
