"""Run a command beside PostgreSQL and Valkey: `python -m trooply.embedded [--var DIR] -- COMMAND...`."""

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from trooply.embedded.console import Console
from trooply.embedded.errors import EmbeddedError
from trooply.embedded.process import die_with_parent
from trooply.embedded.servers import DEFAULT_VAR, Servers
from trooply.embedded.supervisor import Supervisor

COMMAND_STOP_SECONDS = 10.0


def main() -> int:
    """Start the servers or attach to running ones, run the command, and return its exit code."""
    options = _parse_arguments()
    try:
        return _run_beside_servers(options.command, var=options.var, throwaway=options.throwaway)
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m trooply.embedded", description=__doc__)
    parser.add_argument("--var", type=Path, default=DEFAULT_VAR, help="folder of data, sockets and logs")
    parser.add_argument("--throwaway", action="store_true", help="faster, for data that a power cut may destroy")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="with its arguments, behind --")
    return parser.parse_args()


def _run_beside_servers(command: Sequence[str], *, var: Path, throwaway: bool) -> int:
    servers = Servers(var, console=Console(sys.stderr), throwaway=throwaway)
    servers.supervisor.stop_on_signals()
    try:
        with servers.turn():
            if servers.join():
                servers.start()
        return _run(command, servers.supervisor)
    finally:
        servers.stop()


def _run(command: Sequence[str], supervisor: Supervisor) -> int:
    """Run the command at our terminal while the servers are kept alive."""
    us = os.getpid()
    child = subprocess.Popen(command, preexec_fn=lambda: die_with_parent(us, signal.SIGTERM))  # noqa: S603
    # The terminal sends Ctrl-C to the command as well, and that decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        while (exit_code := child.poll()) is None:
            supervisor.tick()
    finally:
        _end(child)
    return exit_code if exit_code >= 0 else 128 - exit_code


def _end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(COMMAND_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


if __name__ == "__main__":
    sys.exit(main())
