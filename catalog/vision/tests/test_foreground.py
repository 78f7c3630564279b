import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from catalog.vision.foreground import MASK_SIDE, find_foreground
from catalog.vision.tests.pictures import disc, noise


def overlap(mask, truth):
    return (mask & truth).sum() / (mask | truth).sum()


def truth(image, background):
    small = image.resize((MASK_SIDE, MASK_SIDE), Image.Resampling.NEAREST)
    return (np.asarray(small) != background).any(axis=2)


@pytest.mark.parametrize(
    ("color", "background"),
    [
        ("#c83228", "white"),
        ("#101010", "#f0f0f0"),
        ("#e0e0e0", "white"),
        ("white", "#303030"),
        ("navy", "red"),
    ],
)
def test_it_finds_a_thing_on_a_plain_background(color, background):
    image = disc(color, background=background)
    foreground = find_foreground(image)
    assert foreground.found
    assert overlap(foreground.mask, truth(image, image.getpixel((0, 0)))) > 0.93


def test_a_mask_keeps_the_proportions_of_its_picture():
    assert find_foreground(disc(size=(300, 600))).mask.shape == (96, 48)
    assert find_foreground(disc(size=(60, 20))).mask.shape == (32, 96)


def test_a_white_stripe_inside_a_thing_on_white_belongs_to_it():
    plain, striped = disc(), disc()
    ImageDraw.Draw(striped).rectangle((180, 120, 220, 280), fill="white")
    assert overlap(find_foreground(striped).mask, find_foreground(plain).mask) > 0.97


def test_a_soft_shadow_belongs_to_the_background():
    image = Image.new("RGB", (400, 400), "#f4f4f4")
    ImageDraw.Draw(image).ellipse((100, 300, 300, 340), fill="#e2e2e2")
    image = image.filter(ImageFilter.GaussianBlur(12))
    ImageDraw.Draw(image).ellipse((100, 100, 300, 310), fill="#2a5fc0")
    bottom = find_foreground(image).mask[78:]
    assert not bottom.any()


def test_a_thing_that_runs_out_of_the_picture_is_no_background():
    image = Image.new("RGB", (400, 400), "#d83030")
    ImageDraw.Draw(image).rectangle((100, 60, 300, 400), fill="#101010")
    foreground = find_foreground(image)
    assert foreground.found
    assert foreground.mask[60, 48]
    assert not foreground.mask[60, 8]


def test_two_even_colours_behind_a_thing_are_a_background():
    image = Image.new("RGB", (400, 400), "#d8d8d8")
    ImageDraw.Draw(image).rectangle((0, 250, 400, 400), fill="#8a5a34")
    ImageDraw.Draw(image).ellipse((120, 120, 280, 320), fill="#1e4aa0")
    foreground = find_foreground(image)
    assert foreground.found
    assert [bool(foreground.mask[y, 48]) for y in (10, 48, 90)] == [False, True, False]


@pytest.mark.parametrize("image", [noise(), Image.new("RGB", (200, 200), "teal")], ids=["busy", "uniform"])
def test_it_says_when_it_finds_nothing_and_takes_the_middle(image):
    foreground = find_foreground(image)
    assert not foreground.found
    assert foreground.mask[48, 48]
    assert not foreground.mask[0, 0]
    assert foreground.mask.mean() == pytest.approx(np.pi * 0.35**2, abs=0.01)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (5000, 2), (1, 900)])
def test_it_takes_pictures_of_any_size(size):
    foreground = find_foreground(Image.new("RGB", size, "teal"))
    assert not foreground.found
    assert foreground.mask.any()


def test_clutter_grows_with_what_lies_around():
    clutter = [find_foreground(Image.blend(disc(), noise(), share)).clutter for share in (0, 0.2, 0.5, 1)]
    assert clutter == sorted(clutter)
    assert clutter[0] < 0.001
    assert clutter[-1] > 0.1
