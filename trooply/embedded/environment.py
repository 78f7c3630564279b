"""The settings of a development install: what nobody has set gets a value for this machine alone."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

DEFAULT_PORT = "8000"


def complete_environment(given: Mapping[str, str], *, var: Path, servers: Mapping[str, str]) -> dict[str, str]:
    """The settings to run with: what is given, else the addresses of our `servers` and values of our own."""
    port = given.get("PORT") or DEFAULT_PORT
    defaults = {
        **servers,
        "VAR_DIR": str(var),
        "PORT": port,
        "BASE_URL": f"http://127.0.0.1:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
        "DEBUG": "false",
        "LOG_LEVEL": "WARNING",
        "INSECURE_HTTP": "true",
    }
    environment = {name: given.get(name) or default for name, default in defaults.items()}
    environment["SECRET_KEY"] = given.get("SECRET_KEY") or _kept_secret(var / "secret-key")
    # The pictures of the demo products come from our own web process.
    environment["FETCH_ALLOWED_HOSTS"] = _with_host(given.get("FETCH_ALLOWED_HOSTS", ""), f"127.0.0.1:{port}")
    return environment


def read_environment(file: Path) -> dict[str, str]:
    """The NAME=value lines of a file; nothing where there is none."""
    if not file.exists():
        return {}
    return dict(line.split("=", 1) for line in file.read_text().splitlines())


def write_environment(file: Path, environment: Mapping[str, str]) -> None:
    """Keep settings as NAME=value lines that only their owner can read."""
    _write_private(file, "".join(f"{name}={value}\n" for name, value in environment.items()))


def _with_host(hosts: str, host: str) -> str:
    listed = [known.strip() for known in hosts.split(",") if known.strip()]
    return ",".join(dict.fromkeys([*listed, host]))


def _kept_secret(file: Path) -> str:
    if not file.exists():
        _write_private(file, secrets.token_urlsafe(50))
    return file.read_text()


def _write_private(file: Path, text: str) -> None:
    unfinished = file.with_name(f"{file.name}.unfinished")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
        stream.write(text)
    unfinished.replace(file)
