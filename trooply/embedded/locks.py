"""Locks between processes that no crash can leave behind."""

import fcntl
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from trooply.embedded.errors import EmbeddedError


def pause_shortly() -> None:
    """Let some time pass before the next try."""
    time.sleep(0.05)


class FileLock:
    """An exclusive flock(2), held until every process that has its descriptor has closed it or ended."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("a+")
        self.descriptor = self._file.fileno()

    def try_acquire(self) -> bool:
        """Take the lock if nobody has it."""
        try:
            fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def acquire(self, *, within: float, pause: Callable[[], None] = pause_shortly) -> None:
        """Take the lock as soon as it is free; raises EmbeddedError if that is not within so many seconds."""
        deadline = time.monotonic() + within
        while not self.try_acquire():
            if time.monotonic() > deadline:
                raise EmbeddedError(f"Another process still holds {self._path} after {within:.0f} s: stop it first.")
            pause()

    def leave_note(self, text: str) -> None:
        """Say something to those who will find the lock taken."""
        self._file.truncate(0)
        self._file.write(text)
        self._file.flush()

    def read_note(self) -> str:
        """What the holder of the lock has to say."""
        self._file.seek(0)
        return self._file.read()

    def close(self) -> None:
        """Give up our share of the lock."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
