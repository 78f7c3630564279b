"""The studio behind a product: a soft backdrop and the shadow that the product throws on it."""

from functools import cache

import numpy as np
from PIL import Image

from catalog.demo.colors import Plane, from_hex
from catalog.demo.surfaces import blur

BACKGROUNDS = {
    "white": "#ffffff",
    "ivory": "#f3eee4",
    "mist": "#dfe5ea",
    "stone": "#d4d2ce",
    "sand": "#e6d8c3",
    "blush": "#f0dcd6",
    "sage": "#d5dccf",
    "sky": "#d3e2ee",
}

# Brightness under the lamp, and its fall with the square of the distance: white stays white to the edge.
GLOW, WHITE_GLOW = (1.04, 0.42), (1.0, 0.10)
DARKEST = 0.8  # of a shadow
COARSE = 4  # shadows are soft: a quarter of the resolution serves


@cache
def backdrop(background: str, size: int) -> Plane:
    """Return the empty studio (size, size, 3) in linear light."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    brightness, fall_off = WHITE_GLOW if background == "white" else GLOW
    glow: Plane = brightness - fall_off * ((x - 0.42) ** 2 + 0.8 * (y - 0.38) ** 2)
    return from_hex(BACKGROUNDS[background]) * glow[..., None]


def wall_shadow(alpha: Plane, *, scale: float) -> Plane:
    """Return the shadow, 0 to 1, of what hangs before the wall; `scale` is pixels to a template unit."""
    small, unit = _shrunk(alpha), scale / COARSE
    wide = np.roll(blur(small, 18 * unit), (round(18 * unit), round(10 * unit)), axis=(0, 1))
    tight = np.roll(blur(small, 5 * unit), (round(5 * unit), round(3 * unit)), axis=(0, 1))
    return _grown(0.30 * wide + 0.28 * tight, alpha.shape)


def floor_shadow(alpha: Plane, *, floor: float, scale: float) -> Plane:
    """Return the shadow, 0 to 1, of what stands on the floor, `floor` template units from the top."""
    small, unit = _shrunk(alpha), scale / COARSE
    ground = floor * unit
    feet = small.copy()
    feet[: int(ground - 60 * unit)] = 0
    # A tenth as high and leaning to the right, as if laid down on the floor away from the lamp.
    laid_down = _moved(small, (1, 1, -ground, 0, 10, -9 * ground))
    touching = _moved(feet, (1, 0, -7 * unit, 0, 1, -7 * unit))
    dark = 0.34 * blur(laid_down, 7 * unit) + 0.45 * blur(laid_down, 26 * unit) + 0.62 * blur(touching, 6 * unit)
    return _grown(dark, alpha.shape)


def _moved(plane: Plane, source: tuple[float, ...]) -> Plane:
    """Return the plane with each pixel (x, y) taken from (a x + b y + c, d x + e y + f)."""
    image = Image.fromarray(plane)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, source, Image.Resampling.BILINEAR))


def _shrunk(plane: Plane) -> Plane:
    height, width = plane.shape
    return np.asarray(Image.fromarray(plane).resize((width // COARSE, height // COARSE), Image.Resampling.BOX))


def _grown(shadow: Plane, shape: tuple[int, ...]) -> Plane:
    image = Image.fromarray(np.clip(shadow, 0, DARKEST))
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))
