"""Locks that hold across all processes, kept by PostgreSQL; no two may have the same number."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

# Building a vector index.
BUILD = 7_462_001
# Filling in or dropping an encoder's vectors.
REINDEX = 7_462_002
# Shared while a product is stored, alone while another encoder begins to serve.
SWITCH = 7_462_003
# Computing an encoder's heads.
HEADS = 7_462_004
# Looking for pictures again at their addresses.
RECHECK = 7_462_010


@contextmanager
def held(lock: int) -> Iterator[None]:
    """Wait for a lock and hold it."""
    _execute("SELECT pg_advisory_lock(%s)", lock)
    try:
        yield
    finally:
        _execute("SELECT pg_advisory_unlock(%s)", lock)


@contextmanager
def tried(lock: int) -> Iterator[bool]:
    """Hold a lock unless another process does; tells whether it is ours."""
    is_ours = _execute("SELECT pg_try_advisory_lock(%s)", lock)
    try:
        yield is_ours
    finally:
        if is_ours:
            _execute("SELECT pg_advisory_unlock(%s)", lock)


def take_until_commit(lock: int) -> None:
    """Wait for a lock and keep it until the transaction ends."""
    _execute("SELECT pg_advisory_xact_lock(%s)", lock)


def share_until_commit(lock: int) -> None:
    """Wait until nobody has a lock alone, and let nobody have it so until the transaction ends."""
    _execute("SELECT pg_advisory_xact_lock_shared(%s)", lock)


def _execute(statement: str, lock: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, [lock])
        return bool(cursor.fetchone()[0])
