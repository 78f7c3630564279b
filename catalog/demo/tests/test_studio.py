import numpy as np
import pytest

from catalog.demo.colors import from_hex
from catalog.demo.studio import BACKGROUNDS, backdrop, floor_shadow, wall_shadow

SIDE = 400
BOX = np.zeros((SIDE, SIDE), np.float32)
BOX[150:250, 150:250] = 1


def center_of(shadow):
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    return (shadow * y).sum() / shadow.sum(), (shadow * x).sum() / shadow.sum()


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_backdrop_is_lit_from_the_upper_left(background):
    scene = backdrop(background, 64)
    assert scene.shape == (64, 64, 3)
    assert scene[24, 27] == pytest.approx(from_hex(BACKGROUNDS[background]), rel=0.05)
    assert scene[24, 27].sum() > scene[0, 0].sum() > scene[63, 63].sum()


def test_white_stays_nearly_white_to_the_corners():
    assert backdrop("white", 64).min() > 0.93


def test_a_shadow_on_the_wall_lies_to_the_lower_right():
    shadow = wall_shadow(BOX, scale=1.0)
    assert center_of(shadow) == pytest.approx((210, 206), abs=1)
    assert 0.4 < shadow.max() < 0.6


def test_a_shadow_on_the_floor_lies_at_the_feet_and_leans_to_the_right():
    shadow = floor_shadow(BOX, floor=250, scale=1.0)
    y, x = center_of(shadow)
    assert y == pytest.approx(229, abs=4)
    assert x > 205
    assert shadow[140].max() < 0.01


def test_a_shadow_is_never_black():
    assert floor_shadow(np.ones((SIDE, SIDE), np.float32), floor=300, scale=1.0).max() == pytest.approx(0.8, abs=0.02)
