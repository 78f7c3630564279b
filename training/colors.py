"""What colour a training picture counts as: measured on the product, as shares of the sixteen basic colours."""

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from catalog.vision.evaluation.colors import measure_color_shares
from catalog.vision.foreground import find_foreground
from catalog.vision.palette import EXAMPLES, find_palette

NAMES = tuple(EXAMPLES)

# How far a colour passes for another, 0 to 1: shoppers' words for them overlap.
NEIGHBOURS = {
    "black": {"grey": 0.15, "navy": 0.12},
    "white": {"grey": 0.2, "beige": 0.1},
    "grey": {"black": 0.15, "white": 0.1},
    "red": {"maroon": 0.3},
    "maroon": {"red": 0.45, "brown": 0.15},
    "orange": {"red": 0.15, "yellow": 0.15},
    "yellow": {"orange": 0.15},
    "green": {"olive": 0.25, "teal": 0.2},
    "olive": {"green": 0.35, "brown": 0.2},
    "teal": {"blue": 0.35, "green": 0.35},
    "blue": {"navy": 0.35, "teal": 0.15},
    "navy": {"blue": 0.45, "black": 0.25},
    "purple": {"pink": 0.15, "maroon": 0.1},
    "pink": {"purple": 0.15, "red": 0.15},
    "beige": {"white": 0.25, "brown": 0.3},
    "brown": {"beige": 0.25, "maroon": 0.1},
}


def color_codes() -> NDArray[np.float32]:
    """Return the unit vector of each basic colour, float32 (16, 16); its cosine to others says how alike they are."""
    codes = np.eye(len(NAMES), dtype=np.float32)
    for name, neighbours in NEIGHBOURS.items():
        for other, likeness in neighbours.items():
            codes[NAMES.index(name), NAMES.index(other)] = likeness
    return codes / np.linalg.norm(codes, axis=1, keepdims=True)


def measure_shares(image: Image) -> NDArray[np.float32]:
    """Return what share of the product in an RGB picture has each basic colour, float32 (16,), in all 1.

    Measured in two ways, which cut out the product and draw the borders between colours differently; their mean
    learns what both agree upon, and doubt where they differ.
    """
    shares = measure_color_shares(image).astype(np.float32)
    for swatch in find_palette(image, find_foreground(image).mask):
        shares[NAMES.index(swatch.name)] += swatch.share
    return shares / 2
