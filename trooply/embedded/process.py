"""One run of a program: its start, its output and its end."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from trooply.embedded.console import Console
from trooply.embedded.errors import EmbeddedError
from trooply.embedded.home import Account

LOG_BYTES_TO_ROTATE = 10 * 1024 * 1024

PR_SET_PDEATHSIG = 1  # prctl(2)

# Loaded before any fork, after which a loader lock of another thread could stay locked for ever.
LIBC = ctypes.CDLL(None)


@dataclass(frozen=True)
class Program:
    """A command, and what is to know about its start and its end (times in seconds)."""

    name: str
    command: tuple[str, ...]
    log: Path
    folder: Path = Path("/")
    account: Account | None = None
    is_ready: Callable[[], bool] = lambda: True
    ready_within: float = 120.0
    stop_signal: signal.Signals = signal.SIGTERM
    stops_within: float = 5.0
    orphan_signal: signal.Signals | None = None
    echo: bool = False


class Process:
    """A program that was started; its output goes to its log and, if it is to be echoed, to the console.

    It leads a process group of its own and keeps the `inherited` descriptors open. When we die, whatever
    kills us, Linux sends it its orphan signal, or else its stop signal.
    """

    def __init__(self, program: Program, console: Console, *, inherited: tuple[int, ...]) -> None:
        self._program = program
        self._console = console
        _rotate(program.log)
        with program.log.open("ab") as log:
            self._unread = program.log.open("rb")
            self._unread.seek(0, os.SEEK_END)
            self._popen = _spawn(program, log.fileno(), inherited=inherited)
        self._begun_line = b""

    def follow(self) -> int | None:
        """Show what the program wrote since the last look; return its exit code once it has ended."""
        self._show_output()
        return self._popen.poll()

    def stop(self) -> None:
        """Ask the program to end, kill it if it takes too long, and with it all that it left behind."""
        if self._popen.poll() is None:
            self._popen.send_signal(self._program.stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(self._program.stops_within)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)  # granian's workers, for one, outlive a killed parent
        self._popen.wait()
        self._show_output()
        self._unread.close()

    def _show_output(self) -> None:
        if not self._program.echo:
            return
        *lines, self._begun_line = (self._begun_line + self._unread.read()).split(b"\n")
        for line in lines:
            # Of a progress bar, which draws itself over its older states, the last state is enough.
            self._console.say(self._program.name, line.rpartition(b"\r")[2].decode(errors="replace"))


def _spawn(program: Program, log: int, *, inherited: tuple[int, ...]) -> subprocess.Popen[bytes]:
    account, parent = program.account, os.getpid()
    try:
        return subprocess.Popen(  # noqa: S603
            program.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=program.folder,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
            pass_fds=inherited,
            start_new_session=True,  # Ctrl-C is for us, who know the order of the end
            preexec_fn=lambda: die_with_parent(parent, program.orphan_signal or program.stop_signal),
        )
    except OSError as error:
        raise EmbeddedError(f"{program.name} cannot be started: {error}") from error


def die_with_parent(parent: int, number: signal.Signals) -> None:
    """Get a signal when the process that started us ends, whatever ends it (Linux only)."""
    if sys.platform != "linux":
        return
    LIBC.prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        raise EmbeddedError("The process that started this one has ended.")


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES_TO_ROTATE:
        log.replace(log.with_name(f"{log.name}.1"))
