"""Random views are squares of parts of the picture, the same for the same chance."""

import numpy as np
from PIL import Image

from training.augmentation import random_view


def picture() -> Image.Image:
    image = Image.new("RGB", (300, 200), "white")
    image.paste("#c0272d", (100, 50, 200, 150))
    return image


def test_a_view_is_a_square_of_the_side_asked_for() -> None:
    for seed in range(20):
        assert random_view(picture(), 64, np.random.default_rng(seed)).size == (64, 64)


def test_the_same_chance_gives_the_same_view() -> None:
    one, other = (np.asarray(random_view(picture(), 64, np.random.default_rng(5))) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_views_differ_in_colour() -> None:
    views = [np.asarray(random_view(picture(), 32, np.random.default_rng(seed)), np.int16) for seed in range(40)]
    middles = np.array([view[12:20, 12:20].mean(axis=(0, 1)) for view in views])
    hues = {int(middle.argmax()) for middle in middles}
    assert hues == {0, 1, 2}
