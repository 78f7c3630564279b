"""Product pictures of the demo shop, drawn and lit by ourselves."""

import io
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from catalog.demo.colors import COLORS, to_srgb
from catalog.demo.drawing import TEMPLATES, Drawing, Pose, Template, kinds_in, load_template, rasterize
from catalog.demo.lighting import light
from catalog.demo.materials import MATERIALS
from catalog.demo.prints import PRINTS, Print, print_tile, with_print
from catalog.demo.studio import BACKGROUNDS, backdrop, floor_shadow, wall_shadow
from catalog.demo.surfaces import surface_of

PLAIN = "plain"
PATTERNS = (PLAIN, *PRINTS)
WEBP = {"quality": 92, "method": 2}  # no loss to be seen, and a tenth of the bytes of a PNG

# So much do two pictures of a kind differ: degrees that a hanging thing turns, and its size.
TURN, ZOOM = (-3.5, 3.5), (0.94, 1.03)


@dataclass(frozen=True)
class Picture:
    """All that decides how a product picture looks; raises ValueError for a word that means nothing here."""

    kind: str
    color: str
    accent: str = "white"
    material: str = "cotton"
    pattern: str = PLAIN
    background: str = "white"
    seed: int = 0
    """Pose and wrinkles."""
    templates: Path = TEMPLATES
    """The folder with the kind's template."""

    def __post_init__(self) -> None:
        _require("kind", self.kind, kinds_in(self.templates))
        _require("color", self.color, COLORS)
        _require("accent", self.accent, COLORS)
        _require("material", self.material, MATERIALS)
        _require("pattern", self.pattern, PATTERNS)
        _require("background", self.background, BACKGROUNDS)


def render(picture: Picture, *, size: int = 800) -> bytes:
    """Return a WebP file of `size` pixels a side; equal pictures give equal bytes."""
    file = io.BytesIO()
    draw(picture, size=size).save(file, "WEBP", **WEBP)
    return file.getvalue()


def draw(picture: Picture, *, size: int = 800) -> Image.Image:
    """Return the picture in RGB, `size` pixels a side."""
    template = load_template(picture.kind, picture.templates)
    rng = np.random.default_rng(picture.seed)
    drawing = _drawing(picture, template, _pose(template, rng), size)
    surface = surface_of(drawing, puff=template.puff, wrinkle=template.wrinkle, rng=rng)
    scene = backdrop(picture.background, size) * (1 - _shadow(drawing, template, size))[..., None]
    cover = drawing.alpha[..., None]
    scene[drawing.box] = scene[drawing.box] * (1 - cover) + light(surface) * cover
    return Image.fromarray(to_srgb(scene))


def _require(what: str, word: str, known: Collection[str]) -> None:
    if word not in known:
        raise ValueError(f"Unknown {what} {word!r}. Choose one of: {', '.join(known)}.")


def _pose(template: Template, rng: np.random.Generator) -> Pose:
    mirrored = bool(rng.random() < 0.5)
    turn = rng.uniform(*TURN)
    return Pose(mirrored=mirrored, turn=turn if template.floor is None else 0.0, zoom=rng.uniform(*ZOOM))


def _drawing(picture: Picture, template: Template, pose: Pose, size: int) -> Drawing:
    drawing = rasterize(
        template,
        color=picture.color,
        accent=picture.accent,
        material=picture.material,
        printed=picture.pattern != PLAIN,
        pose=pose,
        size=size,
    )
    if picture.pattern == PLAIN:
        return drawing
    lean = -template.print_lean if pose.mirrored else template.print_lean
    pattern = Print(
        tile=print_tile(picture.pattern, color=picture.color, accent=picture.accent),
        zoom=template.print_zoom * pose.zoom,
        leans=(pose.turn, pose.turn + lean, pose.turn - lean),
    )
    return with_print(drawing, pattern)


def _shadow(drawing: Drawing, template: Template, size: int) -> np.ndarray:
    alpha = np.zeros((size, size), np.float32)
    alpha[drawing.box] = drawing.alpha
    if template.floor is None:
        return wall_shadow(alpha, scale=drawing.scale)
    return floor_shadow(alpha, floor=template.floor, scale=drawing.scale)
