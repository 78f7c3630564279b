"""What was measured on: the machine, and the versions that matter."""

import os
import platform
from dataclasses import dataclass

from django.db import connection

from bench.processes import processor_name
from catalog.encoders import active_encoder


@dataclass(frozen=True)
class Machine:
    """Processor, cores that we may use, GB of memory, load average of the minute before; and versions."""

    processor: str
    cores: int
    memory: float
    load: float
    python: str
    postgres: str
    pgvector: str
    encoder: str
    dimensions: int


def describe_machine() -> Machine:
    """Return what this machine is and runs."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion FROM pg_extension WHERE extname = 'vector'"
        )
        postgres, pgvector = cursor.fetchone()
    encoder = active_encoder()
    return Machine(
        processor=processor_name(),
        cores=len(os.sched_getaffinity(0)),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9,
        load=os.getloadavg()[0],
        python=platform.python_version(),
        postgres=postgres,
        pgvector=pgvector,
        encoder=encoder.name,
        dimensions=encoder.dimensions,
    )
