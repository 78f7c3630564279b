"""The whole product, started by `manage.py up` as a newcomer starts it, with its own database, Redis and processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import httpx
import pytest
from django.conf import settings

START_SECONDS = 240


@dataclass(frozen=True)
class Installation:
    """A running product: where it is, its credentials and its process."""

    base_url: str
    var: Path
    credentials: dict[str, str]
    process: subprocess.Popen[bytes]

    def api(self) -> httpx.Client:
        """Return a client of the demo shop's owner."""
        headers = {"Authorization": f"Bearer {self.credentials['api_key']}"}
        return httpx.Client(base_url=self.base_url, headers=headers, timeout=30)


@pytest.fixture(scope="session")
def installation(tmp_path_factory) -> Iterator[Installation]:
    var = tmp_path_factory.mktemp("installation")
    # The servers drop root's rights and must be able to walk to their folder.
    for folder in [var, *var.parents]:
        if folder.is_relative_to(tmp_path_factory.getbasetemp().parent):
            folder.chmod(0o755)
    port = free_port()
    with (var / "up.log").open("wb") as log:
        process = start(var, port, log)
        try:
            yield wait_until_up(process, var, port)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)


def start(var: Path, port: int, log: BinaryIO) -> subprocess.Popen[bytes]:
    """Run `manage.py up` with an environment of its own."""
    ours = {
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "BASE_URL",
        "ALLOWED_HOSTS",
        "FETCH_ALLOWED_HOSTS",
        "ENV_FILE",
    }
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {
        "VAR_DIR": str(var),
        "PORT": str(port),
        "ENV_FILE": str(var / "env"),
        "FETCH_ALLOWED_HOSTS": "127.0.0.1",
    }
    command = [sys.executable, "manage.py", "up"]
    return subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, stdout=log, stderr=log)


def wait_until_up(process: subprocess.Popen[bytes], var: Path, port: int) -> Installation:
    log = var / "up.log"
    deadline = time.monotonic() + START_SECONDS
    while b"Trooply is running" not in log.read_bytes():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
    credentials = json.loads((var / "demo-credentials.json").read_text())
    return Installation(f"http://127.0.0.1:{port}", var, credentials, process)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
