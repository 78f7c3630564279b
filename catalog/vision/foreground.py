"""Where the product is in its picture: the part that differs from what lies along the border."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image, Resampling

from catalog.vision.clusters import nearest_centre, settle
from catalog.vision.oklab import distances, lengths, to_oklab

# The longest side of a mask in pixels: shapes and colours stay clear, and a picture takes 2 ms.
MASK_SIDE = 96

# The border that counts as background, and the wider frame in which its clutter is measured, in pixels.
BORDER = 2
FRAME = 8

# A background may have this many colours (a wall, a floor, a shadow), each with this share of the border.
BACKGROUND_COLORS = 3
MIN_BORDER_SHARE = 0.1

# The centres of the colours hardly move after that.
SETTLING_STEPS = 5

# Shadows change lightness and hardly the hue, so a difference in lightness counts less.
LIGHTNESS_WEIGHT = 0.6

# How far a pixel may be from a background colour and still be background, as a distance in Oklab: four times
# what is usual along the border: a white carton stands out from pure white, and a carpet's pile from nothing.
NOISE_FACTOR = 4
MIN_TOLERANCE, MAX_TOLERANCE = 0.03, 0.06

# A foreground is believed when this share of the border fits the background's colours, and when it is neither
# nearly the whole picture nor too little of it. On an even border a thin necklace will do; on an uneven one
# more must stand out, or the find is but a fold of the carpet.
MIN_EXPLAINED = 0.8
MIN_AREA, MIN_AREA_UNEVEN, MAX_AREA = 0.02, 0.3, 0.95

# What is less than twice as thick as THIN is no body, and a body's edge is as soft as that, in pixels of the mask.
THIN = 3
SOFT_EDGE = 2

# Half axes of the ellipse in the middle of a picture, as shares of its sides.
MIDDLE_RADIUS = 0.35


@dataclass(frozen=True)
class Foreground:
    """The product's place in a picture.

    - `mask`: bool (height, width), true on the product; the picture to scale, its longest side `MASK_SIDE`.
    - `found`: false when the background was too busy or too like the product to tell them apart. The mask is
      then an ellipse in the middle: good for colours, no use for a shape.
    - `clutter`: how restless the background is: the mean step from pixel to pixel in Oklab, near 0 in a
      studio, some 0.03 on a floor or a bed, 0.08 and more before a shelf.
    """

    mask: NDArray[np.bool_]
    found: bool
    clutter: float


@dataclass(frozen=True)
class Standout:
    """What differs from the ground along a picture's border, wherever it lies.

    - `mask`: bool (height, width), as that of a Foreground.
    - `explained`: the share of the border, 0..1, that is of the ground's colours; below MIN_EXPLAINED the ground is
      too busy for the mask to mean anything.
    - `evenness`: the share of the border that is of the ground's main colour.
    """

    mask: NDArray[np.bool_]
    explained: float
    evenness: float


def find_foreground(image: Image) -> Foreground:
    """Return where the product is in an RGB picture: what differs from the border and reaches the middle."""
    seen = to_oklab(np.asarray(shrink(image)))
    standout, middle = _stand_out(seen), _middle(seen.shape[:2])
    mask = _flood(middle, standout.mask)
    min_area = MIN_AREA + (1 - standout.evenness) * MIN_AREA_UNEVEN
    found = standout.explained >= MIN_EXPLAINED and min_area <= float(mask.mean()) <= MAX_AREA
    mask = mask if found else middle
    return Foreground(mask=mask, found=found, clutter=_clutter(seen, mask))


def find_standout(image: Image) -> Standout:
    """Return what differs from the border in an RGB picture, be it one thing or several."""
    return _stand_out(to_oklab(np.asarray(shrink(image))))


def _stand_out(seen: NDArray[np.float32]) -> Standout:
    colors = seen * np.array([LIGHTNESS_WEIGHT, 1, 1], np.float32)
    border, middle = _border(colors.shape[:2], width=BORDER), _middle(colors.shape[:2])
    background = _background_colors(colors[border], colors[middle])
    distance = distances(colors, background)
    return Standout(
        mask=_cut_out(distance.min(axis=2), border),
        explained=_near(distance[border].min(axis=1)),
        evenness=_near(distance[border][:, 0]),
    )


def shrink(image: Image) -> Image:
    """Return a picture at the size of its mask."""
    scale = MASK_SIDE / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Resampling.BILINEAR, reducing_gap=2)


def split(mask: NDArray[np.bool_]) -> list[NDArray[np.bool_]]:
    """Return the parts of a mask that do not touch, the largest first; each a mask of the same size."""
    parts, left = [], mask
    while left.any():
        start = np.zeros_like(left)
        start.flat[left.argmax()] = True
        parts.append(_flood(start, left))
        left = left & ~parts[-1]
    return sorted(parts, key=np.count_nonzero, reverse=True)


def body(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return a product's mask and its soft edge, without what is too thin to be more than a strap or a line of text."""
    for _ in range(THIN):
        mask = _erode(mask)
    for _ in range(THIN + SOFT_EDGE):
        mask = _dilate(mask)
    return mask


def _border(shape: tuple[int, ...], *, width: int) -> NDArray[np.bool_]:
    border = np.ones(shape, dtype=bool)
    border[width:-width, width:-width] = False
    return border


def _middle(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    down, across = (np.abs(np.arange(length) + 0.5 - length / 2) / length for length in shape)
    return np.asarray(np.add.outer(down**2, across**2) <= MIDDLE_RADIUS**2)


def _background_colors(border: NDArray[np.float32], middle: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the main colours of a border, the background's own first, without the product's.

    A product that runs out of the picture puts its colours on the border, but more of them in the middle.
    """
    colors = _main_colors(border)
    on_border, in_middle = distances(border, colors).T, distances(middle, colors).T
    own = [_near(outer) > _near(inner) for outer, inner in zip(on_border, in_middle, strict=True)]
    return colors[[True, *own[1:]]]


def _main_colors(colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the few colours of a border, the most frequent first, by k-means.

    Starts from the median and then the farthest colours (Gonzalez, 1985): the same picture always gives the
    same colours.
    """
    centres = np.median(colors, axis=0, keepdims=True)
    for _ in range(BACKGROUND_COLORS - 1):
        farthest = colors[distances(colors, centres).min(axis=1).argmax()]
        centres = np.vstack([centres, farthest])
    pixels = np.ones(len(colors), dtype=np.int64)
    centres = settle(centres, colors, pixels, steps=SETTLING_STEPS).astype(np.float32)
    counts = np.bincount(nearest_centre(colors, centres), minlength=len(centres))
    order = np.argsort(-counts, kind="stable")
    return centres[[i for i in order if counts[i] >= MIN_BORDER_SHARE * len(colors)]]


def _near(distance: NDArray[np.float32]) -> float:
    return float((distance < MAX_TOLERANCE).mean())


def _cut_out(distance: NDArray[np.float32], border: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return what a flood of background from the border leaves dry, without specks, cracks and holes.

    A white stripe inside a shirt on white stays part of the shirt, as the flood does not reach it.
    """
    tolerance = np.clip(NOISE_FACTOR * np.median(distance[border]), MIN_TOLERANCE, MAX_TOLERANCE)
    mask = ~_flood(border, distance < tolerance)
    without_specks = _flood(_erode(_erode(mask)), mask)
    if without_specks.sum() > mask.sum() / 2:
        mask = without_specks
    holes = ~_flood(border, ~_dilate(mask))
    return mask | _erode(holes)


def _clutter(colors: NDArray[np.float32], mask: NDArray[np.bool_]) -> float:
    frame = _border(mask.shape, width=FRAME)
    background = frame & ~_dilate(_dilate(mask))
    steps = np.zeros(mask.shape)
    steps[:, 1:] += lengths(np.diff(colors, axis=1))
    steps[1:] += lengths(np.diff(colors, axis=0))
    return float(steps[background if background.any() else frame].mean())


def _flood(start: NDArray[np.bool_], ground: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the ground that is connected with its part in `start` (morphological reconstruction)."""
    row = ground.shape[1] + 1
    ground_bits = _to_bits(ground)
    flooded, grown = 0, _to_bits(start) & ground_bits
    while grown != flooded:
        flooded = grown
        grown = (flooded | flooded << 1 | flooded >> 1 | flooded << row | flooded >> row) & ground_bits
    return _to_mask(flooded, ground.shape)


def _to_bits(mask: NDArray[np.bool_]) -> int:
    """Return a mask as one long integer, in which a flood grows by a few shifts; an empty column parts the rows."""
    height, width = mask.shape
    spaced = np.zeros((height, width + 1), dtype=bool)
    spaced[:, :-1] = mask
    return int.from_bytes(np.packbits(spaced).tobytes())


def _to_mask(bits: int, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    height, width = shape
    packed = np.frombuffer(bits.to_bytes((height * (width + 1) + 7) // 8), dtype=np.uint8)
    return np.unpackbits(packed, count=height * (width + 1)).reshape(height, width + 1)[:, :-1].astype(bool)


def _dilate(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    grown = mask.copy()
    grown[1:] |= mask[:-1]
    grown[:-1] |= mask[1:]
    grown[:, 1:] |= mask[:, :-1]
    grown[:, :-1] |= mask[:, 1:]
    return grown


def _erode(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return ~_dilate(~mask)
