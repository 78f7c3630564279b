import json
import sys

import numpy as np
import pytest

from catalog.vision.encoder import EncoderError, load_encoder
from catalog.vision.open_clip_encoder import MAX_BATCH
from catalog.vision.tests.pictures import disc, noise
from catalog.vision.torchvision_compat import import_open_clip

torch = pytest.importorskip("torch")

MODEL = {
    "embed_dim": 24,
    "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": {"context_length": 12, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
PREPROCESS = {
    "mean": [0.4, 0.5, 0.6],
    "std": [0.2, 0.3, 0.4],
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    """Write a bundle with a small model of random weights in a folder of its own."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("bundle")
    model = folder / "model"
    model.mkdir()
    (model / "open_clip_config.json").write_text(json.dumps({"model_cfg": MODEL, "preprocess_cfg": PREPROCESS}))
    torch.manual_seed(0)
    weights = import_open_clip().CLIP(**MODEL).state_dict()
    save_file({name: value.contiguous() for name, value in weights.items()}, model / "open_clip_model.safetensors")
    manifest(folder, model="local-dir:model")
    return folder


def manifest(folder, **fields):
    fields = {"name": "tiny", "runtime": "open_clip", "dimensions": 24, **fields}
    (folder / "encoder.json").write_text(json.dumps(fields))
    return folder


def test_it_gives_the_vectors_of_open_clip(bundle):
    source = f"local-dir:{bundle / 'model'}"
    model, to_pixels = import_open_clip().create_model_from_pretrained(source)
    tokens = import_open_clip().get_tokenizer(source)(["red shoe"])
    with torch.inference_mode():
        image = model.eval().encode_image(to_pixels(disc())[None], normalize=True).numpy()
        text = model.encode_text(tokens, normalize=True).numpy()
    encoder = load_encoder(bundle)
    assert encoder.encode_images([disc()]) == pytest.approx(image, abs=1e-5)
    assert encoder.encode_texts(["red shoe"]) == pytest.approx(text, abs=1e-5)


def test_vectors_are_rows_of_length_1(bundle):
    encoder = load_encoder(bundle)
    vectors = encoder.encode_images([noise((40, 40), seed=seed) for seed in range(MAX_BATCH + 1)])
    assert (encoder.name, vectors.shape, vectors.dtype) == ("tiny", (MAX_BATCH + 1, 24), np.float32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert encoder.encode_texts([]).shape == encoder.encode_images([]).shape == (0, 24)


@pytest.mark.parametrize(
    "fields",
    [
        {"model": "local-dir:nowhere"},
        {"model": "ViT-of-nobody", "pretrained": "openai"},
        {"model": "ViT-S-32-alt"},
        {"model": "ViT-S-32-alt", "pretrained": "weights-of-nobody"},
    ],
)
def test_it_names_a_model_that_cannot_be_loaded(tmp_path, fields):
    with pytest.raises(EncoderError, match=rf"Cannot load .*{fields['model'].removeprefix('local-dir:')}"):
        load_encoder(manifest(tmp_path, **fields))


def test_it_fails_at_once_when_manifest_and_model_differ(bundle, tmp_path):
    with pytest.raises(EncoderError, match=r"shape \(1, 24\) where \(1, 25\) was expected"):
        load_encoder(manifest(tmp_path, model=f"local-dir:{bundle / 'model'}", dimensions=25))


def test_it_says_what_to_install_where_torch_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)
    with pytest.raises(EncoderError, match=r"lacks torchvision: install requirements\.txt"):
        load_encoder(manifest(tmp_path, model="ViT-B-32", pretrained="openai"))
