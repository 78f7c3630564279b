"""Light a surface as in a photographer's studio: a key light, a sky, a softbox on each side."""

import numpy as np

from catalog.demo.colors import Plane
from catalog.demo.surfaces import Surface, blur

# Where the key light stands: left, above, before the thing (x to the right, y down, z to the camera).
KEY = np.array([-0.50, -0.62, 0.60], np.float32) / np.float32(np.linalg.norm([-0.50, -0.62, 0.60]))
KEY_SHARE = 0.6  # of the light on a surface that faces the camera; the rest is the sky's
WRAP = 0.25  # a large lamp still reaches surfaces that face a little away from it
# Softboxes as the mirror sees them: centre and half size in the reflected direction, brightness.
LEFT_BOX = (-0.62, -0.36, 0.15, 0.52, 1.0)
RIGHT_BOX = (0.86, -0.10, 0.07, 0.60, 0.5)
# Lengths in template units.
CREVICE, STEP_BLUR, STEP = 11.0, 4.0, (6.5, 5.0)


def light(surface: Surface, *, scale: float) -> Plane:
    """Return the lit colours (height, width, 3) in linear light; a flat matt surface keeps its own colour."""
    x, y, z = np.moveaxis(surface.normal, -1, 0)
    crevice = _crevices(surface.height, scale)
    shade = _cast_shadow(surface.height, scale)
    key = np.maximum(x * KEY[0] + y * KEY[1] + z * KEY[2] + WRAP, 0) / (KEY[2] + WRAP)
    sky = (1 - 0.28 * y - 0.1 * x) * (0.5 + 0.5 * z)
    diffuse = (KEY_SHARE * key * (1 - 0.55 * shade) + (1 - KEY_SHARE) * sky) * (1 - 0.55 * crevice)
    mirrored = _softboxes(x, y, z, surface.roughness) * (1 - 0.5 * shade)
    fresnel = 0.35 + 0.65 * (1 - z) ** 3
    fibres = 1.1 * surface.sheen * (1 - z) ** 2
    matt = surface.albedo * (diffuse + 0.6 * fibres)[..., None] + (0.12 * fibres)[..., None]
    matt += (surface.gloss * mirrored * fresnel)[..., None]
    room = 0.72 + 0.9 * mirrored - 0.55 * np.clip(2 * y * z, -0.6, 1)
    metal = surface.albedo * (np.clip(room, 0.1, 2.2) * (1 - 0.55 * crevice))[..., None]
    metal += (0.3 * surface.gloss * mirrored)[..., None]
    return matt + surface.metal[..., None] * (metal - matt)


def _crevices(height: Plane, scale: float) -> Plane:
    """Return 0 to 1: how far a point lies below what is around it."""
    return np.clip((blur(height, CREVICE * scale) - height) / (CREVICE * scale), 0, 1)


def _cast_shadow(height: Plane, scale: float) -> Plane:
    """Return 0 to 1: how far a point lies below what is up-left of it, where the key light comes from."""
    shift = (round(STEP[0] * scale), round(STEP[1] * scale))
    above = np.roll(blur(height, STEP_BLUR * scale), shift, axis=(0, 1)) - height
    return np.clip(above / (9 * scale) - 0.25, 0, 1)


def _softboxes(x: Plane, y: Plane, z: Plane, roughness: Plane) -> Plane:
    """Return the brightness that a mirror would show at each point, blurred by the roughness."""
    right, down = 2 * x * z, 2 * y * z
    edge = 2 / (0.35 * roughness + 0.02)
    seen = 0.1 * np.clip(-down, 0, 1)
    for center_x, center_y, half_x, half_y, brightness in (LEFT_BOX, RIGHT_BOX):
        across = _sigmoid((half_x - np.abs(right - center_x)) * edge)
        along = _sigmoid((half_y - np.abs(down - center_y)) * edge)
        seen = seen + brightness * across * along
    return seen


def _sigmoid(value: Plane) -> Plane:
    return 1 / (1 + np.exp(-np.clip(value, -30, 30)))
