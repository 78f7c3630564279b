"""A small CLIP with seeded random weights, exported and compared with open_clip's own answers."""

import json
import re
import shutil
import sys

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

pytest.importorskip("torch", reason="export needs requirements.txt")

from catalog.vision import export
from catalog.vision.bundle import EncoderError, read_bundle
from catalog.vision.encoder import load_encoder
from catalog.vision.open_clip_source import Source
from catalog.vision.tests.models import CLIP, CLIP_PREPROCESS, SIGLIP, SIGLIP_PREPROCESS, save_model
from catalog.vision.torchvision_compat import import_open_clip


@pytest.fixture(scope="module")
def open_clip():
    return import_open_clip()


@pytest.fixture(scope="module")
def clip(open_clip, tmp_path_factory) -> Source:
    return save_model(open_clip, tmp_path_factory.mktemp("clip"), config=CLIP, preprocess=CLIP_PREPROCESS)


@pytest.fixture(scope="module")
def bundle(clip, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles") / "small-clip"
    export.export_encoder(clip, folder, report=lambda line: None)
    return folder


@pytest.fixture
def copied_bundle(bundle, tmp_path):
    """A bundle that a test may spoil."""
    return shutil.copytree(bundle, tmp_path / "bundles" / bundle.name)


@pytest.fixture
def unreachable_hub(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def test_it_describes_the_model(bundle, clip):
    assert json.loads((bundle / "encoder.json").read_text()) == {
        "runtime": "onnx",
        "name": "small-clip",
        "dimensions": 32,
        "image_size": 64,
        "resize_mode": "shortest",
        "interpolation": "bilinear",
        "reducing_gap": None,
        "fill_color": 0,
        "mean": [0.5, 0.4, 0.3],
        "std": [0.2, 0.25, 0.3],
        "context_length": 24,
        "cut_at_end": True,
        "text_cleaning": "ftfy",
        "image_input": "pixels",
        "text_input": "ids",
        "output": "vectors",
        "source": f"open_clip {clip.model}",
    }


def test_it_leaves_only_the_bundle(bundle):
    assert [path.name for path in bundle.parent.iterdir()] == ["small-clip"]
    assert contents(bundle).keys() == {"encoder.json", "image.onnx", "text.onnx", "tokenizer.json"}


def test_it_refuses_to_overwrite(copied_bundle, clip):
    with pytest.raises(EncoderError, match=r"small-clip exists: choose another --name, or replace it with --force"):
        export.export_encoder(clip, copied_bundle, report=lambda line: None)


def test_it_replaces_nothing_but_a_bundle(tmp_path, clip):
    (tmp_path / "holiday-pictures").mkdir()
    with pytest.raises(EncoderError, match=r"holiday-pictures is there and is no encoder bundle"):
        export.export_encoder(clip, tmp_path / "holiday-pictures", replace=True, report=lambda line: None)


def test_an_export_that_differs_from_the_model_leaves_the_old_bundle(copied_bundle, clip, monkeypatch):
    monkeypatch.setattr(export, "MIN_COSINE", 1.1)
    old = contents(copied_bundle)
    with pytest.raises(EncoderError, match=r"least cosine (1\.0|0\.9999)\d+ for pictures .* Nothing was written"):
        export.export_encoder(clip, copied_bundle, replace=True, report=lambda line: None)
    assert contents(copied_bundle) == old
    assert list(copied_bundle.parent.iterdir()) == [copied_bundle]


def test_weights_too_large_for_an_onnx_file_lie_beside_it(copied_bundle, clip, monkeypatch):
    monkeypatch.setattr(export, "MAX_INLINE_BYTES", 0)
    export.export_encoder(clip, copied_bundle, replace=True, report=lambda line: None)
    assert contents(copied_bundle).keys() == {
        "encoder.json",
        "image.onnx",
        "image.onnx.data",
        "text.onnx",
        "text.onnx.data",
        "tokenizer.json",
    }
    assert load_encoder(copied_bundle).encode_texts(["shoe"]).shape == (1, 32)
    assert list(copied_bundle.parent.iterdir()) == [copied_bundle]


def test_the_command_exports_a_tower_that_reads_all_places_without_cutting(open_clip, tmp_path, capsys):
    source = save_model(open_clip, tmp_path, config=SIGLIP, preprocess=SIGLIP_PREPROCESS)
    call_command("export_encoder", source.model, output=tmp_path / "bundles", name="siglip")
    bundle = read_bundle(tmp_path / "bundles" / "siglip")
    assert (bundle.cut_at_end, bundle.resize_mode, bundle.interpolation) == (False, "squash", "bicubic")
    lines = capsys.readouterr().out.splitlines()
    assert lines[:-1] == [
        f"Loading {source.model}",
        "Writing image.onnx",
        "Writing text.onnx",
        "Writing tokenizer.json",
        "Comparing its vectors with torch's",
    ]
    assert re.fullmatch(
        rf"Wrote {bundle.folder}\. Least cosine of its float32 to the model: (1\.0|0\.9999)\d+ for pictures, "
        r"(1\.0|0\.9999)\d+ for texts\.",
        lines[-1],
    )


def test_the_command_says_what_to_do_where_the_hub_cannot_be_reached(unreachable_hub, tmp_path):
    with pytest.raises(CommandError) as error:
        call_command("export_encoder", "ViT-B-32", "laion2b_s34b_b79k", output=tmp_path)
    lines = str(error.value).splitlines()
    assert lines[0].startswith("Cannot download the weights of ViT-B-32 laion2b_s34b_b79k: ")
    repository = "CLIP-ViT-B-32-laion2B-s34B-b79K"
    assert lines[1:] == [
        "Run this again to go on where it stopped. Or, on a machine that reaches the Hugging Face hub, run",
        f"    hf download laion/{repository} --local-dir {repository}",
        f"then copy the folder {repository} to this machine and run",
        f"    manage.py export_encoder local-dir:{repository}",
    ]
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_what_to_install_where_torch_is_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "catalog.vision.export")
    with pytest.raises(CommandError, match=r"Export needs torch: pip install -r requirements\.txt"):
        call_command("export_encoder", "ViT-B-32", "openai", output=tmp_path)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ViT-B-33", "openai"], r"open_clip has no model ViT-B-33, but ViT-B-32, "),
        (["ViT-B-32"], r"Say which weights of ViT-B-32 to take: a file, or one of: openai, "),
        (["ViT-B-32", "nope"], r"nope is neither a file nor weights of ViT-B-32: openai, "),
        (["local-dir:/nowhere"], r"/nowhere has no open_clip_config\.json"),
        (["local-dir:/nowhere", "openai"], r"local-dir:/nowhere brings its own weights: leave openai out"),
        (["local-dir:/"], r"'' cannot name an encoder"),
        (["ViT-B-32", "openai", "--name=../up"], r"'\.\./up' cannot name an encoder"),
    ],
)
def test_the_command_explains_a_wrong_model(arguments, message, tmp_path):
    with pytest.raises(CommandError, match=message):
        call_command("export_encoder", *arguments, output=tmp_path / "bundles")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_weights_is_refused(clip, tmp_path):
    shutil.copy(f"{clip.model.removeprefix('local-dir:')}/open_clip_config.json", tmp_path)
    with pytest.raises(EncoderError, match="Required pretrained weights"):
        export.export_encoder(Source(f"local-dir:{tmp_path}"), tmp_path / "out", report=lambda line: None)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        (Source("ViT-B-32", "laion2b_s34b_b79k"), "vit-b-32-laion2b_s34b_b79k"),
        (Source("ViT-B-32", "/models/My weights.pt"), "vit-b-32-my-weights.pt"),
        (Source("hf-hub:timm/ViT-B-16-SigLIP"), "vit-b-16-siglip"),
        (Source("local-dir:/models/house encoder/"), "house-encoder"),
    ],
)
def test_a_bundle_is_named_after_its_model(source, name):
    assert source.default_name == name


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}
