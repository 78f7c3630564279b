"""Product pictures of the demo shop, drawn and lit by ourselves."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image

from catalog.demo.colors import COLORS, Plane, to_srgb
from catalog.demo.drawing import CANVAS, KINDS, PATTERNS, Pose, Template, load_template, print_tile, rasterize
from catalog.demo.lighting import light
from catalog.demo.materials import MATERIALS
from catalog.demo.studio import BACKGROUNDS, backdrop, floor_shadow, wall_shadow
from catalog.demo.surfaces import Print, surface_of

__all__ = ["BACKGROUNDS", "COLORS", "KINDS", "MATERIALS", "PATTERNS", "Picture", "draw", "render"]


@dataclass(frozen=True)
class Picture:
    """Everything that decides how a product picture looks; equal pictures have equal pixels."""

    kind: str
    color: str
    accent: str = "white"
    material: str = "cotton"
    pattern: str = "plain"
    background: str = "white"
    seed: int = 0

    def __post_init__(self) -> None:
        for what, name, known in (
            ("kind", self.kind, KINDS),
            ("color", self.color, COLORS),
            ("accent", self.accent, COLORS),
            ("material", self.material, MATERIALS),
            ("pattern", self.pattern, PATTERNS),
            ("background", self.background, BACKGROUNDS),
        ):
            if name not in known:
                raise ValueError(f"Unknown {what} {name!r}. Choose one of: {', '.join(known)}.")


def render(picture: Picture, *, size: int = 800) -> bytes:
    """Return the picture as the bytes of a WebP file, `size` pixels a side."""
    file = io.BytesIO()
    draw(picture, size=size).save(file, "WEBP", quality=92, method=2)
    return file.getvalue()


def draw(picture: Picture, *, size: int = 800) -> Image.Image:
    """Return the picture as an RGB image, `size` pixels a side."""
    template = load_template(picture.kind)
    rng = np.random.default_rng(picture.seed)
    scale = size / CANVAS
    pose = _pose(template, rng)
    printed = picture.pattern != "plain"
    drawing = rasterize(
        template,
        color=picture.color,
        accent=picture.accent,
        material=picture.material,
        printed=printed,
        pose=pose,
        size=size,
    )
    lean = -template.print_lean if pose.mirrored else template.print_lean
    print_on = Print(
        tile=print_tile(picture.pattern, picture.color, picture.accent),
        zoom=template.print_zoom * pose.zoom,
        leans=(pose.turn, pose.turn + lean, pose.turn - lean),
    ) if printed else None
    surface = surface_of(drawing, print_on, puff=template.puff, wrinkle=template.wrinkle, scale=scale, rng=rng)
    alpha = np.zeros((size, size), np.float32)
    alpha[drawing.box] = drawing.alpha
    scene = backdrop(picture.background, size) * (1 - _shadow(template, alpha, scale))[..., None]
    cover = drawing.alpha[..., None]
    scene[drawing.box] = scene[drawing.box] * (1 - cover) + light(surface, scale=scale) * cover
    return Image.fromarray(to_srgb(scene))


def _pose(template: Template, rng: np.random.Generator) -> Pose:
    turn = rng.uniform(-3.5, 3.5)
    return Pose(
        mirrored=bool(rng.random() < 0.5),
        turn=turn if template.floor is None else 0.0,
        zoom=rng.uniform(0.94, 1.03),
    )


def _shadow(template: Template, alpha: Plane, scale: float) -> Plane:
    if template.floor is None:
        return wall_shadow(alpha, scale=scale)
    return floor_shadow(alpha, floor=template.floor, scale=scale)
