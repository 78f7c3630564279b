"""This machine's processor, and its processes with what they hold in memory, from /proc (Linux, proc(5))."""

import os
import platform
import re
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True)
class Memory:
    """Megabytes of the processes of one kind: `resident` of the largest, `proportional` of all together.

    Resident memory (RSS) counts what processes share in each of them, proportional memory (PSS) divides it
    between them, so that only the latter can be added up.
    """

    name: str
    processes: int
    resident: float
    proportional: float


def processor_name() -> str:
    """Return the processor's name, or its kind where that is all that is known."""
    found = re.search(r"^model name\s*:\s*(.+)", (PROC / "cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def memory_of(name: str, processes: Iterable[int]) -> Memory:
    """Return the memory of these processes, read now."""
    rollups = [_read_rollup(process) for process in processes]
    return Memory(
        name=name,
        processes=len(rollups),
        resident=max(rollup["Rss"] for rollup in rollups),
        proportional=sum(rollup["Pss"] for rollup in rollups),
    )


def children_of(parent: int) -> list[int]:
    """Return the processes that a process has started."""
    children: defaultdict[int, list[int]] = defaultdict(list)
    for folder in PROC.iterdir():
        if folder.name.isdecimal():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
                children[parent_of(int(folder.name))].append(int(folder.name))
    return children[parent]


def parent_of(process: int) -> int:
    """Return the process that started this one."""
    status = (PROC / str(process) / "status").read_text()
    return int(re.findall(r"^PPid:\s+(\d+)", status, re.MULTILINE)[0])


def our_child(command: str) -> int:
    """Return the process that we started with this text in its command."""
    return next(child for child in children_of(os.getpid()) if command in _command(child))


def _command(process: int) -> str:
    return (PROC / str(process) / "cmdline").read_bytes().replace(b"\0", b" ").decode()


def _read_rollup(process: int) -> dict[str, float]:
    lines = (PROC / str(process) / "smaps_rollup").read_text()
    entries = re.findall(r"^(\w+):\s+(\d+) kB", lines, re.MULTILINE)
    return {name: int(kilobytes) * 1024 / 1e6 for name, kilobytes in entries}
