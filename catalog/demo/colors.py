"""The colours that the demo shop's products come in, and light as numbers."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from catalog.vision.oklab import LINEAR

Plane = NDArray[np.floating[Any]]

COLORS = {
    "black": "#232326",
    "white": "#f4f3f0",
    "grey": "#8b8d91",
    "silver": "#b9bcc2",
    "red": "#c8202f",
    "burgundy": "#6b1828",
    "pink": "#ee8fb0",
    "orange": "#e8701f",
    "yellow": "#f2c22e",
    "gold": "#c99a45",
    "green": "#2f8148",
    "olive": "#6a6b36",
    "mint": "#9fd6b2",
    "teal": "#16807f",
    "light blue": "#9cc3e4",
    "blue": "#2760bd",
    "navy": "#1d294f",
    "purple": "#6a3a96",
    "lavender": "#b9a5d8",
    "cream": "#f1e6cd",
    "beige": "#d9c6a5",
    "tan": "#bd8a58",
    "brown": "#6f4629",
}

# Darker shades are so much of a colour's light; lighter ones are a power of it, or they would go grey.
DARKER = {"dark": 0.66, "deep": 0.38}
LIGHTER = {"light": 0.78, "pale": 0.5}


def shades(color: str) -> dict[str, str]:
    """Return a colour of the palette as #rrggbb under "", and its shades under their names."""
    base = from_hex(COLORS[color])
    darker = {name: to_hex(base * share) for name, share in DARKER.items()}
    lighter = {name: to_hex(base**power) for name, power in LIGHTER.items()}
    return {"": COLORS[color]} | darker | lighter


def from_hex(code: str) -> Plane:
    """Return #rrggbb as three numbers of linear light, 0 to 1."""
    return to_linear(np.frombuffer(bytes.fromhex(code.removeprefix("#")), dtype=np.uint8))


def to_hex(linear: Plane) -> str:
    """Return three numbers of linear light as #rrggbb."""
    return "#" + to_srgb(linear).tobytes().hex()


def to_linear(srgb: NDArray[np.uint8]) -> Plane:
    """Return 8-bit sRGB as linear light, 0 to 1."""
    return LINEAR[srgb]


def to_srgb(linear: Plane) -> NDArray[np.uint8]:
    """Return linear light as 8-bit sRGB (IEC 61966-2-1); what is below 0 or above 1 is clipped."""
    return _SRGB[(np.clip(linear, 0, 1) * (len(_SRGB) - 1) + 0.5).astype(np.intp)]


def _srgb_values() -> NDArray[np.uint8]:
    # 16 bits of linear light tell every 8-bit value apart, also near black.
    linear = np.arange(2**16) / (2**16 - 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255).astype(np.uint8)


_SRGB = _srgb_values()
