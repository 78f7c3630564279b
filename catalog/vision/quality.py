"""How good a product picture is, and what would make it better."""

from dataclasses import dataclass
from math import exp, log
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, Resampling, fromarray

from catalog.vision.foreground import Foreground, body

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

# What JPEG has taken away shows at the borders of its blocks of 8 pixels: there neighbours differ more than inside
# (Wang, Sheikh and Bovik, "No-reference perceptual quality assessment of JPEG compressed images", 2002). How many
# times as much, with STILL added inside, as grey values 0..255. Measured: untouched photographs have up to 1.25,
# quality 30 about 1.5, quality 8 about 2.3 and quality 3 about 3.8.
BLOCK = 8
MAX_BLOCK_SCALE = 2
ROWS = 200
STILL = 0.3
WHOLE, BLOCKY = 1.3, 4.0

# Light, in grey values 0..1: below NIGHT nothing is lit, above BRIGHT something is; above FOG nothing is
# dark, below DARK something is. What is BURNT has lost its detail; a LITTLE of the product may, but not MUCH.
NIGHT, BRIGHT = 0.3, 0.8
DARK, FOG = 0.7, 0.95
BURNT, LITTLE, MUCH = 0.98, 0.1, 0.6

# Contrast is the standard deviation of grey values 0..1 (Peli, "Contrast in complex images", 1990).
FLAT, RICH = 0.03, 0.15

# `Foreground.clutter` of a studio, and of a shelf full of things.
STUDIO, SHELF = 0.012, 0.12

# Writing, logos and watermarks before the background are many strokes side by side: steps of grey values 0..255 of
# more than a STROKE from one pixel to the next, beyond the STRAPS that a row of pixels may well cross beside the
# product. Of those, the mean number in a row, at SIDE. Measured: clean product pictures have 0 to 0.3, one line of
# writing across has 1.4, four lines 2 to 3. It is told on even ground only, where half of all steps are below SMOOTH:
# what looks like writing in a carpet, whose steps are ROUGH, is the carpet.
STROKE = 28
STRAPS = 12
BARE, LETTERED = 0.5, 2.5
SMOOTH, ROUGH = 1, 4
# A picture that is written all over can still be seen: this much of its background is held against it.
LETTERING_COST = 0.75

HINTS = {
    "low_resolution": "Upload a larger picture: 800 x 800 pixels or more.",
    "blurry": "Take the picture again in focus, with the camera held still or on a stand.",
    "compressed": "Save the picture with less compression: as JPEG of quality 80 or more.",
    "too_dark": "Take the picture again with more light, or brighten it.",
    "too_bright": "Take the picture again with less light: bright parts have lost their detail.",
    "low_contrast": "Choose a background that stands out from the product.",
    "busy_background": "Photograph the product alone, before a plain background.",
    "lettering": "Remove text, logos and watermarks that lie over the picture.",
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


def judge_quality(image: Image, foreground: Foreground, *, reduced: Image) -> Quality:
    """Return how good an RGB picture is as a picture of a product.

    `reduced` is the picture once more, with no side longer than `SIDE`, by a filter that leaves no steps.
    The score is the weighted geometric mean of the parts: no part makes good what another lacks.
    """
    grey = _at_least(TILE + 2, reduced).convert("L")
    values, tones = np.asarray(grey), np.array(grey.histogram())
    faults = {
        "blurry": 1 - _rise(log(_laplacian_variance(values) + 1), log(SOFT), log(CRISP)),
        "compressed": _rise(log(_blockiness(image)), log(WHOLE), log(BLOCKY)),
        "too_dark": 1 - _rise(_percentile(tones, 0.98), NIGHT, BRIGHT),
        "too_bright": max(_rise(_percentile(tones, 0.02), DARK, FOG), _rise(_burnt(values, foreground), LITTLE, MUCH)),
        "busy_background": _rise(foreground.clutter, STUDIO, SHELF),
        "lettering": _rise(_lettering(values, foreground), BARE, LETTERED),
    }
    parts = {
        "resolution": _rise(log(image.width * image.height) / 2, log(SMALL), log(LARGE)),
        "sharpness": (1 - faults["blurry"]) * (1 - faults["compressed"]),
        "exposure": (1 - faults["too_dark"]) * (1 - faults["too_bright"]),
        "contrast": _rise(_deviation(tones) / 255, FLAT, RICH),
        "background": (1 - faults["busy_background"]) * (1 - LETTERING_COST * faults["lettering"]),
    }
    score = exp(sum(weight * log(max(parts[name], FLOOR)) for name, weight in WEIGHTS.items()))
    problems = _problems(parts, faults)
    return Quality(
        score=score,
        grade=next(grade for grade, least in GRADES.items() if score >= least),
        **parts,
        problems=problems,
        hint=HINTS[problems[0]] if problems else "",
    )


def _at_least(side: int, image: Image) -> Image:
    size = max(side, image.width), max(side, image.height)
    return image.resize(size, Resampling.BILINEAR)


def _laplacian_variance(grey: NDArray[np.uint8]) -> float:
    values = grey.astype(np.int16)
    laplacian = values[:-2, 1:-1] + values[2:, 1:-1]
    laplacian += values[1:-1, :-2]
    laplacian += values[1:-1, 2:]
    laplacian -= 4 * values[1:-1, 1:-1]
    means, squares = _tile_means(laplacian), _tile_means(np.square(laplacian, dtype=np.int32))
    variances = np.sort(squares - means**2, axis=None)
    return float(variances[-max(1, round(SHARPEST * variances.size)) :].mean())


def _tile_means(values: NDArray[Any]) -> NDArray[np.float64]:
    rows, columns = values.shape[0] // TILE, values.shape[1] // TILE
    # Whole rows first, which numpy adds many at a time.
    added = values[: rows * TILE].reshape(rows, TILE, -1).sum(axis=1, dtype=np.int32)
    return np.asarray(added[:, : columns * TILE].reshape(rows, columns, TILE).sum(axis=2) / TILE**2)


def _blockiness(image: Image) -> float:
    """Return how many times as much neighbours differ at the borders of JPEG's blocks as inside, 1 where they do not.

    A large picture is reduced to no less than `SIDE`, and shows its blocks as long as their borders lie between pixels.
    """
    scale = max(1, max(image.size) // SIDE)
    side = BLOCK // scale
    if scale > MAX_BLOCK_SCALE or image.width // scale <= side:
        return 1.0
    rows = np.asarray(_some_rows(image.reduce(scale) if scale > 1 else image).convert("L"))
    steps = _steps(rows).sum(axis=0, dtype=np.int32) / len(rows)
    phases = steps[: steps.size // side * side].reshape(-1, side).mean(axis=0)
    # The largest of the others, as threads and pixels that were drawn large are periodic too.
    return float((phases[-1] + STILL) / (phases[:-1].max() + STILL))


def _some_rows(image: Image) -> Image:
    """Return some evenly spaced rows of a picture, which tell as much of its blocks as all of them."""
    return image.resize((image.width, min(ROWS, image.height)), Resampling.NEAREST)


def _steps(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return how much each pixel differs from its neighbour to the left, one column less."""
    return np.asarray(np.maximum(grey[:, 1:], grey[:, :-1]) - np.minimum(grey[:, 1:], grey[:, :-1]))


def _burnt(grey: NDArray[np.uint8], foreground: Foreground) -> float:
    """Return the share of the product, 0..1, that is too bright to have any detail."""
    product = _enlarge(foreground.mask, grey.shape)
    burnt = int(np.count_nonzero((grey > 255 * BURNT) & product))
    return burnt / max(1, int(np.count_nonzero(product)))


def _lettering(grey: NDArray[np.uint8], foreground: Foreground) -> float:
    """Return how many strokes lie beside the product in a row of pixels, on average, beyond what straps explain."""
    beside = ~_enlarge(body(foreground.mask), grey.shape)[:, 1:]
    steps = _steps(grey)
    ground = steps[::4][beside[::4]]
    evenness = 1 - _rise(float(np.median(ground)), SMOOTH, ROUGH) if ground.size else 0.0
    if not evenness:
        return 0.0
    steep = (steps > STROKE) & beside
    strokes = (steep[:, 1:] > steep[:, :-1]).sum(axis=1, dtype=np.uint16)
    return evenness * float(np.maximum(strokes, STRAPS).mean() - STRAPS)


def _enlarge(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    return np.asarray(fromarray(mask).resize((width, height)))


def _percentile(tones: NDArray[np.int64], share: float) -> float:
    """Return the grey value 0..1 that a share of the pixels does not exceed, given how many have each value."""
    counts = tones.cumsum()
    return float(np.searchsorted(counts, share * counts[-1])) / 255


def _deviation(tones: NDArray[np.int64]) -> float:
    """Return the standard deviation of grey values 0..255, given how many pixels have each."""
    values, count = np.arange(tones.size), tones.sum()
    mean = values @ tones / count
    return float(np.sqrt((values - mean) ** 2 @ tones / count))


def _problems(parts: dict[str, float], faults: dict[str, float]) -> tuple[str, ...]:
    """Return what is wrong in the parts that are, the worst first; where two faults make a part, the greater."""
    names = {
        "resolution": "low_resolution",
        "sharpness": max("blurry", "compressed", key=faults.__getitem__),
        "exposure": max("too_dark", "too_bright", key=faults.__getitem__),
        "contrast": "low_contrast",
        "background": max("busy_background", "lettering", key=faults.__getitem__),
    }
    return tuple(names[part] for part in sorted(parts, key=parts.__getitem__) if parts[part] < PROBLEM)


def _rise(value: float, start: float, end: float) -> float:
    """Return 0 up to `start`, 1 from `end` on, and the way between them in between."""
    return min(1.0, max(0.0, (value - start) / (end - start)))
