"""Pictures that somebody labelled, and how an encoder sees them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL.Image import Image

from catalog.vision.decode import DecodeError, decode
from catalog.vision.encoder import Encoder
from catalog.vision.evaluation.measures import Vectors

# So many pictures are decoded at a time: about 100 MB.
BATCH = 32


class DatasetError(Exception):
    """A data set that cannot be measured, with a sentence that says what to do."""


@dataclass(frozen=True)
class Picture:
    """A picture's file and what is known about it; "" is unknown.

    - `label`: the kind of thing, in a shopper's words; `name`: the product's own name.
    - `product`: what it has in common with the gallery's pictures of the same product.
    - `split`: "train", "validation" or "test".
    - `color`: its main colour, which covers `color_share`, 0..1, of the product; 1 where a person said so.
    """

    path: Path
    label: str = ""
    name: str = ""
    product: str = ""
    split: str = "test"
    color: str = ""
    color_share: float = 1.0


@dataclass(frozen=True)
class Seen:
    """Pictures with their vectors, float32 rows (pictures, dimensions) of length 1 in the same order."""

    pictures: Sequence[Picture]
    vectors: Vectors

    def where(self, wanted: Callable[[Picture], object]) -> "Seen":
        rows = [row for row, picture in enumerate(self.pictures) if wanted(picture)]
        return Seen([self.pictures[row] for row in rows], self.vectors[rows])

    @property
    def labels(self) -> list[str]:
        return [picture.label for picture in self.pictures]


MeasureColor: TypeAlias = Callable[[Image], tuple[str, float]]


def see(
    pictures: Sequence[Picture],
    encoder: Encoder,
    *,
    measure_color: MeasureColor | None = None,
    on_progress: Callable[[int], object],
) -> Seen:
    """Return pictures with their vectors, and with measured colours where a label has none.

    `on_progress` is told after each batch how many it had. Raises DatasetError for a file that is no picture.
    """
    seen: list[Picture] = []
    vectors = [encoder.encode_images([])]
    for start in range(0, len(pictures), BATCH):
        batch = pictures[start : start + BATCH]
        images = [_read(picture.path) for picture in batch]
        vectors.append(encoder.encode_images(images))
        seen += [_colored(picture, image, measure_color) for picture, image in zip(batch, images, strict=True)]
        on_progress(len(batch))
    return Seen(seen, np.concatenate(vectors))


def _read(path: Path) -> Image:
    try:
        return decode(path.read_bytes())
    except (OSError, DecodeError) as error:
        raise DatasetError(f"{path}: {error}") from error


def _colored(picture: Picture, image: Image, measure_color: MeasureColor | None) -> Picture:
    if measure_color is None or picture.color or not picture.label:
        return picture
    color, share = measure_color(image)
    return replace(picture, color=color, color_share=share)
