import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from catalog.vision.features import extract_features
from catalog.vision.heads import PRODUCT_TYPE
from catalog.vision.palette import Swatch
from catalog.vision.tests.words import WordEncoder, calibrations, direction
from catalog.vision.zero_shot import ZeroShot, encode_words
from search.query_sight import (
    Sight,
    palette_of_words,
    product_types_of_words,
    sight_of,
)

HEADS = ZeroShot(encode_words(WordEncoder()), calibrations())
UNTELLING = np.zeros(WordEncoder().dimensions, dtype=np.float32)


def tee(size=(1200, 900)):
    image = Image.new("RGB", size, "white")
    ImageDraw.Draw(image).rectangle((400, 200, 800, 700), fill="#1e4aa0")
    return image


def test_a_picture_has_colours_and_an_outline():
    sight = sight_of(tee())
    assert [swatch.name for swatch in sight.palette if swatch.share > 0.15] == ["blue"]
    assert sight.shape.aspect_ratio == pytest.approx(400 / 500, abs=0.05)


def test_it_is_seen_as_in_the_same_picture_of_a_product():
    class Blind(WordEncoder):
        def encode_images(self, images):
            return np.zeros((len(images), self.dimensions), dtype=np.float32)

    (features,) = extract_features([tee()], encoder=Blind(), heads=HEADS)
    assert sight_of(tee()) == Sight(palette=features.palette, shape=features.shape)


def test_a_sight_survives_json():
    sight = sight_of(tee())
    assert Sight.from_json(sight.to_json()) == sight
    assert json.loads(sight.to_json()).keys() == {"palette", "shape"}


def test_words_have_the_colours_that_they_name():
    assert palette_of_words("Crimson dress with white dots") == (
        Swatch("#ff0000", 0.5, "red"),
        Swatch("#ffffff", 0.5, "white"),
    )
    assert palette_of_words("summer dress") == ()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("red summer dress", "dress"),
        ("Sunglasses", "sunglasses"),
        ("two watches", "watch"),
        ("navy polo shirt", "polo shirt"),
        ("couch", "sofa"),
        ("shirt dress", "dress"),
        ("dress with a belt", "dress"),
        ("striped t-shirt for a teddy bear", "t-shirt"),
        ("earrings", "earring"),
    ],
)
def test_words_mean_the_type_that_they_name(text, name):
    assert product_types_of_words(text, UNTELLING, HEADS) == {name: 1.0}


@pytest.mark.parametrize("text", ["trainers", "something for my sofa", "ringtone", ""])
def test_where_they_name_none_the_vector_tells(text):
    told = product_types_of_words(text, direction("sneaker"), HEADS)
    assert tuple(told) == PRODUCT_TYPE.label_names
    assert told["sneaker"] == pytest.approx(1, abs=1e-6)


def test_a_vector_between_two_types_tells_none():
    assert product_types_of_words("tableware", direction("mug", "plate"), HEADS) == {}
