"""`python -m bench.encoding_loop`: embeds pictures and texts one by one and compares each with all rows.

It is the same loop for each runtime, a process each; nothing but the encoder differs.
"""

import argparse
import json
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from bench.processes import memory_of
from bench.timing import median
from catalog.vision.decode import decode
from catalog.vision.encoder import load_encoder

PAGE = 10
WARM_UP = 5

T = TypeVar("T")


class Runtime(Protocol):
    """What a loop embeds with."""

    def encode_picture(self, file: Path) -> NDArray[np.float32]: ...

    def encode_text(self, text: str) -> NDArray[np.float32]: ...


class OurRuntime:
    """A bundle as the web and worker processes load it."""

    def __init__(self, bundle: Path, *, threads: int) -> None:
        self._encoder = load_encoder(bundle, threads=threads)

    def encode_picture(self, file: Path) -> NDArray[np.float32]:
        """Return the unit vector of a picture file."""
        vector: NDArray[np.float32] = self._encoder.encode_images([decode(file.read_bytes())])[0]
        return vector

    def encode_text(self, text: str) -> NDArray[np.float32]:
        """Return the unit vector of a text."""
        vector: NDArray[np.float32] = self._encoder.encode_texts([text])[0]
        return vector


def main() -> None:
    """Run the loop and print its figures as JSON."""
    options = _parse_arguments()
    runtime = _load(options.runtime, options.model, threads=options.threads)
    pictures = sorted(options.inputs.glob("*.webp"))
    texts = (options.inputs / "texts.txt").read_text().splitlines()
    picture = _time_each(runtime.encode_picture, pictures)
    text = _time_each(runtime.encode_text, texts)
    resident = memory_of("loop", [os.getpid()]).resident
    queries = [runtime.encode_text(query) for query in texts]
    comparing = {rows: _time_comparing(queries, rows) for rows in options.rows}
    print(json.dumps({"picture": picture, "text": text, "comparing": comparing, "resident": resident}))


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.encoding_loop")
    parser.add_argument("runtime", choices=["open_clip", "ours"])
    parser.add_argument("model", type=Path, help="a folder with open_clip's files, or a bundle")
    parser.add_argument("inputs", type=Path, help="a folder of WebP pictures and texts.txt")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rows", type=int, nargs="+", required=True)
    return parser.parse_args()


def _load(runtime: str, model: Path, *, threads: int) -> Runtime:
    if runtime == "ours":
        return OurRuntime(model, threads=threads)
    # Imported here: with torch in it, our own process would not be the one that is to be measured.
    from bench.plain_open_clip import PlainOpenClip

    return PlainOpenClip(f"local-dir:{model}", threads=threads)


def _time_each(function: Callable[[T], Any], inputs: Sequence[T]) -> float:
    """Return the median milliseconds of a call."""
    for first in inputs[:WARM_UP]:
        function(first)
    milliseconds = []
    for one in inputs:
        started = time.perf_counter()
        function(one)
        milliseconds.append((time.perf_counter() - started) * 1000)
    return median(milliseconds)


def _time_comparing(queries: Sequence[NDArray[np.float32]], rows: int) -> float:
    random = np.random.default_rng(rows)
    matrix = random.standard_normal((rows, len(queries[0])), dtype=np.float32)
    matrix /= np.linalg.norm(matrix, axis=1, keepdims=True)
    return _time_each(lambda query: _nearest(matrix, query), queries)


def _nearest(matrix: NDArray[np.float32], query: NDArray[np.float32]) -> NDArray[np.intp]:
    similarities = matrix @ query
    best = np.argpartition(similarities, -PAGE)[-PAGE:]
    return best[np.argsort(-similarities[best])]


if __name__ == "__main__":
    main()
