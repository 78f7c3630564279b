import csv

import numpy as np
import pytest
from PIL import Image

from catalog.vision.encoder import load_encoder
from catalog.vision.product_types import PROMPTS, TYPES, ProductType, ProductTypes
from catalog.vision.tests.pictures import BUNDLE, DATA, needs_data


class OneWordEncoder:
    """Gives every type a direction of its own, whatever the prompt says around it."""

    name = "one-word"
    dimensions = len(TYPES)

    def __init__(self):
        self.texts = []

    def encode_images(self, images):
        raise NotImplementedError

    def encode_texts(self, texts):
        self.texts += texts
        names = sorted(TYPES, key=len, reverse=True)
        return np.array([np.eye(len(TYPES))[TYPES.index(next(n for n in names if n in text))] for text in texts])


def test_types_are_many_and_different():
    assert 120 <= len(TYPES) == len(set(TYPES))
    assert all(name == name.strip().lower() and name for name in TYPES)


def test_it_names_the_nearest_type():
    vectors = np.eye(len(TYPES), dtype=np.float32)[[TYPES.index("sofa"), TYPES.index("t-shirt")]]
    sofa, shirt = ProductTypes(OneWordEncoder()).classify(vectors)
    assert (sofa.name, shirt.name) == ("sofa", "t-shirt")
    assert sofa.confidence == pytest.approx(1)


def test_confidence_is_shared_between_types_that_are_as_near():
    vector = np.eye(len(TYPES), dtype=np.float32)[[TYPES.index("mug"), TYPES.index("glass")]].sum(axis=0)
    (found,) = ProductTypes(OneWordEncoder()).classify(vector[None] / np.sqrt(2))
    assert found == ProductType("mug", pytest.approx(0.5))


def test_no_vectors_have_no_types():
    assert ProductTypes(OneWordEncoder()).classify(np.empty((0, len(TYPES)), dtype=np.float32)) == []


def test_it_asks_the_encoder_once_for_each_type_and_prompt():
    encoder = OneWordEncoder()
    types = ProductTypes(encoder)
    types.classify(np.eye(len(TYPES), dtype=np.float32))
    assert len(encoder.texts) == len(set(encoder.texts)) == len(TYPES) * len(PROMPTS)


# What the shipped encoder may call clothing of each label and be right.
RIGHT = {
    "T-Shirt": {"t-shirt", "polo shirt"},
    "Pants": {"pants", "jeans", "leggings"},
    "Shoes": {"shoe", "sneaker", "boot", "sandal", "high heel", "slipper"},
    "Shirt": {"shirt", "blouse", "polo shirt"},
    "Dress": {"dress"},
    "Outwear": {"jacket", "coat", "blazer", "cardigan", "hoodie"},
    "Shorts": {"shorts", "swimsuit"},
    "Skirt": {"skirt"},
    "Hat": {"hat"},
    "Longsleeve": {"longsleeve", "sweater", "hoodie", "cardigan"},
}


@needs_data
def test_the_shipped_encoder_tells_clothing_apart():
    with open(DATA / "clothing/images.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"][::5]
    encoder = load_encoder(BUNDLE)
    images = [Image.open(DATA / "clothing/images" / row["image"]).convert("RGB") for row in rows]
    found = ProductTypes(encoder).classify(encoder.encode_images(images))
    right = [type_.name in RIGHT[row["label"]] for type_, row in zip(found, rows, strict=True)]
    assert np.mean(right) > 0.8
