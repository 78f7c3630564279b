import numpy as np
import pytest

from catalog.demo.colors import COLORS
from catalog.demo.drawing import Drawing
from catalog.demo.prints import PRINTS, Print, print_tile, with_print

SIDE = 128
STRIPES = np.repeat(np.array([[0], [255]], np.uint8), 16, axis=0)[..., None] * np.ones((32, 32, 3), np.uint8)


def blank(*, relief=0.0, part=0):
    cloth = np.zeros((SIDE, SIDE, 3), np.float32)
    cloth[:, : SIDE // 2, part] = 1
    return Drawing(
        scale=1.0,
        box=(slice(0, SIDE), slice(0, SIDE)),
        color=np.zeros((SIDE, SIDE, 3), np.uint8),
        alpha=np.ones((SIDE, SIDE), np.float32),
        relief=np.zeros((SIDE, SIDE), np.float32) + relief,
        tilt=np.zeros((SIDE, SIDE, 2), np.float32),
        finish={},
        cloth=cloth,
    )


def printed(drawing, leans=(0.0, 0.0, 0.0)):
    return with_print(drawing, Print(tile=STRIPES, zoom=1.0, leans=leans)).color[..., 0]


def test_a_print_covers_the_cloth_and_nothing_else():
    color = printed(blank())
    assert color[[2, 5, 10, 13, 18, 21], 20].tolist() == [0, 0, 255, 255, 0, 0]
    assert color[:, SIDE // 2 :].max() == 0


def test_each_part_of_the_cloth_leans_its_own_way():
    straight = printed(blank(part=0), leans=(0.0, 90.0, 0.0))
    turned = printed(blank(part=1), leans=(0.0, 90.0, 0.0))
    assert np.ptp(straight[3, 2:60]) == 0
    assert np.ptp(turned[2:60, 3]) == 0
    assert np.ptp(turned[3, 2:60]) == 255


def test_a_print_moves_with_the_slope_of_the_cloth():
    ramp = 0.25 * np.sin(np.arange(SIDE, dtype=np.float32) * 2 * np.pi / SIDE)[:, None]
    assert (printed(blank(relief=ramp)) != printed(blank())).any()


@pytest.mark.parametrize("pattern", PRINTS)
def test_every_print_has_both_colours_of_the_palette(pattern):
    pixels = {tuple(pixel) for pixel in print_tile(pattern, color="navy", accent="cream").reshape(-1, 3).tolist()}
    assert tuple(bytes.fromhex(COLORS["navy"][1:])) in pixels
    if pattern != "checked":
        assert tuple(bytes.fromhex(COLORS["cream"][1:])) in pixels
