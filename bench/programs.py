"""The programs of an installation, started as the Procfile says."""

import http.client
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from django.conf import settings

from bench.installation import HOST, web_address
from trooply.embedded.console import Console
from trooply.embedded.process import Program
from trooply.embedded.supervisor import Supervisor


@contextmanager
def running(*names: str) -> Iterator[Supervisor]:
    """Run these programs of the Procfile meanwhile; a tick of the supervisor starts again those that have died."""
    supervisor = Supervisor(Console(sys.stderr))
    try:
        for name in names:
            supervisor.start(_program(name))
        yield supervisor
    finally:
        supervisor.stop()


def _program(name: str) -> Program:
    lines = (settings.BASE_DIR / "Procfile").read_text().splitlines()
    commands = dict(line.split(": ", 1) for line in lines)
    # The Procfile lets the whole network in, which a measurement has no need of.
    command = commands[name].replace("0.0.0.0", HOST)
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    return Program(
        name=name,
        command=("sh", "-c", f"PATH={path} exec {command}"),
        folder=settings.BASE_DIR,
        log=settings.VAR_DIR / "log" / f"{name}.log",
        is_ready=_web_answers if name == "web" else lambda: True,
        # A worker that outlives us would wait for a broker that is gone.
        orphan_signal=signal.SIGTERM if name == "web" else signal.SIGKILL,
    )


def _web_answers() -> bool:
    connection = http.client.HTTPConnection(*web_address(), timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except OSError:  # not there yet
        return False
    finally:
        connection.close()
