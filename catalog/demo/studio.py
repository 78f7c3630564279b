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
SHADOW_GRID = 4  # shadows are soft: a quarter of the resolution serves


@cache
def backdrop(background: str, size: int) -> Plane:
    """Return an empty studio (size, size, 3) in linear light, lit from the upper left."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) / size
    from_lamp = (x - 0.42) ** 2 + 0.8 * (y - 0.38) ** 2
    fall_off = 0.10 if background == "white" else 0.42
    glow = 1.0 + 0.04 * (background != "white") - fall_off * from_lamp
    return from_hex(BACKGROUNDS[background]) * glow[..., None].astype(np.float32)


def wall_shadow(alpha: Plane, *, scale: float) -> Plane:
    """Return the shadow, 0 to 1, of a thing that hangs before the wall."""
    small, unit = _shrink(alpha), scale / SHADOW_GRID
    wide = np.roll(blur(small, 18 * unit), (round(18 * unit), round(10 * unit)), axis=(0, 1))
    tight = np.roll(blur(small, 5 * unit), (round(5 * unit), round(3 * unit)), axis=(0, 1))
    return _grow(0.30 * wide + 0.28 * tight, alpha.shape)


def floor_shadow(alpha: Plane, *, floor: float, scale: float) -> Plane:
    """Return the shadow, 0 to 1, of a thing that stands on a floor at `floor` template units from the top."""
    small, unit = _shrink(alpha), scale / SHADOW_GRID
    ground = floor * unit
    # The outline laid down on the floor: a tenth as high, leaning away from the lamp.
    laid = _moved(small, (1, 1, -ground, 0, 10, -9 * ground))
    feet = small.copy()
    feet[: int(ground - 60 * unit)] = 0
    touching = _moved(feet, (1, 0, -7 * unit, 0, 1, -7 * unit))
    dark = 0.34 * blur(laid, 7 * unit) + 0.45 * blur(laid, 26 * unit) + 0.62 * blur(touching, 6 * unit)
    return _grow(dark, alpha.shape)


def _shrink(alpha: Plane) -> Plane:
    side = alpha.shape[0] // SHADOW_GRID
    return np.asarray(Image.fromarray(alpha).resize((side, side), Image.Resampling.BOX))


def _grow(shadow: Plane, shape: tuple[int, ...]) -> Plane:
    soft = Image.fromarray(np.clip(shadow, 0, 0.8))
    return np.asarray(soft.resize((shape[1], shape[0]), Image.Resampling.BICUBIC))


def _moved(plane: Plane, matrix: tuple[float, ...]) -> Plane:
    """Return the plane seen through an affine map from target to source pixels, (x, y) each as three factors."""
    image = Image.fromarray(plane)
    return np.asarray(image.transform(image.size, Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR))
