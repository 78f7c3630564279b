import json
from dataclasses import asdict

import numpy as np
import pytest
from PIL import Image

from catalog.vision.encoder import load_encoder
from catalog.vision.features import extract_features
from catalog.vision.heads import MODERATION, PRODUCT_TYPE
from catalog.vision.tests.pictures import BUNDLE, disc, photograph
from catalog.vision.tests.words import calibrations
from catalog.vision.thumbnail import make_thumbnail
from catalog.vision.zero_shot import ZeroShot, encode_words


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
def heads(encoder):
    return ZeroShot(encode_words(encoder), calibrations())


def test_it_sees_everything_in_one_look(encoder, heads):
    (features,) = extract_features([photograph()], encoder=encoder, heads=heads)
    assert np.array_equal(features.vector, encoder.encode_images([photograph()])[0])
    assert features.palette[0].name == "blue"
    assert features.shape.aspect_ratio == pytest.approx(1, abs=0.05)
    assert features.quality.grade == "excellent"
    assert features.answers.product_type.name in PRODUCT_TYPE.label_names
    assert list(features.answers.attributes) == ["color", "material", "pattern", "style"]
    assert tuple(features.answers.moderation) == MODERATION.label_names


def test_pictures_keep_their_order_and_share_one_batch(encoder, heads):
    encoder.batches.clear()
    images = [disc("#c81e28"), disc("#1e4aa0"), disc("#2e8b45")]
    found = extract_features(images, encoder=encoder, heads=heads)
    assert [features.palette[0].name for features in found] == ["red", "blue", "green"]
    assert encoder.batches == [3]


def test_no_pictures_have_no_features(encoder, heads):
    assert extract_features([], encoder=encoder, heads=heads) == []


def test_a_photograph_is_judged_by_its_own_size(encoder, heads):
    large = photograph().resize((2400, 2400))
    (features,) = extract_features([large], encoder=encoder, heads=heads)
    assert features.quality.resolution == 1.0


@pytest.mark.parametrize("size", [(1, 1), (3000, 2)])
def test_it_takes_pictures_of_any_size(encoder, heads, size):
    image = Image.new("RGB", size, "teal")
    (features,) = extract_features([image], encoder=encoder, heads=heads)
    assert [swatch.name for swatch in features.palette] == ["teal"]


def test_all_but_the_vector_and_the_thumbnail_goes_into_json(encoder, heads):
    (features,) = extract_features([disc()], encoder=encoder, heads=heads)
    fields = asdict(features)
    fields.pop("vector")
    assert fields.pop("thumbnail") == make_thumbnail(disc())
    assert json.loads(json.dumps(fields))["palette"][0]["name"] == "red"
