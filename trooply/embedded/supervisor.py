"""Keep a handful of programs alive and stop them in order."""

import os
import signal
import time
from dataclasses import dataclass, field
from types import FrameType

from trooply.embedded.console import Console
from trooply.embedded.errors import EmbeddedError
from trooply.embedded.process import Process, Program, die_with_parent

TICK_SECONDS = 0.1

# A program that dies so often will not get better by one more start.
DEATHS_TO_GIVE_UP = 5
DEATHS_WINDOW_SECONDS = 60.0


class Supervisor:
    """Starts programs, restarts those that die, and stops all of them, the last started first.

    Every child keeps the `inherited` descriptors open. The pause before a restart is `first_pause` seconds,
    doubled by every further death within a minute.
    """

    def __init__(self, console: Console, *, inherited: tuple[int, ...] = (), first_pause: float = 0.5) -> None:
        self._console = console
        self._inherited = inherited
        self._first_pause = first_pause
        self._kept: list[_Kept] = []
        self._stop_signal: int | None = None

    def start(self, program: Program) -> None:
        """Start a program, wait until it is ready, and keep it alive from now on."""
        self._kept.append(_Kept(program, self._begin(program)))
        deadline = time.monotonic() + program.ready_within
        while not program.is_ready():
            if time.monotonic() > deadline:
                raise EmbeddedError(
                    f"{program.name} is not ready after {program.ready_within:.0f} s, see {program.log}"
                )
            self.tick()

    def run(self, program: Program) -> None:
        """Run a program to its end; raises EmbeddedError unless that is a success."""
        process = self._begin(program)
        try:
            while (exit_code := process.follow()) is None:
                self.tick()
        finally:
            process.stop()
        if exit_code != 0:
            raise EmbeddedError(f"{program.name} failed ({_describe(exit_code)}), see {program.log}")

    def tick(self) -> None:
        """Let a moment pass, restart what died; raises EmbeddedError when it gives up."""
        if self._stop_signal is not None:
            raise SystemExit(128 + self._stop_signal)  # the exit code that a shell reports for a signal
        for kept in self._kept:
            self._keep_alive(kept)
        time.sleep(TICK_SECONDS)

    def stop_on_signals(self) -> None:
        """Make a tick raise SystemExit after Ctrl-C, SIGTERM, a closed terminal or the death of make."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number == signal.SIGHUP and signal.getsignal(number) == signal.SIG_IGN:
                continue  # nohup wants us to outlive the terminal
            signal.signal(number, self._request_stop)
        if "MAKELEVEL" in os.environ:
            die_with_parent(os.getppid(), signal.SIGTERM)

    def _request_stop(self, number: int, frame: FrameType | None) -> None:
        self._stop_signal = number

    def stop(self) -> None:
        """Stop everything that was started, in the opposite order."""
        while self._kept:
            kept = self._kept.pop()
            if kept.process is not None:
                kept.process.stop()

    def _keep_alive(self, kept: "_Kept") -> None:
        if kept.process is None:
            if time.monotonic() >= kept.restart_at:
                kept.process = self._begin(kept.program)
            return
        exit_code = kept.process.follow()
        if exit_code is not None:
            kept.process.stop()
            kept.process = None
            self._plan_restart(kept, exit_code)

    def _plan_restart(self, kept: "_Kept", exit_code: int) -> None:
        program, now = kept.program, time.monotonic()
        kept.deaths = [death for death in kept.deaths if death > now - DEATHS_WINDOW_SECONDS] + [now]
        if len(kept.deaths) == DEATHS_TO_GIVE_UP:
            raise EmbeddedError(
                f"{program.name} ended {DEATHS_TO_GIVE_UP} times within a minute"
                f" ({_describe(exit_code)}), see {program.log}"
            )
        pause = self._first_pause * 2 ** (len(kept.deaths) - 1)
        kept.restart_at = now + pause
        self._console.say(program.name, f"ended ({_describe(exit_code)}), starting again in {pause:.1f} s")

    def _begin(self, program: Program) -> Process:
        return Process(program, self._console, inherited=self._inherited)


@dataclass
class _Kept:
    """A program to keep alive, and its process while it has one."""

    program: Program
    process: Process | None
    restart_at: float = 0.0
    deaths: list[float] = field(default_factory=list)


def _describe(exit_code: int) -> str:
    if exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"
