"""The same work done by a plain open_clip loop, by our runtime with its model, and with our own model."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

PICTURES = 100


@dataclass(frozen=True)
class Loop:
    """What one process takes that embeds one thing after the other and compares it with all rows.

    Milliseconds are medians: of opening and embedding a picture, of embedding a text, of comparing with so
    many rows. `resident` is the process's megabytes before it holds rows, `model` those on disk.
    """

    name: str
    picture: float
    text: float
    comparing: dict[int, float]
    resident: float
    model: float


def compare_loops(pictures: Sequence[bytes], texts: Sequence[str], rows: Sequence[int]) -> list[Loop]:
    """Run the loop with each runtime, one after the other, in processes of their own."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        inputs = folder / "inputs"
        _write_inputs(inputs, pictures[:PICTURES], texts[:PICTURES])
        _run("bench.random_model", str(folder))
        return [
            _loop("plain open_clip, ViT-B-32", "open_clip", folder / "open_clip", inputs, rows),
            _loop("our runtime, same ViT-B-32", "ours", folder / "bundle", inputs, rows),
            _loop(
                f"our runtime, {settings.ENCODER}",
                "ours",
                settings.ENCODER_DIR / settings.ENCODER,
                inputs,
                rows,
            ),
        ]


def _write_inputs(folder: Path, pictures: Sequence[bytes], texts: Sequence[str]) -> None:
    folder.mkdir()
    for number, picture in enumerate(pictures):
        (folder / f"{number:04}.webp").write_bytes(picture)
    (folder / "texts.txt").write_text("\n".join(texts))


def _loop(name: str, runtime: str, model: Path, inputs: Path, rows: Sequence[int]) -> Loop:
    threads = str(settings.ENCODER_THREADS)
    sizes = [str(size) for size in rows]
    printed = _run("bench.encoding_loop", runtime, str(model), str(inputs), "--threads", threads, "--rows", *sizes)
    figures = json.loads(printed)
    figures["comparing"] = {int(size): spent for size, spent in figures["comparing"].items()}
    return Loop(name=name, model=_megabytes(model), **figures)


def _run(module: str, *arguments: str) -> str:
    """Run one of our modules in a process of its own and return what it prints."""
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, cwd=settings.BASE_DIR, check=True, stdout=subprocess.PIPE, text=True).stdout


def _megabytes(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6
