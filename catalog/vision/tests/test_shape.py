import json
from dataclasses import asdict

import pytest
from PIL import Image, ImageDraw

from catalog.vision.foreground import find_foreground
from catalog.vision.shape import GRID, Shape, find_shape, shape_similarities, shape_similarity
from catalog.vision.tests.pictures import disc, noise


def drawn(points, *, size=(400, 400)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).polygon(points, fill="#303030")
    return find_shape(find_foreground(image))


def shape_of(image):
    return find_shape(find_foreground(image))


TEE = [(100, 100), (300, 100), (300, 160), (230, 160), (230, 320), (170, 320), (170, 160), (100, 160)]
BOOT = [(120, 80), (190, 80), (190, 240), (310, 270), (310, 320), (120, 320)]


def test_a_square_is_as_wide_as_high_and_full():
    shape = drawn([(100, 100), (300, 100), (300, 300), (100, 300)])
    assert shape.aspect_ratio == pytest.approx(1, abs=0.03)
    assert shape.fill == pytest.approx(1, abs=0.01)
    assert min(shape.silhouette) > 0.9


def test_a_disc_fills_three_quarters_of_its_box():
    assert shape_of(disc()).fill == pytest.approx(0.785, abs=0.02)


def test_aspect_ratio_is_width_by_height():
    assert drawn([(160, 40), (240, 40), (240, 360), (160, 360)]).aspect_ratio == pytest.approx(1 / 4, abs=0.02)
    assert drawn([(40, 160), (360, 160), (360, 240), (40, 240)]).aspect_ratio == pytest.approx(4, abs=0.3)


def test_a_silhouette_stands_in_the_middle_of_its_grid():
    silhouette = drawn([(160, 40), (240, 40), (240, 360), (160, 360)]).silhouette
    assert len(silhouette) == GRID * GRID
    assert silhouette[:GRID] == pytest.approx((0, 0, 0, 1, 1, 0, 0, 0), abs=0.15)


def test_place_and_size_in_the_picture_do_not_matter():
    moved = drawn([(x * 0.7 + 90, y * 0.7 - 20) for x, y in BOOT])
    assert shape_similarity(drawn(BOOT), moved) > 0.93


def test_a_mirrored_thing_has_the_same_shape():
    mirrored = drawn([(400 - x, y) for x, y in BOOT])
    assert shape_similarity(drawn(BOOT), mirrored) > 0.95


def test_a_shape_is_like_itself_and_less_like_others():
    tee, boot = drawn(TEE), drawn(BOOT)
    assert shape_similarity(tee, tee) == 1
    assert shape_similarity(tee, boot) == shape_similarity(boot, tee)
    assert shape_similarity(tee, boot) < 0.7


def test_what_was_not_found_has_no_silhouette_and_is_neither_like_nor_unlike():
    unknown = shape_of(noise((400, 200)))
    assert unknown == Shape(aspect_ratio=2.0, fill=0.0, silhouette=())
    assert shape_similarity(unknown, drawn(TEE)) == 0.5


def test_a_shape_survives_json():
    shape = drawn(BOOT)
    stored = Shape(**json.loads(json.dumps(asdict(shape))))
    assert shape_similarity(stored, shape) == 1


def test_many_shapes_are_compared_as_each_by_itself():
    tee, others = drawn(TEE), [drawn(BOOT), shape_of(noise()), shape_of(disc()), drawn(TEE)]
    similarities = shape_similarities(tee, [other.silhouette for other in others])
    assert similarities.tolist() == [shape_similarity(tee, other) for other in others]
