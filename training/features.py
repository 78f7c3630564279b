"""What the frozen part of the image network sees in every view of every picture, computed once and kept.

A set of examples becomes one folder of arrays, a row each; views of the same example are numbered.
"""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from catalog.vision.decode import decode
from training.augmentation import random_view
from training.colors import measure_shares
from training.examples import Example
from training.trunk import MAP_CHANNELS, MAP_SIDE, MEAN, SIDE, STD, LowerSession

# The side of the small pictures that the colour branch reads, a multiple of MAP_SIDE.
SMALL = 32
CHUNK = 32
# Photographs are first reduced to no less than so many times SIDE, which is quicker and hardly another picture.
REDUCING_GAP = 3


@dataclass(frozen=True)
class Seen:
    """One view of each example: maps float16 (n, 112, 16, 16), small pictures uint8 (n, 32, 32, 3), colours
    float32 (n, 16) as shares of the product."""

    examples: list[Example]
    maps: NDArray[np.float16]
    small: NDArray[np.uint8]
    colors: NDArray[np.float32]

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `see_all` has kept in a folder, the maps left on disk until they are read."""
        examples = [
            Example(**{**fields, "path": Path(fields["path"])})
            for fields in json.loads((folder / "examples.json").read_text())
        ]
        return cls(
            examples,
            maps=np.load(folder / "maps.npy", mmap_mode="r"),
            small=np.load(folder / "small.npy"),
            colors=np.load(folder / "colors.npy"),
        )


def see_all(examples: Sequence[Example], folder: Path, *, lower: Path, view: int, processes: int) -> None:
    """Keep one view of each example in a folder, unless it is there: view 0 is the encoder's own, others are random."""
    if (folder / "examples.json").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    maps = np.lib.format.open_memmap(
        folder / "maps.npy", "w+", np.float16, (len(examples), MAP_CHANNELS, MAP_SIDE, MAP_SIDE)
    )
    small = np.empty((len(examples), SMALL, SMALL, 3), np.uint8)
    colors = np.empty((len(examples), 16), np.float32)
    starts = range(0, len(examples), CHUNK)
    with (
        ProcessPoolExecutor(processes, initializer=_start, initargs=(lower,)) as pool,
        tqdm(total=len(examples), unit=" pictures", desc=folder.name) as progress,
    ):
        chunks = [examples[start : start + CHUNK] for start in starts]
        for start, seen in zip(starts, pool.map(_see_chunk, chunks, [view] * len(chunks), starts), strict=True):
            end = start + len(seen[0])
            maps[start:end], small[start:end], colors[start:end] = seen
            progress.update(end - start)
    maps.flush()
    np.save(folder / "small.npy", small)
    np.save(folder / "colors.npy", colors)
    rows = [{**asdict(example), "path": os.fspath(example.path)} for example in examples]
    (folder / "examples.json").write_text(json.dumps(rows))


def to_pixels(images: Sequence[Image.Image]) -> NDArray[np.float32]:
    """Return squares of SIDE pixels as float32 (n, 3, SIDE, SIDE), normalised."""
    squares = np.stack([np.asarray(image, np.float32) for image in images]) / 255
    return np.ascontiguousarray(((squares - np.float32(MEAN)) / np.float32(STD)).transpose(0, 3, 1, 2))


def own_view(image: Image.Image) -> Image.Image:
    """Return the square that the encoder cuts out of an RGB picture: short side to SIDE, then the centre."""
    short = min(image.size)
    size = int(SIDE * image.width / short), int(SIDE * image.height / short)
    scaled = image.resize(size, Image.Resampling.BICUBIC, reducing_gap=REDUCING_GAP)
    left, top = round((size[0] - SIDE) / 2), round((size[1] - SIDE) / 2)
    return scaled.crop((left, top, left + SIDE, top + SIDE))


def _start(lower: Path) -> None:
    global _session
    _session = LowerSession(lower, threads=1)


def _see_chunk(
    examples: Sequence[Example], view: int, start: int
) -> tuple[NDArray[np.float16], NDArray[np.uint8], NDArray[np.float32]]:
    views = [_view(example, view, start + number) for number, example in enumerate(examples)]
    small = np.stack([np.asarray(image.resize((SMALL, SMALL), Image.Resampling.BOX)) for image in views])
    return _session.maps(to_pixels(views)), small, np.stack([measure_shares(image) for image in views])


def _view(example: Example, view: int, number: int) -> Image.Image:
    image = decode(example.path.read_bytes())
    return own_view(image) if view == 0 else random_view(image, SIDE, np.random.default_rng((view, number)))
