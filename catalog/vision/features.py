"""Everything that is seen in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog.vision import quality
from catalog.vision.encoder import Encoder
from catalog.vision.foreground import find_foreground, shrink
from catalog.vision.palette import Swatch, find_palette
from catalog.vision.quality import Quality, judge_quality
from catalog.vision.shape import Shape, find_shape
from catalog.vision.thumbnail import encode_thumbnail, reduce_to_thumbnail
from catalog.vision.zero_shot import Answers, ZeroShot


@dataclass(frozen=True)
class Features:
    """What is seen in one picture.

    `vector` is float32 (dimensions,) of length 1, `answers` are told from it alone; `thumbnail` is a JPEG.
    """

    vector: NDArray[np.float32]
    thumbnail: bytes
    palette: tuple[Swatch, ...]
    shape: Shape
    quality: Quality
    answers: Answers


def extract_features(images: Sequence[Image], *, encoder: Encoder, heads: ZeroShot) -> list[Features]:
    """Return what is seen in RGB pictures, in their order; they go through the encoder together."""
    vectors = encoder.encode_images(images)
    return [
        _look(image, vector, answers)
        for image, vector, answers in zip(images, vectors, heads.look(vectors), strict=True)
    ]


def reduce(image: Image) -> Image:
    """Return a picture at the size that it is looked at: some hundred pixels wide, and no photograph's thousands."""
    factor = max(image.size) // quality.SIDE
    return image.reduce(factor) if factor > 1 else image


def _look(image: Image, vector: NDArray[np.float32], answers: Answers) -> Features:
    # Both look at it at this size, and would otherwise each scale it.
    small = shrink(reduce(image))
    foreground = find_foreground(small)
    # As large as a thumbnail is just what quality is measured at.
    reduced = reduce_to_thumbnail(image)
    return Features(
        vector=vector,
        thumbnail=encode_thumbnail(reduced),
        palette=find_palette(small, foreground.mask),
        shape=find_shape(foreground),
        quality=judge_quality(image, foreground, reduced=reduced),
        answers=answers,
    )
