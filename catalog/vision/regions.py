"""Where in a picture the things are that one may look for: proposals for "shop the look", without a trained detector.

What stands out from the ground (`catalog.vision.foreground`) falls into parts that do not touch. A part may be cut
where its colour or its width changes at once, as from a shirt to trousers; it is where the encoder is surer of the
pieces than of the part as a whole. A picture without an even ground is looked at through a fixed grid of windows.

What it can do, by `python -m bench.regions --seed 5` with scout-2: of drawn things that lie side by side or as on a
figure it finds 90 to 97 in 100 on white and grey and 81 or 82 on floorboards, and names nine of ten of these rightly;
of 2 or 4 photographs put together without a gap it finds 82. Of the regions 81 in 100 (floorboards) to 99 (white) frame
a thing. There was no photograph of a person to try it on.

What it cannot do: things that overlap otherwise, or lie before something busy, are missed or framed badly. Of two
touching things of one type it makes one region. Of a photograph of a single thing it proposes about one region, which
may be a part of the thing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, pairwise
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image
from PIL.Image import new as new_image

from catalog.vision.encoder import Encoder
from catalog.vision.foreground import MIN_EXPLAINED, find_standout, shrink, split
from catalog.vision.oklab import to_oklab
from catalog.vision.zero_shot import ZeroShot

MAX_REGIONS = 6

# What the encoder looks at, all at once: some 15 ms each.
MAX_WINDOWS = 20
MAX_PARTS = 8

# Of the picture: less is no product, more is the picture itself.
MIN_AREA, MAX_AREA = 0.01, 0.9

# What is compared on both sides of a cut, and how far cuts lie from each other and from the ends; shares of a part's
# length.
STRIP, CUT_DISTANCE = 0.05, 0.08
MAX_CUTS = 3
# A piece is no mere fringe: its box has so much of the part's, as shoes have of what is worn with them.
MIN_PIECE = 0.025

# In pixels of the mask.
MIN_THICKNESS = 3

# How far colours (a distance in Oklab) and widths (shares of the part's) must change together for a cut.
MIN_CHANGE = 0.08
WIDTH_WEIGHT = 0.25

# A piece counts by how much surer than this it is. Found with `python -m bench.regions`: with less a dress falls into
# a top and a skirt, with more the shoes stay with the trousers.
PIECE_COST = 0.55

# Of two that show the same place, half a picture goes before its quarter unless that is 1.19 times as sure: a part of
# a thing looks much like the thing.
AREA_POWER = 0.25

# Product pictures have a margin, and the encoder has seen such; share of the longer side.
MARGIN = 0.06

# Of two regions that overlap so much (intersection over union), or lie so far inside each other, one is shown.
MAX_OVERLAP, MAX_INSIDE = 0.3, 0.7


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture: shares of its width and height, 0..1, from the upper left corner."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        return self.width * self.height


@dataclass(frozen=True)
class Region:
    """Where something is, what the product-type head calls it and how sure that is (0..1), and its unit vector."""

    box: Box
    label: str
    confidence: float
    vector: NDArray[np.float32] = field(compare=False, repr=False)


# A piece of a part reaches from one cut to another; 0 is the part's one end.
Piece = tuple[int, int]


@dataclass(frozen=True)
class _Part:
    """Something that touches nothing else, and the boxes of its pieces; `last` is the number of its other end."""

    last: int
    boxes: Mapping[Piece, Box]


# The picture itself, its halves and its quarters.
WHOLE = Box(0, 0, 1, 1)
GRID = (
    WHOLE,
    *(Box(x, 0, 0.5, 1) for x in (0, 0.5)),
    *(Box(0, y, 1, 0.5) for y in (0, 0.5)),
    *(Box(x, y, 0.5, 0.5) for x in (0, 0.5) for y in (0, 0.5)),
)


def propose_regions(
    image: Image, encoder: Encoder, heads: ZeroShot, max_regions: int = MAX_REGIONS
) -> tuple[Region, ...]:
    """Return up to `max_regions` regions of an RGB picture, the best first; none where nothing can be told apart.

    The encoder is asked once, for at most MAX_WINDOWS windows.
    """
    standout = find_standout(image)
    parts = _parts(image, standout.mask) if standout.explained >= MIN_EXPLAINED else []
    boxes = [box for part in parts for box in part.boxes.values()] or GRID
    seen = {region.box: region for region in _look(image, boxes, encoder, heads)}
    regions = [region for part in parts for region in _best_pieces(part, seen)] or seen.values()
    return tuple([region for region in _apart(regions) if region.box != WHOLE][:max_regions])


def frame(image: Image, box: Box) -> Image:
    """Return what is in a box of a picture, alone on a square of the picture's ground, as shops show things."""
    return _frame(image, box, _ground(image))


def overlap(first: Box, second: Box) -> float:
    """Return the intersection of two boxes over their union, 0..1."""
    shared = _intersection(first, second)
    return shared / (first.area + second.area - shared)


def _intersection(first: Box, second: Box) -> float:
    width = min(first.x + first.width, second.x + second.width) - max(first.x, second.x)
    height = min(first.y + first.height, second.y + second.height) - max(first.y, second.y)
    return max(0.0, width) * max(0.0, height)


def _parts(image: Image, mask: NDArray[np.bool_]) -> list[_Part]:
    """Return what touches nothing else, the largest first, with as many pieces as may be looked at."""
    colors = to_oklab(np.asarray(shrink(image)))
    masks = [part for part in split(mask) if MIN_AREA <= part.mean() <= MAX_AREA][:MAX_PARTS]
    parts: list[_Part] = []
    for part in masks:
        spare = MAX_WINDOWS - len(masks) - sum(len(other.boxes) - 1 for other in parts)
        parts.append(_cut(colors, part, most=max(n for n in range(MAX_CUTS + 1) if n * (n + 3) / 2 <= spare)))
    return parts


def _cut(colors: NDArray[np.float32], mask: NDArray[np.bool_], *, most: int) -> _Part:
    """Cut a part across its longer side at up to `most` places."""
    height, width = (np.ptp(np.flatnonzero(mask.any(axis=axis))) + 1 for axis in (1, 0))
    along = 0 if height >= width else 1
    used = np.flatnonzero(mask.any(axis=1 - along))
    start, length = int(used[0]), int(used[-1] - used[0] + 1)
    lying = np.moveaxis(mask, along, 0)[start : start + length]
    change = _change(np.moveaxis(colors, along, 0)[start : start + length], lying)
    cuts = [0, *sorted(_peaks(change, most=most)), length]
    boxes = {}
    for first, last in combinations(range(len(cuts)), 2):
        piece = np.zeros_like(mask)
        place = slice(start + cuts[first], start + cuts[last])
        np.moveaxis(piece, along, 0)[place] = np.moveaxis(mask, along, 0)[place]
        boxes[first, last] = _box(piece)
    least = MIN_PIECE * boxes[0, len(cuts) - 1].area
    return _Part(len(cuts) - 1, {piece: box for piece, box in boxes.items() if box.area >= least})


def _change(colors: NDArray[np.float32], mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return how much a part changes before each of its rows, (rows,); 0 near its ends."""
    rows, strip = len(mask), max(2, round(STRIP * len(mask)))
    counts = np.concatenate([[0], mask.sum(axis=1).cumsum()])
    sums = np.concatenate([np.zeros((1, 3)), (colors * mask[..., None]).sum(axis=1, dtype=np.float64).cumsum(axis=0)])
    change = np.zeros(rows)
    places = np.arange(strip, rows - strip)
    before, after = counts[places] - counts[places - strip], counts[places + strip] - counts[places]
    color_before = (sums[places] - sums[places - strip]) / before[:, None]
    color_after = (sums[places + strip] - sums[places]) / after[:, None]
    widths = np.abs(before - after) / (strip * mask.any(axis=0).sum())
    change[places] = np.linalg.norm(color_before - color_after, axis=1) + WIDTH_WEIGHT * widths
    margin = max(1, round(CUT_DISTANCE * rows))
    change[:margin] = change[rows - margin :] = 0
    return change


def _peaks(change: NDArray[np.float64], *, most: int) -> Iterator[int]:
    """Yield the places of the largest changes, the largest first, none near another."""
    left, distance = change.copy(), max(1, round(CUT_DISTANCE * len(change)))
    for _ in range(most):
        place = int(left.argmax())
        if left[place] < MIN_CHANGE:
            return
        yield place
        left[max(0, place - distance) : place + distance + 1] = 0


def _box(mask: NDArray[np.bool_]) -> Box:
    """Return the box round a mask but for its thin ends, such as what a cut has left of the neighbour."""
    top, bottom = _extent(mask.sum(axis=1))
    left, right = _extent(mask.sum(axis=0))
    height, width = mask.shape
    return Box(left / width, top / height, (right - left) / width, (bottom - top) / height)


def _extent(thickness: NDArray[np.int_]) -> tuple[int, int]:
    thick = np.flatnonzero(thickness >= min(MIN_THICKNESS, thickness.max()))
    return int(thick[0]), int(thick[-1]) + 1


def _look(image: Image, boxes: Sequence[Box], encoder: Encoder, heads: ZeroShot) -> list[Region]:
    ground = _ground(image)
    vectors = encoder.encode_images([_frame(image, box, ground) for box in boxes])
    return [
        Region(box, answers.product_type.name, round(answers.product_type.confidence, 4), vector)
        for box, vector, answers in zip(boxes, vectors, heads.look(vectors), strict=True)
    ]


def _frame(image: Image, box: Box, ground: tuple[int, int, int]) -> Image:
    left, top = floor(box.x * image.width), floor(box.y * image.height)
    right, bottom = ceil((box.x + box.width) * image.width), ceil((box.y + box.height) * image.height)
    cut = image.crop((left, top, right, bottom))
    side = max(cut.size) + 2 * round(MARGIN * max(cut.size))
    framed = new_image("RGB", (side, side), ground)
    framed.paste(cut, ((side - cut.width) // 2, (side - cut.height) // 2))
    return framed


def _ground(image: Image) -> tuple[int, int, int]:
    """Return the colour in the middle of those along the border."""
    pixels = np.asarray(shrink(image))
    red, green, blue = np.median(np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]]), axis=0)
    return int(red), int(green), int(blue)


def _best_pieces(part: _Part, seen: Mapping[Box, Region]) -> list[Region]:
    """Return the regions of the best way to cut a part: they are sure, and neighbours are of different types."""
    ways = [
        list(pairwise((0, *cuts, part.last)))
        for number in range(part.last)
        for cuts in combinations(range(1, part.last), number)
    ]
    cut = [[seen[part.boxes[piece]] for piece in way] for way in ways if part.boxes.keys() >= set(way)]
    return max(filter(_alternate, cut), key=_worth)


def _alternate(regions: Sequence[Region]) -> bool:
    return all(one.label != other.label for one, other in pairwise(regions))


def _worth(regions: Sequence[Region]) -> float:
    return sum(region.confidence - PIECE_COST for region in regions)


def _apart(regions: Iterable[Region]) -> list[Region]:
    """Return the best regions of which no two show the same place."""
    kept: list[Region] = []
    for region in sorted(regions, key=lambda region: -region.confidence * region.box.area**AREA_POWER):
        if not any(_same_place(region.box, other.box) for other in kept):
            kept.append(region)
    return kept


def _same_place(first: Box, second: Box) -> bool:
    inside = _intersection(first, second) / min(first.area, second.area)
    return overlap(first, second) > MAX_OVERLAP or inside > MAX_INSIDE
