"""Prints on cloth: seamless tiles in `prints/`, painted with the colour variables of the templates."""

from dataclasses import dataclass, replace
from functools import cache
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from catalog.demo.colors import Plane
from catalog.demo.drawing import FOLDER, Drawing, fill_in, paints, to_pixels
from catalog.demo.surfaces import RELIEF_DEPTH, blur

PRINTS = tuple(sorted(path.stem for path in (FOLDER / "prints").glob("*.svg")))
DETAIL = 2  # pixels of a tile to a template unit

# A print moves so far on a slope of 45 degrees, in template units; it follows folds, not the seams on them.
DRAPE, FOLD_BLUR = 7.0, 11.0


@dataclass(frozen=True)
class Print:
    """A seamless tile and how it lies on the cloth."""

    tile: NDArray[np.uint8]
    """(height, width, 3)."""
    zoom: float
    leans: tuple[float, float, float]
    """Degrees clockwise on the body, on a left and on a right sleeve."""


@cache
def print_tile(pattern: str, *, color: str, accent: str) -> NDArray[np.uint8]:
    """Return the tile of one of the PRINTS in two colours of the palette, (height, width, 3)."""
    svg = (FOLDER / "prints" / f"{pattern}.svg").read_text(encoding="utf-8")
    _, _, width, _ = ElementTree.fromstring(svg).attrib["viewBox"].split()  # noqa: S314 - a file of ours
    return to_pixels(fill_in(svg, paints(color=color, accent=accent)), width=DETAIL * int(width))[..., :3]


def with_print(drawing: Drawing, pattern: Print) -> Drawing:
    """Return the drawing with its cloth printed: where cloth slopes, it shows what lies a little lower."""
    slope_y, slope_x = np.gradient(blur(drawing.relief, FOLD_BLUR * drawing.scale) * RELIEF_DEPTH)
    y, x = np.mgrid[drawing.box].astype(np.float32)
    y, x = (y + DRAPE * slope_y) / drawing.scale, (x + DRAPE * slope_x) / drawing.scale
    tile = _softened(pattern, drawing.scale)
    color = drawing.color.astype(np.float32)
    for part, lean in enumerate(pattern.leans):
        color += drawing.cloth[..., part, None] * _look_up(tile, *_turned(y, x, lean), DETAIL / pattern.zoom)
    return replace(drawing, color=np.clip(np.round(color), 0, 255).astype(np.uint8))


def _softened(pattern: Print, scale: float) -> Plane:
    """Return the tile blurred over what a pixel covers, or the edges in it would be jagged."""
    pixel = DETAIL / pattern.zoom / scale
    return np.stack([blur(channel.astype(np.float32), pixel / 2) for channel in np.moveaxis(pattern.tile, -1, 0)], -1)


def _turned(y: Plane, x: Plane, degrees: float) -> tuple[Plane, Plane]:
    cosine, sine = np.float32(np.cos(np.radians(degrees))), np.float32(np.sin(np.radians(degrees)))
    return y * cosine - x * sine, x * cosine + y * sine


def _look_up(tile: Plane, y: Plane, x: Plane, detail: float) -> Plane:
    rows, columns = (np.floor(axis * np.float32(detail)).astype(np.intp) for axis in (y, x))
    colors: Plane = tile[rows % tile.shape[0], columns % tile.shape[1]]
    return colors
