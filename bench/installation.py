"""An installation of the benchmark's own: an empty database, a port and a folder."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

DATABASE = "trooply_bench"
HOST = "127.0.0.1"


@contextmanager
def own_installation() -> Iterator[None]:
    """Let the environment name an installation that is empty now and gone at the end, but for its logs."""
    server, folder = os.environ["DATABASE_URL"], Path(os.environ["VAR_DIR"]) / "installation"
    _remove(server, folder)  # what a run that was killed has left
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE}")
    (folder / "log").mkdir(parents=True, exist_ok=True)
    os.environ |= _environment(server, folder)
    try:
        yield
    finally:
        _remove(server, folder)


def web_address() -> tuple[str, int]:
    """Return host and port of the web program."""
    return HOST, int(os.environ["PORT"])


def _environment(server: str, folder: Path) -> dict[str, str]:
    port = _free_port()
    return {
        "DJANGO_SETTINGS_MODULE": "trooply.settings",
        "DATABASE_URL": urlsplit(server)._replace(path=f"/{DATABASE}").geturl(),
        "VAR_DIR": str(folder),
        "BEAT_SCHEDULE": str(folder / "beat-schedule"),
        "PORT": str(port),
        "BASE_URL": f"http://{HOST}:{port}",
        "FETCH_ALLOWED_HOSTS": HOST,
        "S3_BUCKET": "",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _remove(server: str, folder: Path) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)")
    shutil.rmtree(folder / "media", ignore_errors=True)
