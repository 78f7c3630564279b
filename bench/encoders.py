"""`python -m bench.encoders`: how fast encoders are, each runtime in a process of its own.

The processes take turns, so that whatever else the machine does meets all of them alike.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime

from bench.encoder_process import PICTURE_WORK, TEXT_WORK
from bench.markdown import Cells, table
from bench.processes import processor_name
from bench.timing import median

ROOT = Path(__file__).parents[1]
BUNDLED = ROOT / "catalog/encoders"
WORK = (*PICTURE_WORK, *TEXT_WORK)


@dataclass(frozen=True)
class Speed:
    """Milliseconds of each kind of work, one a round; megabytes of memory (RSS) after it all."""

    name: str
    milliseconds: dict[str, list[float]]
    memory: float


def main() -> None:
    """Measure, and print a table."""
    options = _parse_arguments()
    load = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "bench.random_model", folder, "--int8"], cwd=ROOT, check=True)
        speeds = _measure(Path(folder), threads=options.threads, rounds=options.rounds)
    print(_report(speeds, threads=options.threads, load=load))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.encoders", description=__doc__)
    parser.add_argument("--threads", type=int, default=2, help="threads of each encoder (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=10, help="turns of each encoder (default: %(default)s)")
    return parser.parse_args()


def _measure(models: Path, *, threads: int, rounds: int) -> list[Speed]:
    subjects = [
        ("ViT-B-32, torch eager", "open_clip", models / "open_clip"),
        ("ViT-B-32, ONNX float32", "ours", models / "bundle"),
        ("ViT-B-32, ONNX int8", "ours", models / "int8"),
        *((f"{bundle.name}, as shipped", "ours", bundle) for bundle in sorted(BUNDLED.iterdir())),
    ]
    with ExitStack() as stack:
        encoders = [
            (name, stack.enter_context(_running(runtime, model, threads=threads))) for name, runtime, model in subjects
        ]
        spent: dict[str, dict[str, list[float]]] = {name: {work: [] for work in WORK} for name, _ in encoders}
        for _ in range(rounds):
            for work in WORK:
                for name, encoder in encoders:
                    spent[name][work].append(_ask(encoder, work))
        return [Speed(name, spent[name], memory=_end(encoder)) for name, encoder in encoders]


@contextmanager
def _running(runtime: str, model: Path, *, threads: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "bench.encoder_process", runtime, str(model), "--threads", str(threads)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _read(process)  # that it is ready
        yield process
    finally:
        process.kill()
        process.wait()


def _ask(process: subprocess.Popen[str], work: str) -> float:
    assert process.stdin
    process.stdin.write(f"{work}\n")
    process.stdin.flush()
    return float(_read(process))


def _end(process: subprocess.Popen[str]) -> float:
    assert process.stdin
    process.stdin.close()
    return float(_read(process))


def _read(process: subprocess.Popen[str]) -> Any:
    assert process.stdout
    line = process.stdout.readline()
    if not line:
        raise RuntimeError(f"{' '.join(map(str, process.args))} has ended")
    return json.loads(line)


def _report(speeds: Sequence[Speed], *, threads: int, load: float) -> str:
    eager = speeds[0]
    head = (
        f"{threads} threads each, on {len(os.sched_getaffinity(0))} cores of {processor_name()}; load average before "
        f"{load:.2f}; onnxruntime {onnxruntime.__version__}. Medians, the pictures' scaling included; in brackets how "
        "many times as fast as torch eager, and how many times its memory. ViT-B-32 has random weights, and int8 in "
        "all its layers."
    )
    rows: list[Cells] = [
        ("pictures a second, best batch", *(_throughput(speed, eager) for speed in speeds)),
        *((_title(work), *(_latency(speed, eager, work) for speed in speeds)) for work in WORK),
        ("memory, MB", *(f"{speed.memory:.0f} ({speed.memory / eager.memory:.2f})" for speed in speeds)),
    ]
    return f"{head}\n\n{table(('', *(speed.name for speed in speeds)), rows)}"


def _title(work: str) -> str:
    kind, number = work.split()
    return f"{number}-word text, ms" if kind == "text" else f"{number} pictures at once, ms"


def _throughput(speed: Speed, eager: Speed) -> str:
    size, per_second = _best_batch(speed)
    return f"{per_second:.0f} at {size} ({per_second / _best_batch(eager)[1]:.2f})"


def _best_batch(speed: Speed) -> tuple[int, float]:
    rates = {size: 1000 * size / median(speed.milliseconds[work]) for work, size in PICTURE_WORK.items()}
    best = max(rates, key=rates.__getitem__)
    return best, rates[best]


def _latency(speed: Speed, eager: Speed, work: str) -> str:
    """Return the median, and the median of the ratios of each round, whose noise both shared."""
    ratios = np.divide(eager.milliseconds[work], speed.milliseconds[work])
    return f"{median(speed.milliseconds[work]):.1f} ({np.median(ratios):.2f})"


if __name__ == "__main__":
    main()
