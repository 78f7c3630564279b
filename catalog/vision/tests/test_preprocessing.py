from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from catalog.vision.bundle import read_bundle
from catalog.vision.preprocessing import to_pixels
from catalog.vision.tests.pictures import BUNDLE, noise

RAW = replace(read_bundle(BUNDLE), image_size=224, mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


def thirds(size, *colors):
    """Return three bands side by side, or one over the other in a tall picture."""
    strip = Image.new("RGB", (3, 1))
    for place, color in enumerate(colors):
        strip.putpixel((place, 0), color)
    upright = size[1] > size[0]
    bands = strip.transpose(Image.Transpose.ROTATE_270) if upright else strip
    return bands.resize(size, Image.Resampling.NEAREST)


def colors_of(pixels):
    return {tuple(color) for color in (pixels * 255).round().astype(int).reshape(3, -1).T.tolist()}


RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def test_it_gives_one_square_of_channels_a_picture():
    pixels = to_pixels([noise((300, 200)), noise((20, 90))], RAW)
    assert (pixels.shape, pixels.dtype) == ((2, 3, 224, 224), np.float32)


@pytest.mark.parametrize("size", [(672, 224), (224, 672)])
def test_shortest_keeps_the_centre(size):
    assert colors_of(to_pixels([thirds(size, RED, GREEN, BLUE)], RAW)) == {GREEN}


def test_longest_keeps_everything_and_fills_the_rest():
    bundle = replace(RAW, resize_mode="longest", fill_color=128)
    pixels = to_pixels([thirds((672, 224), RED, RED, RED)], bundle)
    assert colors_of(pixels) == {RED, (128, 128, 128)}
    assert colors_of(pixels[:, :, 75:149]) == {RED}
    assert colors_of(pixels[:, :, :74]) == colors_of(pixels[:, :, 150:]) == {(128, 128, 128)}


def test_squash_keeps_everything_out_of_proportion():
    pixels = to_pixels([thirds((672, 224), RED, GREEN, BLUE)], replace(RAW, resize_mode="squash"))
    assert [colors_of(pixels[..., x : x + 1]) for x in (10, 112, 214)] == [{RED}, {GREEN}, {BLUE}]


def test_it_normalises_each_channel_with_mean_and_std():
    bundle = replace(RAW, mean=(0.5, 0.25, 0.0), std=(0.5, 0.25, 2.0))
    pixels = to_pixels([Image.new("RGB", (224, 224), (255, 0, 255))], bundle)
    assert pixels[0, :, 100, 100].tolist() == [1.0, -1.0, 0.5]


def test_interpolations_differ():
    bilinear = to_pixels([noise((300, 300))], replace(RAW, interpolation="bilinear"))
    assert np.abs(bilinear - to_pixels([noise((300, 300))], RAW)).max() > 0.05


def test_a_reducing_gap_changes_the_pixels_of_large_pictures_alone():
    for size, same in (((1000, 1000), True), ((2000, 2000), False)):
        exact, reduced = (to_pixels([noise(size)], replace(RAW, reducing_gap=gap)) for gap in (None, 3))
        assert np.array_equal(exact, reduced) is same
        assert np.abs(exact - reduced).mean() < 0.02


@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (2, 30_000)])
def test_it_takes_pictures_of_any_proportions(size):
    assert colors_of(to_pixels([Image.new("RGB", size, RED)], RAW)) == {RED}


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("mode", ["shortest", "longest", "squash"])
@pytest.mark.parametrize("size", [(192, 256), (600, 600), (100, 37), (801, 1203), (225, 224), (2400, 2000)])
def test_it_gives_the_pixels_of_open_clip(size, mode, interpolation):
    pytest.importorskip("torch")
    from catalog.vision.torchvision_compat import import_open_clip

    bundle = replace(
        read_bundle(BUNDLE), resize_mode=mode, interpolation=interpolation, reducing_gap=None, fill_color=90
    )
    transform = import_open_clip().transform.image_transform(
        bundle.image_size,
        is_train=False,
        mean=bundle.mean,
        std=bundle.std,
        resize_mode=mode,
        interpolation=interpolation,
        fill_color=90,
    )
    image = noise((800, 800)).resize(size)
    assert np.abs(to_pixels([image], bundle)[0] - transform(image).numpy()).max() < 1e-5
