"""From a drawing to a surface: its height, which way each point faces and how it takes the light."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from numpy.typing import NDArray

from catalog.demo.colors import Plane, to_linear
from catalog.demo.drawing import CANVAS, PRINT_DETAIL, Drawing
from catalog.demo.materials import MATERIALS, texture

# All lengths are in template units, 800 to a picture's side.
RELIEF_DEPTH = 60.0  # how far white stands out above black in a relief layer
ROUNDING = 1.6  # height of a rounded-off outline by its width
RELIEF_BLUR = 1.3  # smooths the 256 steps of a relief layer, or its slopes would show terraces
WRINKLE_GRID = 25  # wrinkles a side: one for every 32 units
DRAPE_BLUR, DRAPE_SHIFT = 11.0, 7.0  # a print follows folds, not seams, by so much at a slope of 45 degrees


@dataclass(frozen=True)
class Print:
    """A seamless tile that covers the cloth."""

    tile: NDArray[np.uint8]
    zoom: float
    leans: tuple[float, float, float]
    """Degrees clockwise on the body, on a left and on a right sleeve."""


@dataclass(frozen=True)
class Surface:
    """What the light falls on; planes of (height, width) but for `albedo` and `normal`, which have three channels."""

    albedo: Plane
    alpha: Plane
    height: Plane
    """Pixels above the wall, without texture."""
    normal: Plane
    """Unit vectors: right, down, towards the camera."""
    gloss: Plane
    roughness: Plane
    metal: Plane
    sheen: Plane


def surface_of(drawing: Drawing, print_on: Print | None, *, puff: float, wrinkle: float, scale: float, rng: np.random.Generator) -> Surface:
    """Build the surface of a drawing at `scale` pixels a template unit; `rng` lays the wrinkles."""
    height = _outline(drawing.alpha, puff * scale) + _carved(drawing, scale)
    bumps, grain = _texture(drawing, scale)
    wrinkles = _wrinkles(drawing, scale, rng) * wrinkle
    color = drawing.color if print_on is None else _printed(drawing, print_on, scale)
    return Surface(
        albedo=_faded(to_linear(color), _mixed(drawing, "fade")) * (1 + grain)[..., None],
        alpha=drawing.alpha,
        height=height,
        normal=_normals(height + bumps + wrinkles, drawing.tilt, scale),
        gloss=_mixed(drawing, "gloss"),
        roughness=_mixed(drawing, "roughness"),
        metal=_mixed(drawing, "metal"),
        sheen=_mixed(drawing, "sheen"),
    )


def blur(plane: Plane, sigma: float) -> Plane:
    """Return a Gaussian blur of `sigma` pixels, exact and in floats (8 bits would show terraces once lit)."""
    rows = np.fft.fftfreq(plane.shape[0]).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(plane.shape[1]).astype(np.float32)[None]
    kernel = np.exp(-2 * (np.pi * sigma) ** 2 * (rows**2 + columns**2))
    return np.fft.irfft2(np.fft.rfft2(plane) * kernel, s=plane.shape).astype(np.float32)


def _outline(alpha: Plane, width: float) -> Plane:
    """Return a height that rises from the outline in a quarter circle."""
    rise = np.clip((blur(alpha, width) - 0.3) / 0.7, 0, 1)
    return np.sqrt(1 - (1 - rise) ** 2) * width * ROUNDING


def _carved(drawing: Drawing, scale: float) -> Plane:
    """Return the relief layer as a height; what lies outside the outline does not count into the blur."""
    weight = np.maximum(blur(drawing.alpha, RELIEF_BLUR * scale), 0.05)
    return blur(drawing.relief * drawing.alpha, RELIEF_BLUR * scale) / weight * RELIEF_DEPTH * scale


def _texture(drawing: Drawing, scale: float) -> tuple[Plane, Plane]:
    bumps, grain = np.zeros_like(drawing.alpha), np.zeros_like(drawing.alpha)
    for name, mask in drawing.finish.items():
        material = MATERIALS[name]
        if material.texture:
            pattern = mask * _tiled(texture(material.texture, scale), drawing.alpha.shape)
            bumps += pattern * material.bump * scale
            grain += pattern * material.grain
    return bumps, grain


def _tiled(tile: Plane, shape: tuple[int, ...]) -> Plane:
    repeats = [-(-length // side) for length, side in zip(shape, tile.shape, strict=True)]
    return np.tile(tile, repeats)[: shape[0], : shape[1]]


def _wrinkles(drawing: Drawing, scale: float, rng: np.random.Generator) -> Plane:
    coarse = rng.standard_normal((WRINKLE_GRID, WRINKLE_GRID)).astype(np.float32)
    side = round(CANVAS * scale)
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    return smooth[drawing.box] * _mixed(drawing, "wrinkle") * scale


def _mixed(drawing: Drawing, quality: str) -> Plane:
    """Return a quality of the materials, each where it is."""
    mixed = np.zeros_like(drawing.alpha)
    for name, mask in drawing.finish.items():
        mixed += mask * np.float32(getattr(MATERIALS[name], quality))
    return mixed


def _normals(height: Plane, tilt: Plane, scale: float) -> Plane:
    down, right = np.gradient(height)
    facing = np.sqrt(np.maximum(1 - (tilt**2).sum(axis=-1), 0.03))
    x = tilt[..., 0] / facing - right
    y = tilt[..., 1] / facing - down
    z = 1 / np.sqrt(x * x + y * y + 1)
    return np.stack([x * z, y * z, z], axis=-1)


def _printed(drawing: Drawing, print_on: Print, scale: float) -> NDArray[np.uint8]:
    """Lay a print on the cloth so that it follows the folds: each point shows what lies a little down the slope."""
    down, right = np.gradient(blur(drawing.relief, DRAPE_BLUR * scale) * RELIEF_DEPTH)
    rows, columns = drawing.box
    y, x = np.mgrid[rows, columns].astype(np.float32) / scale
    y, x = y + down * DRAPE_SHIFT / scale, x + right * DRAPE_SHIFT / scale
    detail = PRINT_DETAIL / print_on.zoom
    # A pixel shows the mean of what it covers, or edges in the print would be jagged.
    tile = np.stack([blur(channel, 0.5 * detail / scale) for channel in np.moveaxis(print_on.tile, -1, 0)], axis=-1)
    color = drawing.color.astype(np.float32)
    for part, lean in enumerate(print_on.leans):
        cosine, sine = np.cos(np.radians(lean)), np.sin(np.radians(lean))
        row = np.floor((y * cosine - x * sine) * detail).astype(np.intp) % tile.shape[0]
        column = np.floor((x * cosine + y * sine) * detail).astype(np.intp) % tile.shape[1]
        color += drawing.cloth[..., part, None] * tile[row, column]
    return np.clip(np.round(color), 0, 255).astype(np.uint8)


def _faded(albedo: Plane, fade: Plane) -> Plane:
    """Return the colours mixed with a grey of their own lightness (luma weights of ITU-R BT.709)."""
    grey = albedo @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return albedo + fade[..., None] * (grey[..., None] - albedo)
