"""The main colour of a product in its picture, where nobody has labelled it.

A measured colour is no truth: an encoder that learnt its colours from the same measurement is judged by its own
teacher. A column of colours in the data set is always better.
"""

from collections import defaultdict

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, Resampling

from catalog.vision import quality
from catalog.vision.foreground import find_foreground
from catalog.vision.palette import find_palette

# What encoders see: the middle square. Colours are measured on so many pixels a side of it.
SIDE, SEEN_SIDE = 48, 224

# sRGB examples of each colour; a pixel has the colour of the nearest.
EXAMPLES = {
    "black": "0a0a0a 1c1c1e 2a2a2c 25282d",
    "white": "ffffff f4f4f2 e9e9ea e2e2e0",
    "grey": "808080 a0a0a2 5c5e62 bcbdbf 707478 45474b",
    "red": "d81e2a b3121d ee3333 c8283c",
    "maroon": "5a0f1a 6e1423 7d1c2c 4a1018",
    "orange": "f07818 e8641c ff9a3c d9571e",
    "yellow": "f7dc2c ffe866 e8c81a fff08c",
    "green": "2e8b45 1f6b35 5ab04c 7ed070 104a2a 8fc73e",
    "olive": "6b6b2a 5a5a30 7d7a45 484a2c",
    "teal": "1a8a8a 0f6a70 3fb5b0 66cfc8",
    "blue": "2a5fc0 1e4aa0 4a86d8 5a7fb0 3c68a0 6a8ec0 a8c8e8 8fb8e0 bcd6ee 9ab4d0",
    "navy": "141c40 1c2650 20284a 10182e",
    "purple": "6a2c90 8a4ab0 4a1c6a 9c72c0 5a3a70 c4b0e0 b8a8d0",
    "pink": "f080b0 f4a8c0 e04a8a f8c8d4 d8608c e8909c",
    "beige": "d8c4a0 e6d8bc c8b48e ddcdb4 f5ecd2 f2e6c8",
    "brown": "6b4226 8a5a34 4a2c1a a06e46 5c4030 b08050 c09060 b8895a",
}
NAMES = tuple(EXAMPLES)

# Light and shade change lightness most, which therefore counts less.
EXAMPLE_WEIGHTS = np.array([0.6, 1, 1])
BACKGROUND_WEIGHTS = np.array([0.5, 1, 1])

# A pixel is foreground when it is so far in CIE Lab from every colour of the border, BORDER pixels wide; four
# colours (started at the corners) are enough for a wall and a floor in light and shade.
BORDER = 4
FOREGROUND_DISTANCE = 11
SETTLING_STEPS = 4

# How fast the weight of a pixel falls off from the middle, in pixels down and across.
FALL_OFF = 14, 12

# The background has a little weight. Where less than this part of the middle differs from the border, the product
# is like its background, and the middle counts for it.
BACKGROUND_WEIGHT = 0.04
MIN_FOREGROUND = 0.16

# From linear sRGB to CIE XYZ under D65, relative to the white point (IEC 61966-2-1).
RGB_TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
) / np.array([[0.95047], [1], [1.08883]])


def measure_color(image: Image) -> tuple[str, float]:
    """Return the name of an RGB picture's main colour, one of NAMES, and its weight among all, 0..1.

    The pixels in the middle and those unlike the border count most.
    """
    shares = measure_color_shares(image)
    return NAMES[shares.argmax()], float(shares.max())


def measure_color_shares(image: Image) -> NDArray[np.float64]:
    """Return how much each of NAMES counts in an RGB picture, float64 (16,), together 1."""
    lab = _to_lab(np.asarray(_middle_square(image)))
    weights = _weights(_differs_from_border(lab))
    nearest = EXAMPLE_OWNERS[_squares(lab, EXAMPLE_COLORS, EXAMPLE_WEIGHTS).argmin(axis=-1)]
    return np.asarray(np.bincount(nearest.ravel(), weights=(weights / weights.sum()).ravel(), minlength=len(NAMES)))


def measure_palette_color(image: Image) -> tuple[str, float]:
    """Return the name of the largest colour of a product as Trooply's palette has it, and its share, 0..1."""
    reduced = image.reduce(max(1, max(image.size) // quality.SIDE))
    shares: defaultdict[str, float] = defaultdict(float)
    for swatch in find_palette(reduced, find_foreground(reduced).mask):
        shares[swatch.name] += swatch.share
    return max(shares.items(), key=lambda item: item[1])


def _middle_square(image: Image) -> Image:
    scale = SEEN_SIDE / min(image.size)
    width, height = (max(SEEN_SIDE, round(side * scale)) for side in image.size)
    left, top = (width - SEEN_SIDE) // 2, (height - SEEN_SIDE) // 2
    seen = image.resize((width, height), Resampling.BICUBIC)
    seen = seen.crop((left, top, left + SEEN_SIDE, top + SEEN_SIDE))
    return seen.resize((SIDE, SIDE), Resampling.BILINEAR)


def _differs_from_border(lab: NDArray[np.float64]) -> NDArray[np.bool_]:
    edge = np.ones(lab.shape[:2], bool)
    edge[BORDER:-BORDER, BORDER:-BORDER] = False
    border = lab[edge]
    centres = lab[[0, 0, -1, -1], [0, -1, 0, -1]]
    for _ in range(SETTLING_STEPS):
        nearest = _squares(border, centres).argmin(axis=-1)
        centres = np.array([border[nearest == i].mean(axis=0) for i in np.unique(nearest)])
    return np.asarray(_squares(lab, centres, BACKGROUND_WEIGHTS).min(axis=-1) > FOREGROUND_DISTANCE**2)


def _weights(foreground: NDArray[np.bool_]) -> NDArray[np.float64]:
    if (MIDDLE * foreground).sum() >= MIN_FOREGROUND * MIDDLE.sum():
        return MIDDLE * (foreground + BACKGROUND_WEIGHT)
    return np.where(MIDDLE > 0.5, MIDDLE * (foreground + 1), 0)


def _squares(
    colors: NDArray[np.float64], others: NDArray[np.float64], weights: NDArray[np.float64] | float = 1.0
) -> NDArray[np.float64]:
    """Return the squared distance of each colour (..., 3) from each of n others, as (..., n)."""
    return np.asarray(((colors[..., None, :] - others) ** 2 * weights).sum(axis=-1))


def _to_lab(rgb: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Return sRGB values 0..255 as CIE Lab (CIE 15:2004): lightness 0..100, green to red, blue to yellow."""
    value = rgb / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    xyz = linear @ RGB_TO_XYZ.T
    x, y, z = np.moveaxis(np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def _middle() -> NDArray[np.float64]:
    """Return a weight 0..1 for each pixel: a bell over the middle."""
    down, across = (((np.arange(SIDE) - (SIDE - 1) / 2) / width) ** 2 for width in FALL_OFF)
    return np.exp(-np.add.outer(down, across) / 2)


EXAMPLE_COLORS = _to_lab(np.array([list(bytes.fromhex(code)) for codes in EXAMPLES.values() for code in codes.split()]))
EXAMPLE_OWNERS = np.array([owner for owner, codes in enumerate(EXAMPLES.values()) for _ in codes.split()])
MIDDLE = _middle()
