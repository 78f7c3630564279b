import random

import numpy as np
import pytest

from catalog.demo.labels import picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.vision.decode import decode
from catalog.vision.encoder import load_encoder
from catalog.vision.near_duplicates import (
    LEAST_DISTANCE,
    NEAR,
    WAYS,
    Judgement,
    Scale,
    fit_scale,
    judge,
    make_copies,
    nearest_others,
)
from catalog.vision.tests.pictures import BUNDLE, DATA, needs_data, photograph


def cosines(*values):
    return np.array(values, dtype=np.float32)


def test_the_scale_is_a_line_through_what_is_near_and_what_is_equal():
    scale = Scale(distance=0.1)
    assert [scale.similarity(cosine) for cosine in (1.0, 0.9, 0.8)] == pytest.approx([1, NEAR, 0.9])
    assert scale.similarity(-1) == 0
    assert scale.similarity(1.0001) == 1
    assert scale.cosine(0.8) == pytest.approx(0.6)
    assert scale.similarity(scale.cosine(0.97)) == pytest.approx(0.97)


@pytest.mark.parametrize(
    ("of_copies", "of_others", "near"),
    [
        # Where they part, halfway.
        (cosines(0.9, 0.95, 1), cosines(0.5, 0.6), 0.75),
        # One other product among ten is too near to be worth the last copy.
        (cosines(0.7, *[0.95] * 9), cosines(0.8, *[0.4] * 9), 0.875),
        # Equal pictures still differ by rounding.
        (cosines(0.999, 1), cosines(0.9985), 1 - LEAST_DISTANCE),
    ],
)
def test_what_is_called_near_parts_copies_from_other_products(of_copies, of_others, near):
    assert fit_scale(of_copies, of_others).cosine(NEAR) == pytest.approx(near, abs=1e-4)


def test_precision_is_that_of_as_many_copies_as_others():
    judgement = judge(cosines(0.9, 0.9, 0.9, 0.1), cosines(0.9, *[0.1] * 9), 0.5)
    assert (judgement.precision, judgement.recall) == (pytest.approx(0.75 / 0.85), 0.75)
    assert judge(cosines(0.1), cosines(0.9), 0.95) == Judgement(0.0, 0.0)


def test_each_picture_is_copied_and_the_ways_are_taken_in_turns():
    pictures = [photograph((600, 400)) for _ in WAYS]
    copies, of_picture = make_copies(pictures)
    assert of_picture.tolist() == list(range(len(WAYS)))
    sizes = dict(zip(WAYS, [copy.size for copy in copies], strict=True))
    assert sizes["400 pixels"] == (400, 267)
    assert sizes["cropped by 6 %"] == (528, 352)
    assert sizes["white frame of 5 %"] == (660, 460)
    assert all(copy.tobytes() != pictures[0].tobytes() for copy in copies)


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(BUNDLE, threads=2)


@pytest.fixture(scope="module")
def scale(encoder):
    """The bundled encoder's scale, as the application fits it."""
    pictures = [decode(picture_file(product).read_bytes()) for product in DEMO_PRODUCTS]
    vectors = encoder.encode_images(pictures)
    copies, of_picture = make_copies(pictures)
    of_copies = (encoder.encode_images(copies) * vectors[of_picture]).sum(axis=1)
    fitted = fit_scale(of_copies, nearest_others(vectors))
    judgement = judge(of_copies, nearest_others(vectors), fitted.cosine(NEAR))
    assert judgement.precision == 1
    assert judgement.recall >= 0.93
    return fitted


# Of photographs that were not fitted to: what this encoder reaches, less a little.
@needs_data
@pytest.mark.parametrize(("shop", "recall"), [("clothing", 0.85), ("eshop", 0.78)])
def test_copies_of_photographs_are_told_from_other_products(encoder, scale, shop, recall):
    pictures = photographs(shop, 24)
    vectors = encoder.encode_images(pictures)
    of_copies = np.concatenate(
        [(encoder.encode_images([way(one) for one in pictures]) * vectors).sum(axis=1) for way in WAYS.values()]
    )
    judgement = judge(of_copies, nearest_others(vectors), scale.cosine(NEAR))
    assert judgement.precision == 1
    assert judgement.recall >= recall


def photographs(shop, count):
    files = sorted((DATA / shop / "images").iterdir())
    pictures = []
    for file in random.Random(1).sample(files, count):
        picture = decode(file.read_bytes())
        picture.thumbnail((512, 512))
        pictures.append(picture)
    return pictures
