"""`python -m bench.encoder_process RUNTIME MODEL`: one encoder that measures what it is told to, over pipes.

Each line on standard input names a kind of work; the answer is a line with the milliseconds that a call took.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from bench.processes import memory_of

PICTURES = Path(__file__).parents[1] / "catalog/static/demo"

# What is stored of a product's picture, and what a new encoder embeds.
THUMBNAIL = (512, 512)

BATCHES = (1, 4, 16)
TEXTS = {
    5: "red summer dress for women",
    40: " ".join(["a light blue summer dress with short sleeves"] * 5),
}

PICTURE_WORK = {f"pictures {size}": size for size in BATCHES}
TEXT_WORK = {f"text {words}": words for words in TEXTS}


class Runtime(Protocol):
    """What is measured."""

    def encode_images(self, images: Sequence[Image.Image]) -> Any: ...

    def encode_texts(self, texts: Sequence[str]) -> Any: ...


def main() -> None:
    """Load, say so, and serve until standard input ends; the last line is the memory in MB."""
    options = _parse_arguments()
    runtime = _load(options.runtime, options.model, threads=options.threads)
    work = _prepare(runtime)
    for call in work.values():
        call()  # the first is always slower
    _answer("ready")
    for line in sys.stdin:
        _answer(_milliseconds(work[line.strip()]))
    _answer(memory_of("encoder", [os.getpid()]).resident)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.encoder_process")
    parser.add_argument("runtime", choices=["open_clip", "ours"])
    parser.add_argument("model", type=Path, help="a folder with open_clip's files, or a bundle")
    parser.add_argument("--threads", type=int, required=True)
    return parser.parse_args()


def _load(runtime: str, model: Path, *, threads: int) -> Runtime:
    # Each imported where it is used: neither is to lie in the other's memory.
    if runtime == "open_clip":
        from bench.plain_open_clip import PlainOpenClip

        return PlainOpenClip(f"local-dir:{model}", threads=threads)
    from catalog.vision.encoder import load_encoder

    return load_encoder(model, threads=threads)


def _prepare(runtime: Runtime) -> dict[str, Callable[[], Any]]:
    pictures = [_thumbnail(file) for file in sorted(PICTURES.glob("*.webp"))[: max(BATCHES)]]
    calls: dict[str, Callable[[], Any]] = {}
    for name, size in PICTURE_WORK.items():
        calls[name] = lambda size=size: runtime.encode_images(pictures[:size])
    for name, words in TEXT_WORK.items():
        calls[name] = lambda words=words: runtime.encode_texts([TEXTS[words]])
    return calls


def _thumbnail(file: Path) -> Image.Image:
    image = Image.open(file).convert("RGB")
    image.thumbnail(THUMBNAIL)
    return image


def _milliseconds(call: Callable[[], Any]) -> float:
    """Return what a call takes right after another one: the turns of others leave the processor's caches cold."""
    call()
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def _answer(value: Any) -> None:
    print(json.dumps(value), flush=True)


if __name__ == "__main__":
    main()
