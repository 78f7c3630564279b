import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from catalog.vision.encoder import load_encoder
from catalog.vision.features import extract_features
from catalog.vision.product_types import TYPES, ProductTypes
from catalog.vision.tests.pictures import BUNDLE, disc, photograph


class CountingEncoder:
    """The shipped encoder, with the sizes of the batches of pictures that it was given."""

    def __init__(self):
        self.encoder = load_encoder(BUNDLE)
        self.name, self.dimensions = self.encoder.name, self.encoder.dimensions
        self.encode_texts = self.encoder.encode_texts
        self.batches = []

    def encode_images(self, images):
        self.batches.append(len(images))
        return self.encoder.encode_images(images)


@pytest.fixture(scope="module")
def encoder():
    return CountingEncoder()


@pytest.fixture(scope="module")
def product_types(encoder):
    return ProductTypes(encoder)


def test_it_sees_everything_in_one_look(encoder, product_types):
    (features,) = extract_features([photograph()], encoder=encoder, product_types=product_types)
    assert np.array_equal(features.vector, encoder.encode_images([photograph()])[0])
    assert features.palette[0].name == "blue"
    assert features.shape.aspect_ratio == pytest.approx(1, abs=0.05)
    assert features.quality.grade == "excellent"
    assert features.product_type.name in TYPES


def test_pictures_keep_their_order_and_share_one_batch(encoder, product_types):
    encoder.batches.clear()
    images = [disc("#c81e28"), disc("#1e4aa0"), disc("#2e8b45")]
    found = extract_features(images, encoder=encoder, product_types=product_types)
    assert [features.palette[0].name for features in found] == ["red", "blue", "green"]
    assert encoder.batches == [3]


def test_no_pictures_have_no_features(encoder, product_types):
    assert extract_features([], encoder=encoder, product_types=product_types) == []


def test_a_photograph_is_judged_by_its_own_size(encoder, product_types):
    large = photograph().resize((2400, 2400))
    (features,) = extract_features([large], encoder=encoder, product_types=product_types)
    assert features.quality.resolution == 1.0


@pytest.mark.parametrize("size", [(1, 1), (3000, 2)])
def test_it_takes_pictures_of_any_size(encoder, product_types, size):
    image = Image.new("RGB", size, "teal")
    (features,) = extract_features([image], encoder=encoder, product_types=product_types)
    assert [swatch.name for swatch in features.palette] == ["teal"]


def test_all_but_the_vector_goes_into_json(encoder, product_types):
    (features,) = extract_features([disc()], encoder=encoder, product_types=product_types)
    fields = asdict(features)
    fields.pop("vector")
    assert json.loads(json.dumps(fields))["palette"][0]["name"] == "red"
