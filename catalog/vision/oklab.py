"""Oklab, a colour space in which equal distances look about equally different."""

import numpy as np
from numpy.typing import NDArray

# From linear sRGB to the responses of the eye's cones, and from their cube roots to Oklab:
# Björn Ottosson, "A perceptual color space for image processing" (2020).
RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=np.float32,
)
LMS_TO_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=np.float32,
)


def to_oklab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return sRGB values 0..255, shape (..., 3), as Oklab of the same shape.

    Its coordinates are lightness, 0..1, then green to red and blue to yellow, each about -0.4..0.4.
    """
    oklab: NDArray[np.float32] = np.cbrt(LINEAR[rgb] @ RGB_TO_LMS.T) @ LMS_TO_OKLAB.T
    return oklab


def distances(colors: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how far each colour (..., 3) is from each of n others (n, 3), as (..., n)."""
    # One coordinate at a time, and the colours innermost: numpy is slow where the innermost axis has length 3.
    squares = np.square(np.subtract.outer(others[:, 0], colors[..., 0]))
    for i in (1, 2):
        step = np.subtract.outer(others[:, i], colors[..., i])
        step *= step
        squares += step
    return np.sqrt(squares, out=squares).transpose(*range(1, colors.ndim), 0)


def lengths(vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return how long each vector (..., 3) is, as (...)."""
    from_black: NDArray[np.float32] = distances(vectors, np.zeros((1, 3), np.float32))[..., 0]
    return from_black


def _linear_values() -> NDArray[np.float32]:
    """Return the linear value 0..1 of each sRGB value 0..255 (transfer function of IEC 61966-2-1)."""
    value = np.arange(256, dtype=np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


LINEAR = _linear_values()
