"""Small models with seeded random weights in int8, judged by pictures that differ much and little."""

import json
import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="export needs requirements.txt")

import safetensors.torch

from catalog.vision import quantization
from catalog.vision.bundle import EncoderError
from catalog.vision.encoder import load_encoder
from catalog.vision.export import Int8, export_encoder
from catalog.vision.quantization import Examples
from catalog.vision.tests.models import CLIP, CLIP_PREPROCESS, SIGLIP, SIGLIP_PREPROCESS, save_model
from catalog.vision.torchvision_compat import import_open_clip

# Attention from a random class token sees all pictures alike; the mean of all places does not.
LIVELY_CLIP = {**CLIP, "vision_cfg": {**CLIP["vision_cfg"], "pool_type": "avg"}}
CONVOLUTIONAL = {**SIGLIP, "vision_cfg": {"image_size": 64, "timm_model_name": "test_resnet", "timm_pool": "avg"}}

FIGURES = (
    r"cosine to float32 \d\.\d{4} \(least \d\.\d{4}\), recall@10 agreement (\d\.\d{3} by picture, )?\d\.\d{3} by words"
)


@pytest.fixture(scope="module")
def examples():
    random = np.random.default_rng(0)
    blobs = [Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8)) for _ in range(60)]
    things = ("dress", "t-shirt", "jeans", "hat", "sneaker", "boot", "handbag", "coat")
    return Examples(
        pictures=[blob.resize((80, 80), Image.Resampling.BICUBIC) for blob in blobs],
        texts=[f"{color} {thing}" for color in ("red", "blue", "black", "white") for thing in things],
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return saved(tmp_path_factory.mktemp("clip"), config=LIVELY_CLIP)


@pytest.fixture(scope="module")
def exact(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("float32") / "small-clip"
    export_encoder(source, folder, report=lambda line: None)
    return folder


@pytest.fixture
def tolerant(monkeypatch):
    """Judge mildly: random weights tell pictures apart by less than trained ones do."""
    monkeypatch.setattr(quantization, "MIN_AGREEMENT", 0.9)


@pytest.fixture
def relentless(monkeypatch):
    monkeypatch.setattr(quantization, "MIN_AGREEMENT", 1.1)


def saved(folder, *, config, preprocess=CLIP_PREPROCESS):
    return save_model(import_open_clip(), folder, config=config, preprocess=preprocess)


def spoil(folder, *pairs):
    """Make one channel 300 times as large and undo it in the layer behind: the same model, but not in int8."""
    file = folder / "open_clip_model.safetensors"
    weights = safetensors.torch.load_file(file)
    for norm, layer, channel in pairs:
        weights[f"{norm}.weight"][0] *= 300
        weights[f"{norm}.bias"][0] *= 300
        weights[layer][channel] /= 300
    safetensors.torch.save_file(weights, file)


ROW, COLUMN = (0,), (slice(None), 0)
BLOCK = "transformer.resblocks.0"
LAST = ("ln_final", "text_projection", ROW)
FIRST = (f"{BLOCK}.ln_1", f"{BLOCK}.attn.in_proj_weight", COLUMN)
MIDDLE = (f"{BLOCK}.ln_2", f"{BLOCK}.mlp.c_fc.weight", COLUMN)


def export(source, folder, examples, *, force=False):
    """Export in int8, and return the bundle's folder with the lines about its towers."""
    lines = []
    export_encoder(source, folder / "small", int8=Int8(examples, force=force), report=lines.append)
    return folder / "small", lines[-2:]


def size(bundle, tower):
    return (bundle / f"{tower}.onnx").stat().st_size


def test_both_towers_become_int8(source, exact, examples, tolerant, tmp_path):
    bundle, lines = export(source, tmp_path, examples)
    for tower, line in zip(("image", "text"), lines, strict=True):
        assert re.fullmatch(rf"The {tower} tower is int8 in 5 of 5 layers: {FIGURES}", line)
        assert size(bundle, tower) < 0.8 * size(exact, tower)
    ours, theirs = load_encoder(bundle), load_encoder(exact)
    assert (ours.encode_images(examples.pictures) * theirs.encode_images(examples.pictures)).sum(axis=1).min() > 0.99
    assert (ours.encode_texts(examples.texts) * theirs.encode_texts(examples.texts)).sum(axis=1).min() > 0.99


def test_the_bundle_says_what_is_int8_and_is_else_the_same(source, exact, examples, tolerant, tmp_path):
    bundle, (image, text) = export(source, tmp_path, examples)
    manifest, before = (json.loads((folder / "encoder.json").read_text()) for folder in (bundle, exact))
    assert manifest == {**before, "name": "small", "int8": {"image": image, "text": text}}
    assert (bundle / "tokenizer.json").read_bytes() == (exact / "tokenizer.json").read_bytes()
    assert list(tmp_path.iterdir()) == [bundle]


def test_a_layer_that_int8_spoils_stays_float32(examples, tolerant, tmp_path):
    source = saved(tmp_path / "model", config=LIVELY_CLIP)
    spoil(tmp_path / "model", LAST)
    _, (_, text) = export(source, tmp_path, examples)
    assert re.fullmatch(rf"The text tower is int8 in 4 of 5 layers: {FIGURES}", text)


def test_a_tower_that_int8_spoils_stays_float32(examples, tolerant, tmp_path):
    source = saved(tmp_path / "model", config=LIVELY_CLIP)
    spoil(tmp_path / "model", FIRST, MIDDLE, LAST)
    bundle, (image, text) = export(source, tmp_path, examples)
    assert image.startswith("The image tower is int8 in 5 of 5 layers: ")
    assert re.fullmatch(rf"The text tower stays float32; int8 was tried in \d of 5 layers: {FIGURES}", text)
    assert list(json.loads((bundle / "encoder.json").read_text())["int8"]) == ["image"]
    export_encoder(source, tmp_path / "exact", report=lambda line: None)
    assert (bundle / "text.onnx").read_bytes() == (tmp_path / "exact/text.onnx").read_bytes()


def test_it_refuses_when_neither_tower_bears_int8(source, examples, relentless, tmp_path):
    with pytest.raises(EncoderError, match=r"Neither tower keeps an agreement of 1\.1 in int8\. Nothing was written"):
        export(source, tmp_path, examples)
    assert list(tmp_path.iterdir()) == []


def test_force_takes_all_layers_whatever_they_find(source, examples, relentless, tmp_path):
    _, lines = export(source, tmp_path, examples, force=True)
    for tower, line in zip(("image", "text"), lines, strict=True):
        assert line.startswith(f"The {tower} tower is int8 in 5 of 5 layers: ")


def test_a_convolutional_net_is_calibrated(examples, tmp_path):
    source = saved(tmp_path / "model", config=CONVOLUTIONAL, preprocess=SIGLIP_PREPROCESS)
    bundle, (image, _) = export(source, tmp_path, examples, force=True)
    assert re.fullmatch(rf"The image tower is int8 in (\d+) of \1 layers: {FIGURES}", image)
    cosine = float(image.partition("float32 ")[2][:6])
    assert cosine > 0.95
    assert load_encoder(bundle).encode_images(examples.pictures[:1]).shape == (1, 32)


def test_weights_too_large_for_an_onnx_file_lie_beside_it(source, examples, tolerant, tmp_path, monkeypatch):
    monkeypatch.setattr("catalog.vision.export.MAX_INLINE_BYTES", 0)
    bundle, _ = export(source, tmp_path, examples)
    assert {file.name for file in bundle.iterdir()} >= {"image.onnx.data", "text.onnx.data"}
    assert load_encoder(bundle).encode_texts(["shoe"]).shape == (1, 32)
