"""From a drawing to a surface: how high it is, which way each point faces and how it takes the light."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from catalog.demo.colors import Plane, to_linear
from catalog.demo.drawing import CANVAS, Drawing
from catalog.demo.materials import MATERIALS, texture

# Lengths in template units.
RELIEF_DEPTH = 60.0  # white in a relief layer above black
RELIEF_BLUR = 1.3  # smooths the 256 steps of a relief layer, whose slopes would else be terraces
ROUNDING = 1.6  # height of a rounded outline to its width
WRINKLE = 32.0  # length of a wrinkle

# An outline starts to rise where so much of the blur's window is covered: outside, or it would have a kink.
OUTLINE_START = 0.3

# Least cosine to the camera that a tilt may have, squared.
GRAZING = 0.03

# Luma of linear light (ITU-R BT.709).
LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)


@dataclass(frozen=True)
class Surface:
    """What the light falls on, planes of one height and width."""

    scale: float
    """Pixels to a template unit."""
    albedo: Plane
    """(height, width, 3), linear light."""
    height: Plane
    """Pixels, without the texture."""
    normal: Plane
    """(height, width, 3), unit vectors: right, down, towards the camera."""
    gloss: Plane
    roughness: Plane
    metal: Plane
    sheen: Plane


def surface_of(drawing: Drawing, *, puff: float, wrinkle: float, rng: np.random.Generator) -> Surface:
    """Return a drawing's surface, its outline rounded over `puff` template units; `rng` lays the wrinkles."""
    height = _outline(drawing, puff) + _relief(drawing)
    bumps, grain = _texture(drawing)
    wrinkles = wrinkle * _wrinkles(drawing, rng)
    return Surface(
        scale=drawing.scale,
        albedo=_faded(to_linear(drawing.color), _mixed(drawing, "fade")) * (1 + grain)[..., None],
        height=height,
        normal=_normals(height + bumps + wrinkles, drawing.tilt),
        gloss=_mixed(drawing, "gloss"),
        roughness=_mixed(drawing, "roughness"),
        metal=_mixed(drawing, "metal"),
        sheen=_mixed(drawing, "sheen"),
    )


def blur(plane: Plane, sigma: float) -> Plane:
    """Return a Gaussian blur of `sigma` pixels that goes on at the opposite edge.

    It works on frequencies and in floats: blurred in 8 bits, a height would show its steps once it is lit.
    """
    rows = np.fft.fftfreq(plane.shape[0]).astype(np.float32)[:, None]
    columns = np.fft.rfftfreq(plane.shape[1]).astype(np.float32)[None]
    window = np.exp(np.float32(-2 * (np.pi * sigma) ** 2) * (rows**2 + columns**2))
    return np.fft.irfft2(np.fft.rfft2(plane) * window, s=plane.shape)


def _outline(drawing: Drawing, puff: float) -> Plane:
    """Return a height that rises from the outline in a quarter circle."""
    width = puff * drawing.scale
    rise = np.clip((blur(drawing.alpha, width) - OUTLINE_START) / (1 - OUTLINE_START), 0, 1)
    height: Plane = np.sqrt(1 - (1 - rise) ** 2) * np.float32(ROUNDING * width)
    return height


def _relief(drawing: Drawing) -> Plane:
    """Return the relief as a height; what lies outside the drawing does not pull it down."""
    sigma = RELIEF_BLUR * drawing.scale
    inside = blur(drawing.relief * drawing.alpha, sigma) / np.maximum(blur(drawing.alpha, sigma), 0.05)
    return inside * np.float32(RELIEF_DEPTH * drawing.scale)


def _texture(drawing: Drawing) -> tuple[Plane, Plane]:
    """Return the height of the materials' texture, in pixels, and how much it lightens the colour."""
    bumps, grain = np.zeros_like(drawing.alpha), np.zeros_like(drawing.alpha)
    for name, mask in drawing.finish.items():
        material = MATERIALS[name]
        if material.texture:
            cover = mask * _tiled(texture(material.texture, drawing.scale), drawing.alpha.shape)
            bumps += cover * np.float32(material.bump * drawing.scale)
            grain += cover * np.float32(material.grain)
    return bumps, grain


def _tiled(tile: Plane, shape: tuple[int, ...]) -> Plane:
    repeats = [-(-length // side) for length, side in zip(shape, tile.shape, strict=True)]
    return np.tile(tile, repeats)[: shape[0], : shape[1]]


def _wrinkles(drawing: Drawing, rng: np.random.Generator) -> Plane:
    knots = round(CANVAS / WRINKLE)
    coarse = rng.standard_normal((knots, knots)).astype(np.float32)
    side = round(CANVAS * drawing.scale)
    smooth = np.asarray(Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC))
    return smooth[drawing.box] * _mixed(drawing, "wrinkle") * np.float32(drawing.scale)


def _mixed(drawing: Drawing, quality: str) -> Plane:
    """Return a quality of the materials, each where it is."""
    mixed = np.zeros_like(drawing.alpha)
    for name, mask in drawing.finish.items():
        mixed += mask * np.float32(getattr(MATERIALS[name], quality))
    return mixed


def _faded(albedo: Plane, fade: Plane) -> Plane:
    """Return the colours mixed with greys of their own lightness."""
    grey = (albedo @ LUMA)[..., None]
    return albedo + fade[..., None] * (grey - albedo)


def _normals(height: Plane, tilt: Plane) -> Plane:
    slope_y, slope_x = np.gradient(height)
    facing = np.sqrt(np.maximum(1 - (tilt**2).sum(axis=-1), GRAZING))
    x, y = tilt[..., 0] / facing - slope_x, tilt[..., 1] / facing - slope_y
    z = 1 / np.sqrt(x * x + y * y + 1)
    return np.stack([x * z, y * z, z], axis=-1)
