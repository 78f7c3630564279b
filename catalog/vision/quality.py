"""How good a product picture is, and what would make it better."""

from dataclasses import dataclass
from math import exp, log

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, Resampling, fromarray

from catalog.vision.foreground import Foreground

# The least score of each grade.
GRADES = {"excellent": 0.85, "good": 0.70, "fair": 0.55, "poor": 0.0}

# How much each part says about the whole.
WEIGHTS = {"resolution": 0.35, "sharpness": 0.20, "exposure": 0.20, "contrast": 0.05, "background": 0.20}

# In a part below this the merchant is told of a problem.
PROBLEM = 0.5

# No part counts as less, or a single zero would make every picture the same zero.
FLOOR = 0.02

# Sides of squares: Google Merchant Center's least and its recommended size of product pictures, in pixels.
SMALL, LARGE = 100, 800

# Detail and light are measured at this longest side at most, so that large pictures compare.
SIDE = 512

# Sharpness is the variance of the Laplacian of grey values 0..255 (Pech-Pacheco et al., "Diatom autofocusing
# in brightfield microscopy", 2000; Pertuz et al., "Analysis of focus measure operators for shape-from-focus",
# 2013), in the sharpest tenth of tiles: plain backgrounds and smooth surfaces have none, which is no fault.
# Measured: sharp photographs have 4,000 and more, the same blurred by one pixel 500 and by two 50.
TILE = 32
SHARPEST = 0.1
SOFT, CRISP = 30, 3000

# Light, in grey values 0..1: below NIGHT nothing is lit, above BRIGHT something is; above FOG nothing is
# dark, below DARK something is. What is BURNT has lost its detail; a LITTLE of the product may, but not MUCH.
NIGHT, BRIGHT = 0.3, 0.8
DARK, FOG = 0.7, 0.95
BURNT, LITTLE, MUCH = 0.98, 0.1, 0.6

# Contrast is the standard deviation of grey values 0..1 (Peli, "Contrast in complex images", 1990).
FLAT, RICH = 0.03, 0.15

# `Foreground.clutter` of a studio, and of a shelf full of things.
STUDIO, SHELF = 0.012, 0.12

HINTS = {
    "low_resolution": "Upload a larger picture: 800 x 800 pixels or more.",
    "blurry": "Take the picture again in focus, with the camera held still or on a stand.",
    "too_dark": "Take the picture again with more light, or brighten it.",
    "too_bright": "Take the picture again with less light: bright parts have lost their detail.",
    "low_contrast": "Choose a background that stands out from the product.",
    "busy_background": "Photograph the product alone, before a plain background.",
}


@dataclass(frozen=True)
class Quality:
    """How good a picture is: its score 0..1, its grade, and the parts 0..1 that the score is made of.

    `problems` are keys of `HINTS`, the worst first; `hint` says what to do about that one, if there is any.
    """

    score: float
    grade: str
    resolution: float
    sharpness: float
    exposure: float
    contrast: float
    background: float
    problems: tuple[str, ...]
    hint: str


def judge_quality(image: Image, foreground: Foreground, *, size: tuple[int, int]) -> Quality:
    """Return how good an RGB picture is as a picture of a product.

    `size` is the picture's own in pixels, as `image` may be a reduction of it, to no less than `SIDE`.
    The score is the weighted geometric mean of the parts: no part makes good what another lacks.
    """
    grey = _to_grey(image)
    darkness, brightness = _too_dark(grey), _too_bright(grey, foreground)
    parts = {
        "resolution": _rise(log(size[0] * size[1]) / 2, log(SMALL), log(LARGE)),
        "sharpness": _rise(log(_laplacian_variance(grey) + 1), log(SOFT), log(CRISP)),
        "exposure": (1 - darkness) * (1 - brightness),
        "contrast": _rise(float(grey.std(dtype=np.float32)) / 255, FLAT, RICH),
        "background": 1 - _rise(foreground.clutter, STUDIO, SHELF),
    }
    score = exp(sum(weight * log(max(parts[name], FLOOR)) for name, weight in WEIGHTS.items()))
    problems = _problems(parts, "too_dark" if darkness > brightness else "too_bright")
    return Quality(
        score=score,
        grade=next(grade for grade, least in GRADES.items() if score >= least),
        **parts,
        problems=problems,
        hint=HINTS[problems[0]] if problems else "",
    )


def _to_grey(image: Image) -> NDArray[np.uint8]:
    scale = min(1.0, SIDE / max(image.size))
    size = max(TILE + 2, round(image.width * scale)), max(TILE + 2, round(image.height * scale))
    return np.asarray(image.convert("L").resize(size, Resampling.BILINEAR, reducing_gap=2))


def _laplacian_variance(grey: NDArray[np.uint8]) -> float:
    values = grey.astype(np.float32)
    around = values[:-2, 1:-1] + values[2:, 1:-1] + values[1:-1, :-2] + values[1:-1, 2:]
    laplacian = around - 4 * values[1:-1, 1:-1]
    rows, columns = laplacian.shape[0] // TILE, laplacian.shape[1] // TILE
    tiles = laplacian[: rows * TILE, : columns * TILE].reshape(rows, TILE, columns, TILE)
    variances = np.sort((tiles**2).mean(axis=(1, 3)) - tiles.mean(axis=(1, 3)) ** 2, axis=None)
    return float(variances[-max(1, round(SHARPEST * variances.size)) :].mean())


def _too_dark(grey: NDArray[np.uint8]) -> float:
    return 1 - _rise(_percentile(grey, 0.98), NIGHT, BRIGHT)


def _too_bright(grey: NDArray[np.uint8], foreground: Foreground) -> float:
    product = np.asarray(fromarray(foreground.mask).resize(grey.shape[::-1]))
    burnt = float((grey[product] > 255 * BURNT).mean())
    return max(_rise(_percentile(grey, 0.02), DARK, FOG), _rise(burnt, LITTLE, MUCH))


def _percentile(grey: NDArray[np.uint8], share: float) -> float:
    """Return the grey value 0..1 that a share of the pixels does not exceed."""
    counts = np.bincount(grey.ravel(), minlength=256).cumsum()
    return float(np.searchsorted(counts, share * grey.size)) / 255


def _problems(parts: dict[str, float], light: str) -> tuple[str, ...]:
    names = {
        "resolution": "low_resolution",
        "sharpness": "blurry",
        "exposure": light,
        "contrast": "low_contrast",
        "background": "busy_background",
    }
    return tuple(names[part] for part in sorted(parts, key=parts.__getitem__) if parts[part] < PROBLEM)


def _rise(value: float, start: float, end: float) -> float:
    """Return 0 up to `start`, 1 from `end` on, and the way between them in between."""
    return min(1.0, max(0.0, (value - start) / (end - start)))
