"""What the demo products are made of: how a material feels and how it throws back the light."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image

from catalog.demo.colors import Plane

TILE = 256  # side of a texture in template units; a power of two keeps the Fourier noise quick


@dataclass(frozen=True)
class Material:
    """How a material looks. Heights are in template units, 800 to a picture's side; the rest is 0 to 1."""

    texture: str = ""
    bump: float = 0.0
    """Height of the texture."""
    grain: float = 0.0
    """How much the texture darkens and lightens the colour."""
    fade: float = 0.0
    """How much greyer it makes a colour, as washing does."""
    wrinkle: float = 0.0
    """Height of soft unevenness, different in every picture."""
    gloss: float = 0.0
    roughness: float = 0.6
    metal: float = 0.0
    sheen: float = 0.0
    """Glow of fibres seen from the side, as on wool and velvet."""


MATERIALS = {
    "cotton": Material("fuzz", bump=0.12, grain=0.02, wrinkle=1.7, gloss=0.02, roughness=0.8, sheen=0.10),
    "linen": Material("weave", bump=0.7, grain=0.07, wrinkle=2.7, gloss=0.02, roughness=0.8, sheen=0.08),
    "denim": Material("twill", bump=0.9, grain=0.16, fade=0.45, wrinkle=1.8, gloss=0.02, roughness=0.8, sheen=0.05),
    "canvas": Material("weave", bump=0.9, grain=0.09, wrinkle=0.9, gloss=0.03, roughness=0.7),
    "knit": Material("knit", bump=3.2, grain=0.16, wrinkle=1.4, gloss=0.02, roughness=0.9, sheen=0.22),
    "wool": Material("fuzz", bump=0.8, grain=0.10, wrinkle=1.8, roughness=0.9, sheen=0.25),
    "silk": Material(wrinkle=3.2, gloss=0.30, roughness=0.45, sheen=0.12),
    "velvet": Material("fuzz", bump=0.3, grain=0.06, wrinkle=1.4, gloss=0.04, roughness=0.8, sheen=0.6),
    "plush": Material("fur", bump=1.5, grain=0.16, wrinkle=1.4, roughness=0.9, sheen=0.4),
    "leather": Material("pebble", bump=0.3, grain=0.05, wrinkle=1.4, gloss=0.26, roughness=0.38),
    "suede": Material("fuzz", bump=0.6, grain=0.12, wrinkle=0.9, roughness=0.9, sheen=0.3),
    "straw": Material("basket", bump=2.2, grain=0.22, gloss=0.06, roughness=0.6),
    "wood": Material("timber", bump=0.3, grain=0.30, gloss=0.10, roughness=0.45),
    "rubber": Material("fuzz", bump=0.05, grain=0.015, gloss=0.10, roughness=0.5),
    "plastic": Material(gloss=0.35, roughness=0.25),
    "ceramic": Material(gloss=0.55, roughness=0.12),
    "glass": Material(gloss=0.8, roughness=0.06),
    "metal": Material("brushed", bump=0.04, grain=0.02, gloss=0.6, roughness=0.18, metal=1.0),
}


@cache
def texture(name: str, scale: float) -> Plane:
    """Return a seamless tile of a texture, about 1 high around 0, at `scale` pixels to a template unit."""
    tile = TEXTURES[name](np.random.default_rng(TILE))
    side = round(TILE * scale)
    return np.asarray(Image.fromarray(tile).resize((side, side), Image.Resampling.LANCZOS))


def _fuzz(rng: np.random.Generator) -> Plane:
    return 0.5 * _waves(rng, 45, 110)


def _fur(rng: np.random.Generator) -> Plane:
    strands = _waves(rng, 16, 70, stretch=(3, 1)) + 0.7 * _waves(rng, 16, 70, stretch=(1, 2.5))
    return 0.35 * strands + 0.3 * _waves(rng, 5, 18)


def _weave(rng: np.random.Generator) -> Plane:
    y, x = _turns()
    slubs = _waves(rng, 10, 80, stretch=(1, 16)) + _waves(rng, 10, 80, stretch=(16, 1))
    threads: Plane = np.sin(56 * x) * np.abs(np.sin(28 * y)) + np.sin(56 * y) * np.abs(np.cos(28 * x))
    return 0.45 * threads + 0.22 * slubs


def _twill(rng: np.random.Generator) -> Plane:
    y, x = _turns()
    return 0.45 * np.sin(52 * (x + y) + 0.5 * _waves(rng, 2, 12)) + 0.5 * _waves(rng, 6, 90, stretch=(1, 3))


def _knit(rng: np.random.Generator) -> Plane:
    y, x = _turns()
    columns, rows = 16, 20
    from_rib: Plane = 2 * np.abs(x * columns / (2 * np.pi) % 1 - 0.5)
    stitch: Plane = np.sin(np.pi * (y * rows / (2 * np.pi) - 0.75 * from_rib)) ** 2
    return stitch * (1 - 3.2 * (from_rib - 0.5) ** 2) - 0.4 + 0.08 * _waves(rng, 20, 90)


def _pebble(rng: np.random.Generator) -> Plane:
    """Return the cells of tanned leather: high inside, low where two cells meet (Worley, 1996)."""
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32)
    nearest = np.full((TILE, TILE), np.inf, dtype=np.float32)
    second = nearest.copy()
    for center_y, center_x in rng.random((900, 2)) * TILE:
        away_y, away_x = np.abs(y - center_y), np.abs(x - center_x)
        distance = np.hypot(np.minimum(away_y, TILE - away_y), np.minimum(away_x, TILE - away_x))
        second = np.minimum(second, np.maximum(distance, nearest))
        nearest = np.minimum(nearest, distance)
    cells: Plane = np.minimum((second - nearest) / 3.5, 1)
    return cells - 0.6 + 0.1 * _waves(rng, 10, 60)


def _basket(rng: np.random.Generator) -> Plane:
    y, x = _turns()
    strands = 12
    over = (np.floor(x * strands / np.pi) + np.floor(y * strands / np.pi)) % 2 > 0
    plait = np.where(over, np.abs(np.sin(strands * x)), np.abs(np.sin(strands * y)))
    return 0.8 * plait - 0.5 + 0.1 * _waves(rng, 10, 80)


def _timber(rng: np.random.Generator) -> Plane:
    _, x = _turns()
    rings = np.sin(9 * x + 1.6 * _waves(rng, 1, 6, stretch=(4, 1)))
    return 0.35 * rings + 0.35 * _waves(rng, 6, 90, stretch=(25, 1))


def _brushed(rng: np.random.Generator) -> Plane:
    return 0.5 * _waves(rng, 4, 120, stretch=(1, 50))


TEXTURES: dict[str, Callable[[np.random.Generator], Plane]] = {
    "fuzz": _fuzz,
    "fur": _fur,
    "weave": _weave,
    "twill": _twill,
    "knit": _knit,
    "pebble": _pebble,
    "basket": _basket,
    "timber": _timber,
    "brushed": _brushed,
}


def _turns() -> tuple[Plane, Plane]:
    """Return y and x over the tile as angles, so that sin(n * x) meets itself at the edges."""
    y, x = np.mgrid[0:TILE, 0:TILE].astype(np.float32) * np.float32(2 * np.pi / TILE)
    return y, x


def _waves(rng: np.random.Generator, low: float, high: float, *, stretch: tuple[float, float] = (1, 1)) -> Plane:
    """Return seamless noise between `low` and `high` cycles a tile, of zero mean and unit deviation.

    `stretch` (y, x) lengthens the waves so many times along each axis.
    """
    y, x = (np.fft.fftfreq(TILE) * TILE * factor for factor in stretch)
    frequency = np.hypot(y[:, None], x[None])
    band = np.exp(-((frequency / high) ** 2)) - np.exp(-((frequency / low) ** 2))
    noise = np.fft.ifft2(np.fft.fft2(rng.standard_normal((TILE, TILE))) * band).real
    unit: Plane = (noise / noise.std()).astype(np.float32)
    return unit
