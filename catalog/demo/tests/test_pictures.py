import io

import numpy as np
import pytest
from PIL import Image

from catalog.demo.colors import COLORS
from catalog.demo.drawing import KINDS
from catalog.demo.pictures import PATTERNS, Picture, draw, render
from catalog.vision.oklab import to_oklab

SMALL = 160
# Things seen from the front, whose middle is all cloth.
MIDDLE = np.s_[60:110, 65:95]


def mean_lab(picture):
    pixels = np.asarray(draw(picture, size=SMALL))[MIDDLE]
    return to_oklab(pixels).reshape(-1, 3).mean(axis=0)


def named_lab(color):
    return to_oklab(np.frombuffer(bytes.fromhex(COLORS[color][1:]), dtype=np.uint8))


@pytest.mark.parametrize("kind", KINDS)
def test_it_draws_every_kind_before_its_backdrop(kind):
    image = draw(Picture(kind, "red", "blue", background="white"), size=SMALL)
    assert (image.mode, image.size) == ("RGB", (SMALL, SMALL))
    pixels = np.asarray(image).astype(int)
    red = (pixels[..., 0] - pixels[..., 1] > 60) & (pixels[..., 0] - pixels[..., 2] > 60)
    edge = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    assert red.mean() > 0.003
    assert edge.min() > 215


def test_it_renders_a_webp_file_of_800_pixels():
    image = Image.open(io.BytesIO(render(Picture("mug", "red", material="ceramic"))))
    assert (image.format, image.mode, image.size) == ("WEBP", "RGB", (800, 800))


def test_it_renders_a_picture_of_another_size():
    assert Image.open(io.BytesIO(render(Picture("mug", "red"), size=224))).size == (224, 224)


def test_equal_pictures_have_equal_bytes():
    picture = Picture("t-shirt", "red", "white", pattern="striped", seed=7)
    assert render(picture, size=SMALL) == render(Picture(**vars(picture)), size=SMALL)


@pytest.mark.parametrize(
    "change",
    [
        {"color": "green"},
        {"accent": "black"},
        {"material": "metal"},
        {"pattern": "dotted"},
        {"background": "sky"},
        {"seed": 2},
    ],
)
def test_each_part_of_a_picture_changes_its_pixels(change):
    picture = {"kind": "dress", "color": "red", "seed": 1}
    before, after = (
        np.asarray(draw(Picture(**parts), size=SMALL)).astype(int) for parts in (picture, picture | change)
    )
    assert np.abs(before - after).max() > 20


@pytest.mark.parametrize("color", COLORS)
def test_a_plain_thing_has_the_colour_that_it_is_called(color):
    seen, meant = mean_lab(Picture("t-shirt", color)), named_lab(color)
    assert np.linalg.norm(seen - meant) < 0.06
    nearest = min(COLORS, key=lambda name: np.linalg.norm(seen - named_lab(name)))
    assert nearest == color


@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if pattern != "plain"])
def test_a_print_shows_both_colours(pattern):
    pixels = np.asarray(draw(Picture("cushion", "navy", "yellow", pattern=pattern), size=400))[100:300, 100:300]
    lab = to_oklab(pixels)
    for color in ("navy", "yellow"):
        away = np.linalg.norm((lab - named_lab(color))[..., 1:], axis=-1)
        assert (away < 0.05).mean() > 0.02


def test_a_print_leaves_the_other_parts_alone():
    plain, printed = (
        np.asarray(draw(Picture("t-shirt", "red", "white", pattern=pattern), size=400)).astype(int)
        for pattern in ("plain", "striped")
    )
    changed = (np.abs(plain - printed).max(axis=-1) > 40).any(axis=1)
    collar = slice(0, 48)
    assert changed.any()
    assert not changed[collar].any()


def test_things_of_one_seed_stand_the_same_way_in_all_colours():
    outlines = []
    for color in ("red", "green"):
        pixels = np.asarray(draw(Picture("boot", color, seed=3), size=SMALL)).astype(int)
        outlines.append(pixels.max(axis=-1) - pixels.min(axis=-1) > 40)
    assert (outlines[0] == outlines[1]).mean() > 0.98


@pytest.mark.parametrize(
    ("part", "word"),
    [
        ("kind", "spaceship"),
        ("color", "ultraviolet"),
        ("accent", "ultraviolet"),
        ("material", "gas"),
        ("pattern", "paisley"),
        ("background", "night"),
    ],
)
def test_it_refuses_words_that_it_does_not_know(part, word):
    with pytest.raises(ValueError, match=f"Unknown {part} '{word}'. Choose one of: "):
        Picture(**{"kind": "mug", "color": "red"} | {part: word})
