"""How we behave towards other people's servers, over all our processes: few connections at once, and none unasked.

Both are kept in Redis. A connection is a lease that ends by itself, so a killed worker's are free again in a moment.
Without Redis fetching goes on, and each process asks as it likes.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings

from catalog.pictures.pausing_redis import PausingRedis

KEY = "trooply:host"
# Whoever has to wait for a connection asks again after the first, and then after twice as many seconds each time.
FIRST_WAIT, LONGEST_WAIT = 0.005, 0.1

# Takes a lease of ARGV[3] milliseconds in the name of ARGV[1] if fewer than ARGV[2] are held, and returns 1, else 0.
# A host that wants to be left alone gives none: then it returns the milliseconds for which it does, below 0.
TAKE = """
local alone = redis.call('PTTL', KEYS[2])
if alone > 0 then return -alone end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3] + 60000)
return 1
"""


class HostBusyError(Exception):
    """There are as many connections to a host as we make, and none became free in time."""


class HostPausedError(Exception):
    """A host has asked to be left alone, for `retry_after` from now on."""

    def __init__(self, retry_after: timedelta) -> None:
        super().__init__(f"for {retry_after.total_seconds():.0f} seconds")
        self.retry_after = retry_after


@contextmanager
def connection_to(host: str, *, seconds: float) -> Iterator[None]:
    """Hold one of the few connections to a host (with its port); wait for it, and keep it, for `seconds` in all.

    Raises HostBusyError and HostPausedError.
    """
    lease = uuid.uuid4().hex
    _wait_for(host, lease, time.monotonic() + seconds)
    try:
        yield
    finally:
        _redis.call(lambda client: client.zrem(_leases(host), lease))


def leave_alone(host: str, duration: timedelta) -> None:
    """Have no process contact a host for that long."""
    milliseconds = max(1, round(duration / timedelta(milliseconds=1)))
    _redis.call(lambda client: client.set(_pause(host), 1, px=milliseconds))


def forget(host: str) -> None:
    """Let a host be contacted as if nothing had been."""
    _redis.call(lambda client: client.delete(_leases(host), _pause(host)))


def _wait_for(host: str, lease: str, ends_at: float) -> None:
    wait = FIRST_WAIT
    while (answer := _take(host, lease, ends_at)) == 0:
        if time.monotonic() + wait >= ends_at:
            raise HostBusyError(host)
        time.sleep(wait)
        wait = min(2 * wait, LONGEST_WAIT)
    if answer < 0:
        raise HostPausedError(timedelta(milliseconds=-answer))


def _take(host: str, lease: str, ends_at: float) -> int:
    # The lease ends after the request does: never may there be more connections than leases.
    milliseconds = round((ends_at - time.monotonic() + 1) * 1000)
    keys = [_leases(host), _pause(host)]
    arguments: list[str | int] = [lease, settings.FETCH_CONNECTIONS_PER_HOST, milliseconds]
    answer = _redis.call(lambda client: client.register_script(TAKE)(keys, arguments))
    return 1 if answer is None else int(answer)


def _leases(host: str) -> str:
    return f"{KEY}:{host}:leases"


def _pause(host: str) -> str:
    return f"{KEY}:{host}:pause"


_redis = PausingRedis("hosts of pictures are contacted without regard to other processes")
