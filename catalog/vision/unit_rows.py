"""Vectors of length 1, the only ones that leave an encoder."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.vision.bundle import EncoderError


def to_unit_rows(vectors: NDArray[Any], shape: tuple[int, int], *, name: str) -> NDArray[np.float32]:
    """Return what a tower gave as rows of length 1; raise EncoderError for another shape, NaN or zeros."""
    if vectors.shape != shape:
        raise EncoderError(
            f"Encoder {name} gave an array of shape {vectors.shape} where {shape} was expected: "
            "its model files and encoder.json do not belong together."
        )
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and lengths.all()):
        raise EncoderError(f"Encoder {name} gave a vector without a direction (zeros, NaN or infinity).")
    return np.asarray(vectors / lengths, dtype=np.float32)
