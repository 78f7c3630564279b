"""`manage.py up`: all of Trooply on this machine, from the database to the portal."""

import hashlib
import http.client
import json
import os
import signal
import socket
import sys
from argparse import ArgumentParser
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management.base import BaseCommand, CommandError

from trooply.embedded.console import Console
from trooply.embedded.errors import EmbeddedError
from trooply.embedded.locks import FileLock
from trooply.embedded.process import Program
from trooply.embedded.servers import Servers
from trooply.embedded.supervisor import Supervisor

HOST = "127.0.0.1"

QUEUES = "indexing,webhooks,housekeeping"


class Command(BaseCommand):
    """Starts everything, keeps it alive until Ctrl-C, and stops it in order."""

    help = "Runs all of Trooply here: PostgreSQL and Valkey (unless their URLs are set), web, worker and beat."
    requires_system_checks = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--access-log", action="store_true", help="print a line for every request")

    def handle(self, *, access_log: bool, **options: Any) -> None:
        with FileLock(settings.VAR_DIR / "up.lock") as lock:
            if not lock.try_acquire():
                self.stdout.write(f"Trooply is running already, at {lock.read_note()}")
                return
            lock.leave_note(settings.BASE_URL)
            try:
                run_until_stopped(Console(sys.stdout), access_log=access_log)
            except EmbeddedError as error:
                raise CommandError(str(error)) from error


def run_until_stopped(console: Console, *, access_log: bool) -> None:
    """Start everything and keep it alive until a signal asks for the end; raises EmbeddedError to give up."""
    servers = Servers(settings.VAR_DIR, console=console)
    supervisor = servers.supervisor
    supervisor.stop_on_signals()
    try:
        _start_servers(servers, console)
        _prepare(supervisor, console)
        for program in (_beat(), _worker(), _web(access_log=access_log)):
            supervisor.start(program)
        console.say("up", "Looking after the demo shop.")
        supervisor.run(_manage("ensure_demo"))
        _welcome(console)
        while True:
            supervisor.tick()
    except SystemExit:
        console.say("up", "Stopping.")
    finally:
        servers.stop()


def _start_servers(servers: Servers, console: Console) -> None:
    with servers.turn():
        if not servers.join():
            raise EmbeddedError(
                f"`python -m trooply.embedded` runs PostgreSQL and Valkey in {settings.VAR_DIR}."
                " End that command first: `up` keeps them alive itself."
            )
        _require_free_port(_port())
        console.say("up", "Starting PostgreSQL and Valkey.")
        servers.start()


def _require_free_port(port: int) -> None:
    with socket.socket() as probe:
        # Connections that are still closing after the last run do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise EmbeddedError(
                f"Port {port} cannot be used ({error.strerror}). Choose another: PORT={port + 1} make up"
            ) from error


def _prepare(supervisor: Supervisor, console: Console) -> None:
    """Bring the database and the collected static files up to date."""
    console.say("up", "Migrating the database.")
    supervisor.run(_manage("migrate", "--verbosity", "0"))
    collected = settings.VAR_DIR / "static.fingerprint"
    fingerprint = _fingerprint_of_static_files()
    if collected.exists() and collected.read_text() == fingerprint:
        return
    console.say("up", "Collecting static files.")
    collected.unlink(missing_ok=True)
    supervisor.run(_manage("collectstatic", "--no-input", "--clear", "--verbosity", "0"))
    collected.write_text(fingerprint)


def _fingerprint_of_static_files() -> str:
    """A text that changes with every static file: to collect and compress them again takes half a minute."""
    digest = hashlib.sha256(repr(settings.STORAGES["staticfiles"]).encode())
    for finder in get_finders():
        for name, storage in finder.list([]):
            status = Path(storage.path(name)).stat()
            digest.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def _manage(command: str, *arguments: str) -> Program:
    return _program(command, "manage.py", command, *arguments)


def _beat() -> Program:
    return _celery("beat", "-s", str(settings.VAR_DIR / "beat-schedule"))


def _worker() -> Program:
    # It has nobody to mingle and gossip with.
    worker = _celery("worker", "-Q", QUEUES, "-c", "2", "--without-mingle", "--without-gossip")
    # Beside each other processes index most with one thread each, where a search is answered soonest with more.
    threads = os.environ.get("WORKER_ENCODER_THREADS", "1")
    command = ("env", f"ENCODER_THREADS={threads}", *worker.command)
    # Asked to end it would finish its tasks, without database and broker. The next worker gets them again.
    return replace(worker, command=command, orphan_signal=signal.SIGKILL)


def _celery(command: str, *arguments: str) -> Program:
    # Root is nothing to warn of here: tasks come as JSON, from a broker that nobody else can reach.
    python = ("-W", "ignore:You're running the worker with superuser")
    return _program(command, *python, "-m", "celery", "-q", "-A", "trooply", command, *arguments)


def _web(*, access_log: bool) -> Program:
    address = ("--host", HOST, "--port", str(_port()))
    processes = ("--workers", "2", "--blocking-threads", "4", "--workers-kill-timeout", "3")
    log = ("--access-log",) if access_log else ("--log-level", "warning")
    program = _program(
        "web", "-m", "granian", "--interface", "wsgi", *address, *processes, *log, "trooply.wsgi:application"
    )
    return replace(program, is_ready=_web_answers)


def _program(name: str, *arguments: str) -> Program:
    return Program(
        name=name,
        command=(sys.executable, "-u", *arguments),
        folder=settings.BASE_DIR,
        log=settings.VAR_DIR / "log" / f"{name}.log",
        echo=True,
    )


def _web_answers() -> bool:
    connection = http.client.HTTPConnection(HOST, _port(), timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):  # not there yet
        return False
    finally:
        connection.close()


def _port() -> int:
    port = os.environ["PORT"]
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise EmbeddedError(f"PORT is {port!r}, but must be a number from 1 to 65535.")
    return int(port)


def _welcome(console: Console) -> None:
    file = settings.VAR_DIR / "demo-credentials.json"
    demo = json.loads(file.read_text())
    for line in (
        "",
        "Trooply is running. Ctrl-C stops it.",
        "",
        f"Portal     {settings.BASE_URL}/",
        f"           sign in as {demo['email']} with {demo['password']}",
        f"Staff      {settings.BASE_URL}/admin/",
        f"           sign in as {demo['staff_email']} with {demo['staff_password']}",
        f"API        {settings.BASE_URL}/docs",
        f"           API key {demo['api_key']}",
        f"           client_id {demo['client_id']}, client_secret {demo['client_secret']}",
        "",
        f"All of these are in {file}",
        "",
    ):
        console.say("up", line)
