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
    """Return how alike two outlines are, 0..1; 1 is the same outline or its mirror image."""
    return float(shape_similarities(a, [b.silhouette])[0])


def shape_similarities(shape: Shape, silhouettes: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """Return how alike an outline is to each of n others, 0..1, as (n,), given what these cover.

    It is the area they share by the area they cover together (Jaccard, 1912; Ruzicka, 1958, for values 0..1), the
    other way round too: the same outline or its mirror image has 1.
    """
    similarities = np.full(len(silhouettes), UNKNOWN_SIMILARITY)
    known = [i for i, silhouette in enumerate(silhouettes) if silhouette]
    if shape.silhouette and known:
        one, others = np.array(shape.silhouette), np.array([silhouettes[i] for i in known])
        mirrored = one.reshape(GRID, GRID)[:, ::-1].ravel()
        similarities[known] = np.maximum(_overlaps(one, others), _overlaps(mirrored, others))
    return similarities


def _crop(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _silhouette(product: NDArray[np.bool_]) -> NDArray[np.float64]:
    side = max(product.shape)
    square = np.zeros((side, side), dtype=np.uint8)
    top, left = ((side - length) // 2 for length in product.shape)
    square[top : top + product.shape[0], left : left + product.shape[1]] = 255 * product
    return np.asarray(fromarray(square).resize((GRID, GRID), Resampling.BOX)) / 255


def _overlaps(one: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.minimum(one, others).sum(axis=1) / np.maximum(one, others).sum(axis=1))
