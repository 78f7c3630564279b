import csv

import numpy as np
import pytest
from PIL import Image

from catalog import encoder_heads
from catalog.demo.labels import head_labels, picture_file
from catalog.demo.products import DEMO_PRODUCTS
from catalog.encoder_heads import heads_of
from catalog.encoders import active_encoder
from catalog.models import EncoderHeads
from catalog.vision.decode import decode
from catalog.vision.heads import HEADS
from catalog.vision.tests.pictures import DATA, needs_data


class Witness:
    """The active encoder, which counts what it is asked to encode."""

    def __init__(self):
        self.encoder = active_encoder()
        self.name, self.dimensions = self.encoder.name, self.encoder.dimensions
        self.pictures = self.texts = 0

    def encode_images(self, images):
        self.pictures += len(images)
        return self.encoder.encode_images(images)

    def encode_texts(self, texts):
        self.texts += len(texts)
        return self.encoder.encode_texts(texts)


@pytest.fixture
def new_process(db, monkeypatch):
    """Forget the heads now, and again when called; some of the demo shop's pictures make do."""
    monkeypatch.setattr(encoder_heads, "DEMO_PRODUCTS", DEMO_PRODUCTS[:25])

    def begin():
        monkeypatch.setattr(encoder_heads, "_known", {})

    begin()
    return begin


def test_heads_are_computed_once_for_all_processes(new_process):
    first, second = Witness(), Witness()
    computed = heads_of(first)
    assert first.pictures == 50  # those of the demo shop that tell, and a copy of each
    assert first.texts > sum(len(head.words) * len(head.prompts) for head in HEADS)
    new_process()
    read = heads_of(second)
    assert (second.pictures, second.texts) == (0, 0)
    assert read.relevance == computed.relevance
    vectors = active_encoder().encode_images([decode(picture_file(DEMO_PRODUCTS[0]).read_bytes())])
    assert read.zero_shot.look(vectors) == computed.zero_shot.look(vectors)
    assert EncoderHeads.objects.get().encoder.name == first.name


def test_a_process_reads_them_once(db, django_assert_num_queries):
    encoder = active_encoder()
    heads = heads_of(encoder)
    with django_assert_num_queries(0):
        assert heads_of(encoder) is heads


def test_other_words_or_pictures_replace_what_is_stored(new_process, monkeypatch):
    heads_of(active_encoder())
    before = EncoderHeads.objects.get()
    monkeypatch.setattr(encoder_heads, "VERSION", encoder_heads.VERSION + 1)
    new_process()
    heads_of(active_encoder())
    after = EncoderHeads.objects.get()
    assert (after.encoder, after.digest != before.digest) == (before.encoder, True)
    assert after.word_vectors == before.word_vectors


def test_the_heads_have_words_for_what_the_demo_products_are():
    labels = {head.name: set(head.label_names) for head in HEADS}
    truths = {product.product_id: head_labels(product.picture) for product in DEMO_PRODUCTS}
    assert {
        name for name, truth in truths.items() if not {"product_type", "color", "material", "pattern"} <= set(truth)
    } == set()
    assert {
        name
        for name, truth in truths.items()
        for head, right in truth.items()
        if not right or not right <= labels[head]
    } == set()


def test_the_shipped_encoder_finds_the_demo_shop_worth_something(db):
    relevance = heads_of(active_encoder()).relevance
    assert relevance.text.queries == len(DEMO_PRODUCTS) + len({product.category for product in DEMO_PRODUCTS})
    assert relevance.image.queries == len(DEMO_PRODUCTS)
    assert relevance.text.curve.slope > 0
    assert 0 < relevance.image.threshold < 1


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
def test_the_shipped_encoder_tells_clothing_apart_and_finds_nothing_amiss_with_it(db):
    with open(DATA / "clothing/images.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"][::5]
    encoder = active_encoder()
    images = [Image.open(DATA / "clothing/images" / row["image"]).convert("RGB") for row in rows]
    answers = heads_of(encoder).zero_shot.look(encoder.encode_images(images))
    right = [told.product_type.name in RIGHT[row["label"]] for told, row in zip(answers, rows, strict=True)]
    assert np.mean(right) > 0.8
    sure = np.array([told.product_type.confidence for told in answers]) > 0.6
    assert np.mean(np.array(right)[sure]) > np.mean(right)
    flagged = [max(told.moderation.values()) >= 0.5 for told in answers]
    assert np.mean(flagged) < 0.05
