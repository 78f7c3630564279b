"""Light a surface as in a studio: a lamp at the upper left, a bright room, a softbox on each side.

Vectors are right, down, towards the camera; all light is linear.
"""

import numpy as np

from catalog.demo.colors import Plane
from catalog.demo.surfaces import Surface, blur

LAMP = np.array([-0.50, -0.62, 0.60], np.float32) / np.float32(np.linalg.norm([-0.50, -0.62, 0.60]))
LAMP_SHARE = 0.6  # of the light on what faces the camera; the room gives the rest
WRAP = 0.25  # a large lamp still reaches what faces away from it by so much
SKY = (-0.10, -0.28)  # how much brighter the room is to the right and below: darker, as its lamps hang above

# Softboxes as a mirror sees them: middle (right, down), half their size, brightness.
SOFTBOXES = (((-0.62, -0.36), (0.15, 0.52), 1.0), ((0.86, -0.10), (0.07, 0.60), 0.5))
SHARPEST, DULLEST = 0.01, 0.175  # width of a softbox's edge in a mirror and in a rough surface

# Lengths in template units: how far crevices look around, how softly and how far a step throws its shadow,
# and how high a step throws a full one.
CREVICE, SHADOW_BLUR, SHADOW_STEP, SHADOW_HEIGHT = 11.0, 4.0, (6.5, 5.0), 9.0
CREVICE_DARKNESS, SHADOW_DARKNESS = 0.55, 0.55


def light(surface: Surface) -> Plane:
    """Return the lit colours (height, width, 3); a flat matt surface that faces the camera keeps its own."""
    shadow = _thrown_shadow(surface)
    open_air = 1 - CREVICE_DARKNESS * _crevices(surface)
    reflected = _softboxes(surface) * (1 - shadow / 2)
    matt = _matt(surface, shadow, open_air) + (surface.gloss * reflected * _fresnel(surface))[..., None]
    return matt + surface.metal[..., None] * (_metallic(surface, reflected, open_air) - matt)


def _matt(surface: Surface, shadow: Plane, open_air: Plane) -> Plane:
    x, y, z = np.moveaxis(surface.normal, -1, 0)
    lamp = np.maximum(surface.normal @ LAMP + WRAP, 0) / (LAMP[2] + WRAP) * (1 - SHADOW_DARKNESS * shadow)
    room = (1 + SKY[0] * x + SKY[1] * y) * (1 + z) / 2
    fibres: Plane = surface.sheen * (1 - z) ** 2
    diffuse: Plane = (LAMP_SHARE * lamp + (1 - LAMP_SHARE) * room) * open_air
    return surface.albedo * (diffuse + 0.66 * fibres)[..., None] + 0.13 * fibres[..., None]


def _metallic(surface: Surface, reflected: Plane, open_air: Plane) -> Plane:
    """Return metal, which shows nothing but what it reflects: the boxes, a bright ceiling, a dark floor."""
    _, y, z = np.moveaxis(surface.normal, -1, 0)
    room = 0.72 - 0.55 * np.clip(2 * y * z, -0.6, 1)
    seen: Plane = np.clip(room + 0.9 * reflected, 0.1, 2.2) * open_air
    return surface.albedo * seen[..., None] + (0.3 * surface.gloss * reflected)[..., None]


def _fresnel(surface: Surface) -> Plane:
    """Return how much of the room a gloss reflects, more at its edges (after Schlick, 1994)."""
    return 0.35 + 0.65 * (1 - surface.normal[..., 2]) ** 3


def _softboxes(surface: Surface) -> Plane:
    """Return the light that a mirror would show at each point, blurred by the roughness."""
    x, y, z = np.moveaxis(surface.normal, -1, 0)
    right, down = 2 * x * z, 2 * y * z
    sharpness = 1 / (SHARPEST + DULLEST * surface.roughness)
    seen: Plane = 0.1 * np.maximum(-down, 0)
    for (middle_x, middle_y), (half_x, half_y), brightness in SOFTBOXES:
        across = _rise((half_x - np.abs(right - middle_x)) * sharpness)
        along = _rise((half_y - np.abs(down - middle_y)) * sharpness)
        seen = seen + brightness * across * along
    return seen


def _rise(value: Plane) -> Plane:
    """Return a soft step from 0 to 1."""
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))


def _crevices(surface: Surface) -> Plane:
    """Return 0 to 1: how far a point lies below what is around it."""
    reach = CREVICE * surface.scale
    return np.clip((blur(surface.height, reach) - surface.height) / reach, 0, 1)


def _thrown_shadow(surface: Surface) -> Plane:
    """Return 0 to 1: how far a point lies below what stands between it and the lamp."""
    step = [round(length * surface.scale) for length in SHADOW_STEP]
    before_lamp = np.roll(blur(surface.height, SHADOW_BLUR * surface.scale), step, axis=(0, 1))
    return np.clip((before_lamp - surface.height) / (SHADOW_HEIGHT * surface.scale) - 0.25, 0, 1)
