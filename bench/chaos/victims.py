"""The processes of each program, to be killed."""

import os
import signal
from collections.abc import Callable, Mapping
from types import MappingProxyType

import psycopg
import redis
from django.conf import settings

from bench.processes import children_of, our_child, parent_of


def kill(victim: str) -> int:
    """Kill all processes of a program at once with SIGKILL; return how many."""
    processes = FAMILIES[victim]()
    for process in processes:
        os.kill(process, signal.SIGKILL)
    return len(processes)


def _worker() -> list[int]:
    return _family(our_child("trooply worker"))


def _web() -> list[int]:
    return _family(our_child("granian"))


def _redis() -> list[int]:
    with redis.Redis.from_url(settings.REDIS_URL) as client:
        return [client.info("server")["process_id"]]


def _postgres() -> list[int]:
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        backend = connection.execute("SELECT pg_backend_pid()").fetchone()
        assert backend is not None
        # Its children end with it, and those that end by themselves cannot be killed any more.
        return [parent_of(backend[0])]


def _family(parent: int) -> list[int]:
    return [parent, *children_of(parent)]


FAMILIES: Mapping[str, Callable[[], list[int]]] = MappingProxyType(
    {"worker": _worker, "web": _web, "redis": _redis, "postgres": _postgres}
)
