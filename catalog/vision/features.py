"""Everything that is seen in a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog.vision import quality
from catalog.vision.encoder import Encoder
from catalog.vision.foreground import find_foreground
from catalog.vision.palette import Swatch, find_palette
from catalog.vision.quality import Quality, judge_quality
from catalog.vision.shape import Shape, find_shape
from catalog.vision.zero_shot import Answers, ZeroShot


@dataclass(frozen=True)
class Features:
    """What is seen in one picture; `vector` is float32 (dimensions,) of length 1, `answers` are told from it alone."""

    vector: NDArray[np.float32]
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
    return image.reduce(max(1, max(image.size) // quality.SIDE))


def _look(image: Image, vector: NDArray[np.float32], answers: Answers) -> Features:
    reduced = reduce(image)
    foreground = find_foreground(reduced)
    return Features(
        vector=vector,
        palette=find_palette(reduced, foreground.mask),
        shape=find_shape(foreground),
        quality=judge_quality(reduced, foreground, size=image.size),
        answers=answers,
    )
