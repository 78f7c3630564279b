import numpy as np
import pytest

from catalog.demo.lighting import light
from catalog.demo.surfaces import Surface

SIDE = 64
MIDDLE = np.s_[16:48, 16:48]


def surface(*, normal=(0, 0, 1), albedo=(0.2, 0.4, 0.6), height=None, **qualities):
    plain = {"gloss": 0.0, "roughness": 1.0, "metal": 0.0, "sheen": 0.0} | qualities
    flat = np.ones((SIDE, SIDE), np.float32)
    return Surface(
        scale=1.0,
        albedo=flat[..., None] * np.array(albedo, np.float32),
        height=np.zeros((SIDE, SIDE), np.float32) if height is None else height,
        normal=flat[..., None] * np.array(normal, np.float32) / np.float32(np.linalg.norm(normal)),
        **{name: flat * np.float32(value) for name, value in plain.items()},
    )


def brightness(**parts):
    return light(surface(**parts))[MIDDLE].mean()


def test_a_flat_matt_surface_keeps_its_colour():
    assert light(surface())[32, 32] == pytest.approx([0.2, 0.4, 0.6], abs=1e-4)


def test_the_light_comes_from_the_upper_left():
    assert brightness(normal=(-1, -1, 1)) > brightness() > brightness(normal=(1, 1, 1))
    assert brightness(normal=(-1, 0, 1)) > brightness(normal=(1, 0, 1))
    assert brightness(normal=(0, -1, 1)) > brightness(normal=(0, 1, 1))


def test_gloss_shows_the_softbox_where_the_surface_turns_to_it():
    towards_box = (-0.35, -0.2, 1)
    shine = brightness(normal=towards_box, gloss=1, roughness=0.1) - brightness(normal=towards_box)
    assert shine > 0.3
    assert brightness(gloss=1, roughness=0.1) == pytest.approx(brightness(), abs=0.01)


def test_metal_shows_a_dark_floor_and_a_bright_ceiling():
    assert brightness(metal=1, normal=(0, -0.4, 1)) > 1.5 * brightness(metal=1, normal=(0, 0.4, 1))


def test_sheen_glows_at_the_edges_only():
    assert brightness(sheen=1) == pytest.approx(brightness(), abs=1e-4)
    assert brightness(sheen=1, normal=(2, 0, 1)) > brightness(normal=(2, 0, 1)) + 0.1


def test_a_ridge_throws_its_shadow_to_the_lower_right():
    height = np.zeros((SIDE, SIDE), np.float32)
    height[28:36, 28:36] = 30
    lit = light(surface(height=height)).mean(axis=-1)
    assert lit[40, 40] < 0.8 * lit[24, 24]
