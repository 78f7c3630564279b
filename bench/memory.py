"""What the processes of an installation hold in memory."""

import redis
from django.conf import settings
from django.db import connection

from bench.processes import Memory, children_of, memory_of, our_child, parent_of


def memory_of_web() -> list[Memory]:
    """Return the memory of the web program and of the processes that answer for it."""
    return _memory_of_family("web", our_child("granian"))


def memory_of_background() -> list[Memory]:
    """Return the memory of the worker program, of its children, and of beat."""
    return [
        *_memory_of_family("worker", our_child("trooply worker")),
        memory_of("beat", [our_child("trooply beat")]),
    ]


def memory_of_servers() -> list[Memory]:
    """Return the memory of PostgreSQL and Valkey."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        postgres = parent_of(cursor.fetchone()[0])
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        valkey = client.info("server")["process_id"]
    return [
        memory_of("PostgreSQL", [postgres, *children_of(postgres)]),
        memory_of("Valkey", [valkey]),
    ]


def _memory_of_family(name: str, parent: int) -> list[Memory]:
    return [memory_of(name, [parent]), memory_of(f"{name}, children", children_of(parent))]
