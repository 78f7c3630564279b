"""Redis for what can do without it: when it fails it is left alone for a while, and the log says so."""

import functools
import logging
import time
from collections.abc import Callable
from typing import TypeVar

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

T = TypeVar("T")

# After it has failed, it is left alone for so long.
PAUSE_SECONDS = 10.0


class PausingRedis:
    """Redis for one purpose; `loss` is what the log says is lost without it.

    An answer that takes longer than `timeout` seconds is not waited for.
    """

    def __init__(self, loss: str, *, timeout: float = 0.5) -> None:
        self._loss = loss
        self._timeout = timeout
        self._paused_until = float("-inf")

    def call(self, command: Callable[[redis.Redis], T]) -> T | None:
        """Return what a command returns, or None when Redis cannot be asked."""
        if time.monotonic() < self._paused_until:
            return None
        try:
            return command(_client(settings.REDIS_URL, self._timeout))
        except redis.RedisError as error:
            self._paused_until = time.monotonic() + PAUSE_SECONDS
            logger.warning(self._loss, extra={"error": str(error)})
            return None

    def resume(self) -> None:
        """Ask Redis again at the next call."""
        self._paused_until = float("-inf")


@functools.cache
def _client(url: str, timeout: float) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout)
