"""How fast an encoder is alone, in as many processes as a worker has, on pictures that are decoded already."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path

from bench.pictures import PROCESSES
from catalog.vision.decode import decode
from catalog.vision.encoder import load_encoder

# How many pictures it is given at a time.
BATCHES = (1, 4, 8, 16, 32)
# Each process sees these again and again, for a second at least.
SAMPLE = 32
SECONDS = 1.0


@dataclass(frozen=True)
class EncoderSpeed:
    """Pictures a second by how many the encoder is given at a time, in these processes with so many threads each."""

    processes: int
    threads: int
    per_second: dict[int, float]

    @property
    def best(self) -> float:
        return max(self.per_second.values())


def measure_encoder(bundle: Path, pictures: Sequence[bytes], *, processes: int, threads: int) -> EncoderSpeed:
    """Return how many pictures a second all processes together embed, from pixels to vectors."""
    begin = PROCESSES.Barrier(processes)
    with PROCESSES.Pool(processes, _load, (bundle, threads, list(pictures[:SAMPLE]), begin)) as pool:
        # Each waits for the others before it begins, so none takes two of these.
        per_second = {batch: sum(pool.map(_rate, [batch] * processes, chunksize=1)) for batch in BATCHES}
    return EncoderSpeed(processes=processes, threads=threads, per_second=per_second)


def _load(bundle: Path, threads: int, pictures: Sequence[bytes], begin: Barrier) -> None:
    global _encoder, _images, _begin
    _encoder, _images, _begin = load_encoder(bundle, threads=threads), [decode(picture) for picture in pictures], begin


def _rate(batch: int) -> float:
    """Return the pictures a second of this process."""
    _encoder.encode_images(_images[:batch])  # the first of a size is always slower
    _begin.wait()
    done, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        for start in range(0, len(_images), batch):
            done += len(_encoder.encode_images(_images[start : start + batch]))
    return done / (time.perf_counter() - started)
