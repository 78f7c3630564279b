"""Clusters of colours: k-means (Lloyd, 1982) over colours that each stand for a number of pixels."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.vision.oklab import distances


def nearest_centre(colors: NDArray[Any], centres: NDArray[Any]) -> NDArray[np.int64]:
    """Return, for each colour (n, 3), which of the centres (k, 3) is nearest to it."""
    return np.asarray(distances(colors, centres).argmin(axis=-1), dtype=np.int64)


def settle(centres: NDArray[Any], colors: NDArray[Any], counts: NDArray[np.int64], *, steps: int) -> NDArray[Any]:
    """Return where centres (k, 3) come to lie among colours after that many steps; one without colours is dropped."""
    for _ in range(steps):
        before = centres
        centres, _ = gather(colors, counts, nearest_centre(colors, centres))
        if np.array_equal(centres, before):
            break
    return centres


def gather(
    colors: NDArray[Any], counts: NDArray[np.int64], cluster: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean colour and the pixels of each cluster that has colours.

    `counts` are the pixels of each colour (n, 3), `cluster` is the number of the one that it belongs to.
    """
    # Many times quicker than np.unique.
    present = np.flatnonzero(np.bincount(cluster))
    members = counts * (cluster == present[:, None])
    pixels = members.sum(axis=1)
    return members @ colors.astype(np.float64) / pixels[:, None], pixels
