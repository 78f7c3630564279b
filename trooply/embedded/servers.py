"""PostgreSQL and Valkey of one var folder: kept alive by the first command that needs them, used by all."""

import contextlib
import functools
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from trooply.embedded import postgres, valkey
from trooply.embedded.console import Console
from trooply.embedded.environment import complete_environment, read_environment, write_environment
from trooply.embedded.home import Home, prepare_home, prepare_var
from trooply.embedded.locks import FileLock
from trooply.embedded.supervisor import Supervisor

DEFAULT_VAR = Path(os.environ.get("VAR_DIR") or Path(__file__).resolve().parents[2] / "var")

# Longer than any start, and than any end, of all processes takes.
TURN_SECONDS = 120.0
LEFTOVERS_SECONDS = 30.0


def prepare_environment(var: Path = DEFAULT_VAR) -> None:
    """Set in os.environ what a development install needs and nobody has set, without starting anything."""
    with contextlib.closing(Servers(var, console=Console(sys.stderr))) as servers, servers.turn():
        servers.join()


class Servers:
    """The servers of one var folder, the supervisor that runs them, and the locks between commands.

    The owner keeps the servers alive. The lock named `running` is held also by every process that it started,
    so that after a `kill -9` of the owner it becomes free only when the last of them has ended.
    """

    def __init__(self, var: Path, *, console: Console, throwaway: bool = False) -> None:
        self._var = prepare_var(var)
        self._throwaway = throwaway
        self._environment: dict[str, str] = {}
        self._owner = FileLock(self._var / "owner.lock")
        self._running = FileLock(self._var / "running.lock")
        self.supervisor = Supervisor(console, inherited=(self._running.descriptor,))

    @functools.cached_property
    def _home(self) -> Home:
        return prepare_home(self._var)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Nobody else joins, starts or stops the servers meanwhile."""
        with FileLock(self._var / "turn.lock") as lock:
            lock.acquire(within=TURN_SECONDS, pause=self.supervisor.tick)
            yield

    def join(self) -> bool:
        """Complete os.environ for the use of the servers; true if we own them now and are to start them."""
        owned = self._owner.try_acquire()
        if owned:
            self._running.acquire(within=LEFTOVERS_SECONDS, pause=self.supervisor.tick)
        shared = {} if owned else read_environment(self._var / "env")
        addresses = {"DATABASE_URL": postgres.url(self._home), "REDIS_URL": valkey.url(self._home)}
        given = {**shared, **os.environ}
        self._environment = complete_environment(given, var=self._var, servers=addresses)
        os.environ.update(self._environment)
        return owned

    def start(self) -> None:
        """Start the servers whose addresses we use, and keep the settings for commands run beside us."""
        if self._environment["DATABASE_URL"] == postgres.url(self._home):
            postgres.prepare(self._home, self.supervisor, throwaway=self._throwaway)
            self.supervisor.start(postgres.program(self._home, throwaway=self._throwaway))
        if self._environment["REDIS_URL"] == valkey.url(self._home):
            self.supervisor.start(valkey.program(self._home, throwaway=self._throwaway))
        write_environment(self._var / "env", self._environment)

    def stop(self) -> None:
        """Stop all that the supervisor runs, and let the next command own the servers."""
        with FileLock(self._var / "turn.lock") as lock:
            lock.acquire(within=TURN_SECONDS)
            self.supervisor.stop()
            self.close()

    def close(self) -> None:
        """Let go of the locks."""
        self._owner.close()
        self._running.close()
