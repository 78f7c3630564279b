import numpy as np
import pytest

from catalog.demo.colors import from_hex
from catalog.demo.drawing import Drawing
from catalog.demo.surfaces import blur, surface_of

SIDE = 128
YY, XX = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
DISC = (np.hypot(YY - 64, XX - 64) < 40).astype(np.float32)


def drawing(*, alpha=DISC, relief=None, tilt=None, finish=None):
    nothing = np.zeros((SIDE, SIDE), np.float32)
    return Drawing(
        scale=1.0,
        box=(slice(0, SIDE), slice(0, SIDE)),
        color=np.full((SIDE, SIDE, 3), 128, np.uint8),
        alpha=alpha,
        relief=nothing if relief is None else relief,
        tilt=np.zeros((SIDE, SIDE, 2), np.float32) if tilt is None else tilt,
        finish={"ceramic": np.ones((SIDE, SIDE), np.float32)} if finish is None else finish,
        cloth=np.zeros((SIDE, SIDE, 3), np.float32),
    )


def shaped(wrinkle=0.0, **parts):
    return surface_of(drawing(**parts), puff=8, wrinkle=wrinkle, rng=np.random.default_rng(1))


def test_blur_spreads_a_point_as_a_gaussian():
    point = np.zeros((SIDE, SIDE), np.float32)
    point[64, 64] = 1
    gaussian = np.exp(-((YY - 64) ** 2 + (XX - 64) ** 2) / (2 * 5**2)) / (2 * np.pi * 5**2)
    assert blur(point, 5) == pytest.approx(gaussian, abs=1e-6)


def test_blur_keeps_the_mean():
    noise = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    assert blur(noise, 9).mean() == pytest.approx(noise.mean(), abs=1e-5)


def test_an_outline_is_rounded_and_its_middle_faces_the_camera():
    normal = shaped().normal
    assert normal[64, 64] == pytest.approx([0, 0, 1], abs=1e-3)
    assert normal[64, 27, 0] < -0.5
    assert normal[64, 101, 0] > 0.5
    assert normal[27, 64, 1] < -0.5
    assert np.linalg.norm(normal, axis=-1) == pytest.approx(np.ones((SIDE, SIDE)), abs=1e-5)


def test_a_relief_that_rises_to_the_right_faces_left():
    normal = shaped(alpha=np.ones((SIDE, SIDE), np.float32), relief=XX / SIDE).normal
    slope = 60 / SIDE
    assert normal[64, 64] == pytest.approx(np.array([-slope, 0, 1]) / np.hypot(slope, 1), abs=1e-3)


def test_a_tilt_turns_the_normal():
    tilt = np.zeros((SIDE, SIDE, 2), np.float32)
    tilt[..., 0], tilt[..., 1] = 0.6, -0.3
    assert shaped(tilt=tilt).normal[64, 64] == pytest.approx([0.6, -0.3, np.sqrt(0.55)], abs=1e-3)


def test_each_part_takes_the_qualities_of_its_material():
    left = (XX < 64).astype(np.float32)
    surface = shaped(finish={"metal": left, "leather": 1 - left})
    assert (surface.metal[64, 40], surface.metal[64, 90]) == (1, 0)
    assert surface.roughness[64, [40, 90]] == pytest.approx([0.18, 0.38])


def test_denim_is_greyer_than_the_colour_it_was_dyed_with():
    dyed = drawing(finish={"denim": np.ones((SIDE, SIDE), np.float32)})
    dyed.color[...] = (0x27, 0x60, 0xBD)
    worn = surface_of(dyed, puff=8, wrinkle=0, rng=np.random.default_rng(1)).albedo.mean(axis=(0, 1))
    new = from_hex("#2760bd")
    assert np.ptp(worn) == pytest.approx(0.55 * np.ptp(new), rel=0.02)


def test_wrinkles_need_a_loose_cloth():
    cloth = {"silk": np.ones((SIDE, SIDE), np.float32)}
    assert shaped(finish=cloth).normal[60:68, 60:68, 2].min() > 0.999
    assert shaped(finish=cloth, wrinkle=1.0).normal[60:68, 60:68, 2].min() < 0.999
