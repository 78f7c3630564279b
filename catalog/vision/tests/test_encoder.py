import csv
import json
import shutil

import numpy as np
import pytest
from PIL import Image

from catalog.vision.encoder import EncoderError, load_encoder
from catalog.vision.onnx_encoder import MAX_BATCH
from catalog.vision.tests.pictures import BUNDLE, DATA, disc, needs_data, noise


@pytest.fixture(scope="module")
def encoder():
    return load_encoder(BUNDLE)


@pytest.fixture
def copied(tmp_path):
    """Return a copy of the shipped bundle that a test may spoil."""
    return shutil.copytree(BUNDLE, tmp_path / "bundle")


def change(bundle, **changes):
    manifest = bundle / "encoder.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), **changes}))


def test_it_says_its_name_and_dimensions(encoder):
    assert (encoder.name, encoder.dimensions) == ("scout-2", 384)


def test_vectors_are_rows_of_length_1(encoder):
    for vectors in (encoder.encode_images([disc(), noise()]), encoder.encode_texts(["red shoe", ""])):
        assert (vectors.shape, vectors.dtype) == ((2, 384), np.float32)
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)


def test_nothing_gives_no_rows(encoder):
    for vectors in (encoder.encode_images([]), encoder.encode_texts([])):
        assert (vectors.shape, vectors.dtype) == ((0, 384), np.float32)


def test_many_pictures_get_the_vectors_that_each_gets_alone(encoder):
    images = [noise((40, 40), seed=seed) for seed in range(MAX_BATCH + 2)]
    together = encoder.encode_images(images)
    for place in (0, MAX_BATCH - 1, MAX_BATCH, MAX_BATCH + 1):
        assert encoder.encode_images([images[place]])[0] == pytest.approx(together[place], abs=1e-5)


def test_a_text_gets_the_same_vector_in_any_company(encoder):
    alone = encoder.encode_texts(["red shoe"])
    together = encoder.encode_texts(["a long text about something else entirely", "red shoe"])
    assert np.array_equal(alone[0], together[1])


def test_a_text_is_cut_to_the_context(encoder):
    words = ["shoe"] * 30
    vectors = encoder.encode_texts([" ".join(words), " ".join(words + ["blue", "dress"] * 50)])
    assert np.array_equal(vectors[0], vectors[1])


def test_a_text_is_cleaned_where_the_bundle_says_so(encoder, copied):
    dirty, clean = "women&amp;#39;s cafÃ© dress", "women's café dress"
    assert np.array_equal(*encoder.encode_texts([dirty, clean]))
    change(copied, text_cleaning="none")
    assert not np.array_equal(*load_encoder(copied).encode_texts([dirty, clean]))


def test_a_causal_tower_gives_the_same_vector_to_a_padded_text(encoder, copied):
    change(copied, cut_at_end=False)
    texts = ["red shoe", "a photo of a striped summer dress"]
    cosines = (load_encoder(copied).encode_texts(texts) * encoder.encode_texts(texts)).sum(axis=1)
    assert cosines.min() > 0.999


@pytest.mark.parametrize("file", ["image.onnx", "text.onnx", "tokenizer.json"])
def test_it_names_a_missing_file(copied, file):
    (copied / file).unlink()
    with pytest.raises(EncoderError, match=rf"Cannot load .*{file}"):
        load_encoder(copied)


@pytest.mark.parametrize("file", ["image.onnx", "text.onnx", "tokenizer.json"])
def test_it_names_a_broken_file(copied, file):
    (copied / file).write_bytes(b"not a model")
    with pytest.raises(EncoderError, match=rf"Cannot load .*{file}"):
        load_encoder(copied)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"dimensions": 512}, r"gave an array of shape \(1, 384\) where \(1, 512\) was expected"),
        ({"output": "embedding"}, "scout-2 failed: .*embedding"),
        ({"image_input": "image"}, "scout-2 failed: .*image"),
        ({"image_size": 192}, "Got: 192 Expected: 256"),
    ],
)
def test_it_fails_at_once_when_manifest_and_models_differ(copied, changes, complaint):
    change(copied, **changes)
    with pytest.raises(EncoderError, match=complaint):
        load_encoder(copied)


def test_a_padded_bundle_needs_a_padding_token(copied):
    change(copied, cut_at_end=False)
    tokenizer = json.loads((copied / "tokenizer.json").read_text())
    (copied / "tokenizer.json").write_text(json.dumps({**tokenizer, "padding": None}))
    with pytest.raises(EncoderError, match="names no padding token"):
        load_encoder(copied)


@needs_data
def test_words_find_the_pictures_that_they_describe(encoder):
    with open(DATA / "clothing/images.csv") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    chosen = [row for label in ("Shoes", "Pants", "Dress", "Hat") for row in rows if row["label"] == label][::6]
    images = [Image.open(DATA / "clothing/images" / row["image"]).convert("RGB") for row in chosen]
    words = ["shoes", "pants", "dress", "hat"]
    best = (encoder.encode_images(images) @ encoder.encode_texts(words).T).argmax(axis=1)
    right = [words[i] == row["label"].lower() for i, row in zip(best, chosen, strict=True)]
    assert np.mean(right) > 0.9
