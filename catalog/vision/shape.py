"""The outline of a product: how wide it is for its height, how full, and roughly where its parts are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Resampling, fromarray

from catalog.vision.foreground import Foreground

# Cells along a side of a silhouette. Finer grids tell a type of clothing no better and take more room.
GRID = 8

# What two shapes are worth to each other when one is unknown: neither like nor unlike.
UNKNOWN_SIMILARITY = 0.5


@dataclass(frozen=True)
class Shape:
    """The outline of a product.

    - `aspect_ratio`: width / height of the box around it (of the whole picture when it was not found).
    - `fill`: 0..1, the share of that box that it covers; 0 when it was not found.
    - `silhouette`: `GRID` x `GRID` values 0..1, row by row: how much of each cell it covers when the longer
      side of its box fills the grid and the shorter is centred. Empty when it was not found.
    """

    aspect_ratio: float
    fill: float
    silhouette: tuple[float, ...]


def find_shape(foreground: Foreground) -> Shape:
    """Return the outline of what a picture shows; its place and size in the picture do not matter."""
    if not foreground.found:
        height, width = foreground.mask.shape
        return Shape(aspect_ratio=width / height, fill=0.0, silhouette=())
    product = _crop(foreground.mask)
    height, width = product.shape
    return Shape(
        aspect_ratio=width / height,
        fill=float(product.mean()),
        silhouette=tuple(_silhouette(product).round(3).ravel().tolist()),
    )


def shape_similarity(a: Shape, b: Shape) -> float:
    """Return how alike two outlines are, 0..1; 1 is the same outline or its mirror image.

    It is the area they share by the area they cover together (Jaccard, 1912; Ruzicka, 1958, for values 0..1).
    """
    if not a.silhouette or not b.silhouette:
        return UNKNOWN_SIMILARITY
    one, other = _grid(a.silhouette), _grid(b.silhouette)
    return max(_overlap(one, other), _overlap(one, other[:, ::-1]))


def _crop(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _silhouette(product: NDArray[np.bool_]) -> NDArray[np.float64]:
    side = max(product.shape)
    square = np.zeros((side, side), dtype=np.uint8)
    top, left = ((side - length) // 2 for length in product.shape)
    square[top : top + product.shape[0], left : left + product.shape[1]] = 255 * product
    return np.asarray(fromarray(square).resize((GRID, GRID), Resampling.BOX)) / 255


def _grid(silhouette: Sequence[float]) -> NDArray[np.float64]:
    return np.array(silhouette).reshape(GRID, GRID)


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())
