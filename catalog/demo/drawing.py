"""From a template to pixels: paint it, pose it and rasterise its layers.

A template is an SVG file of 800 x 800 units that draws a kind of thing in layers, groups with these ids:

color   what colour it has
relief  how far it stands out: white above black; blurred strokes make folds
tilt    which way it faces, for round things: red from left (0) over the camera (128) to right (255), green
        from up to down; what is not drawn faces the camera. Optional.
finish  which parts are made of something else than the picture's material; black takes that back. Optional.

Colours are variables: `var(--main)` and `var(--accent)`, each also with -deep, -dark, -light and -pale.
`var(--cloth)` is the main colour or a print, which leans on `var(--cloth-left)` and `var(--cloth-right)` as
on sleeves. In the finish layer the name of a material is a variable. What templates share is in `shared.svg`.

The root may say: data-floor, the height of the floor that the thing stands on (else it hangs on the wall);
data-puff, how far its outline is rounded off; data-wrinkle, how freely it wrinkles (0 to 1); data-print-zoom;
data-print-lean, in degrees.
"""

import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import resvg_py
from numpy.typing import NDArray
from PIL import Image

from catalog.demo.colors import Plane, shades
from catalog.demo.materials import MATERIALS

CANVAS = 800  # template units to a side
FOLDER = Path(__file__).parent
TEMPLATES = FOLDER / "templates"
LAYERS = ("color", "relief", "tilt", "finish")

# Cloth to be printed is left black; painting each part of it in a colour of its own then shows where it is.
BARE_CLOTH = {"cloth": "#000000", "cloth-left": "#000000", "cloth-right": "#000000"}
MARKED_CLOTH = {"cloth": "#ff0000", "cloth-left": "#00ff00", "cloth-right": "#0000ff"}

# A finish layer's red tells the material.
FINISHES = {name: f"#{number:02x}0000" for number, name in enumerate(MATERIALS, start=1)}

# A tilt counts from where so much of a pixel is covered, and never turns wholly away from the camera.
LEAST_COVER, STEEPEST = 0.08, 0.98

# Pixels to whose multiples pictures are cut: lengths of small prime factors transform several times faster.
FOURIER_GRID = 32


@dataclass(frozen=True)
class Template:
    """A kind of thing as drawn; lengths in template units."""

    body: str
    layers: frozenset[str]
    floor: float | None
    puff: float
    wrinkle: float
    print_zoom: float
    print_lean: float


@dataclass(frozen=True)
class Pose:
    """How a thing is turned in one picture: degrees clockwise."""

    mirrored: bool
    turn: float
    zoom: float


@dataclass(frozen=True)
class Drawing:
    """The pixels of a posed template, all planes of one height and width, cut to `box` of the picture."""

    scale: float
    """Pixels to a template unit."""
    box: tuple[slice, slice]
    color: NDArray[np.uint8]
    """(height, width, 3)."""
    alpha: Plane
    relief: Plane
    """How far it stands out, 0 to 1."""
    tilt: Plane
    """(height, width, 2): how far it faces right and down, each -1 to 1."""
    finish: dict[str, Plane]
    """Where it is made of which material, each 0 to 1, together 1."""
    cloth: Plane
    """(height, width, 3), each 0 to 1: where a print runs straight, as on a left and as on a right sleeve."""


@cache
def kinds_in(folder: Path) -> tuple[str, ...]:
    """Return the kinds of things that a folder has templates of."""
    return tuple(sorted(path.stem for path in folder.glob("*.svg")))


KINDS = kinds_in(TEMPLATES)


@cache
def load_template(kind: str, folder: Path = TEMPLATES) -> Template:
    """Return the template of one of the kinds in a folder."""
    svg = (folder / f"{kind}.svg").read_text(encoding="utf-8")
    root = ElementTree.fromstring(svg)  # noqa: S314 - a file of ours
    floor = root.get("data-floor")
    return Template(
        body=_inside(svg),
        layers=frozenset(layer for layer in LAYERS if f'<g id="{layer}"' in svg),
        floor=float(floor) if floor else None,
        puff=float(root.get("data-puff", "12")),
        wrinkle=float(root.get("data-wrinkle", "1")),
        print_zoom=float(root.get("data-print-zoom", "1")),
        print_lean=float(root.get("data-print-lean", "20")),
    )


def rasterize(
    template: Template, *, color: str, accent: str, material: str, printed: bool, pose: Pose, size: int
) -> Drawing:
    """Draw a template at `size` pixels a side; `printed` leaves its cloth black for a print to be added."""
    plan = _posed(template, pose)
    paint = paints(color=color, accent=accent) | FINISHES
    document = fill_in(plan, paint | BARE_CLOTH if printed else paint)
    painted = _layer(document, "color", size)
    box = _bounds(painted[..., 3])
    # The other layers hold soft shapes: half the resolution serves, in a quarter of the time.
    coarse = max(size // 2, min(size, CANVAS // 2))

    def enlarge(plane: Plane) -> Plane:
        return np.asarray(Image.fromarray(plane).resize((size, size), Image.Resampling.BICUBIC))[box]

    cloth = _cloth(painted, fill_in(plan, paint | MARKED_CLOTH)) if printed else np.zeros((size, size, 3), np.float32)
    return Drawing(
        scale=size / CANVAS,
        box=box,
        color=painted[..., :3][box],
        alpha=painted[..., 3][box].astype(np.float32) / 255,
        relief=enlarge(_relief(document, coarse)),
        tilt=_tilt(document, coarse, pose, enlarge) if "tilt" in template.layers else _facing(painted[box]),
        finish={name: enlarge(mask) for name, mask in _finish(document, coarse, template, material).items()},
        cloth=cloth[box],
    )


def paints(*, color: str, accent: str) -> dict[str, str]:
    """Return what the colour variables of a template or a print stand for."""
    main = {_variable("main", shade): code for shade, code in shades(color).items()}
    second = {_variable("accent", shade): code for shade, code in shades(accent).items()}
    return main | second | dict.fromkeys(BARE_CLOTH, main["main"])


def fill_in(svg: str, paint: Mapping[str, str]) -> str:
    """Replace each `var(--name)` in a drawing; raises KeyError for a name that stands for nothing."""
    return re.sub(r"var\(--([a-z-]+)\)", lambda match: paint[match[1]], svg)


def to_pixels(svg: str, *, width: int, style: str = "", crisp: bool = False) -> NDArray[np.uint8]:
    """Render a drawing `width` pixels wide as RGBA (height, width, 4); `crisp` edges have no half-tones."""
    png = resvg_py.svg_to_bytes(
        svg_string=svg,
        style_sheet=style,
        width=width,
        skip_system_fonts=True,
        shape_rendering="crisp_edges" if crisp else "geometric_precision",
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def _variable(role: str, shade: str) -> str:
    return f"{role}-{shade}" if shade else role


def _posed(template: Template, pose: Pose) -> str:
    middle = CANVAS / 2 if template.floor is None else template.floor
    across = -pose.zoom if pose.mirrored else pose.zoom
    placed = (
        f"translate({CANVAS / 2} {middle}) rotate({pose.turn:.2f}) scale({across:.4f} {pose.zoom:.4f}) "
        f"translate({-CANVAS / 2} {-middle})"
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {CANVAS} {CANVAS}">'
        f'<defs>{_shared()}</defs><g transform="{placed}">{template.body}</g></svg>'
    )


def _layer(document: str, layer: str, size: int, *, crisp: bool = False) -> NDArray[np.uint8]:
    others = ",".join(f"#{other}" for other in LAYERS if other != layer)
    return to_pixels(document, width=size, style=f"{others}{{display:none}}", crisp=crisp)


def _cloth(bare: NDArray[np.uint8], marked_document: str) -> Plane:
    """Return how much of each pixel is cloth: what changes when black cloth turns red, green and blue."""
    marked = _layer(marked_document, "color", bare.shape[0])
    return (marked[..., :3].astype(np.float32) - bare[..., :3]) / 255


def _relief(document: str, size: int) -> Plane:
    pixels = _layer(document, "relief", size).astype(np.float32)
    return pixels[..., 0] * pixels[..., 3] / 255**2


def _tilt(document: str, size: int, pose: Pose, enlarge: Callable[[Plane], Plane]) -> Plane:
    """Return the tilt layer, at full strength up to the edge of what is drawn."""
    pixels = _layer(document, "tilt", size, crisp=True).astype(np.float32)
    drawn = pixels[..., 3] / 255
    right, down = ((pixels[..., channel] / 127.5 - 1) * drawn for channel in (0, 1))
    cover = enlarge(drawn)[..., None]
    tilt = np.stack([enlarge(-right if pose.mirrored else right), enlarge(down)], axis=-1)
    return np.clip(tilt / np.maximum(cover, LEAST_COVER), -STEEPEST, STEEPEST) * (cover > LEAST_COVER)


def _facing(pixels: NDArray[np.uint8]) -> Plane:
    return np.zeros((*pixels.shape[:2], 2), np.float32)


def _finish(document: str, size: int, template: Template, material: str) -> dict[str, Plane]:
    masks = {material: np.ones((size, size), np.float32)}
    if "finish" not in template.layers:
        return masks
    pixels = _layer(document, "finish", size, crisp=True)
    for number, name in enumerate(MATERIALS, start=1):
        mask = ((pixels[..., 0] == number) & (pixels[..., 3] > 127)).astype(np.float32)
        if name != material and mask.any():
            masks[material] = masks[material] - mask
            masks[name] = mask
    return masks


def _bounds(alpha: NDArray[np.uint8]) -> tuple[slice, slice]:
    """Return the part of the picture that holds anything, with a margin for blurring."""
    margin = alpha.shape[0] // 40
    rows, columns = np.flatnonzero(alpha.any(axis=1)), np.flatnonzero(alpha.any(axis=0))
    return _on_grid(rows[0] - margin, rows[-1] + margin), _on_grid(columns[0] - margin, columns[-1] + margin)


def _on_grid(start: int, stop: int) -> slice:
    first, last = int(start) // FOURIER_GRID, -(-int(stop) // FOURIER_GRID)
    return slice(max(first, 0) * FOURIER_GRID, last * FOURIER_GRID)


@cache
def _shared() -> str:
    return _inside((FOLDER / "shared.svg").read_text(encoding="utf-8"))


def _inside(svg: str) -> str:
    return svg[svg.index(">", svg.index("<svg")) + 1 : svg.rindex("</svg>")]
