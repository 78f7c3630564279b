import json

import pytest

from catalog.vision.bundle import EncoderError, OnnxBundle, OpenClipBundle, read_bundle
from catalog.vision.tests.pictures import BUNDLE

SHIPPED = json.loads((BUNDLE / "encoder.json").read_text())


def written(folder, **changes):
    """Write the shipped manifest with some fields changed, or left out where they are None."""
    fields = {key: value for key, value in {**SHIPPED, **changes}.items() if value is not None}
    (folder / "encoder.json").write_text(json.dumps(fields))
    return folder


def test_it_reads_the_bundle_that_we_ship():
    assert read_bundle(BUNDLE) == OnnxBundle(
        folder=BUNDLE,
        name="scout-2",
        dimensions=384,
        image_size=256,
        resize_mode="shortest",
        interpolation="bicubic",
        reducing_gap=3,
        fill_color=0,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        context_length=32,
        cut_at_end=True,
        text_cleaning="ftfy",
        image_input="pixels",
        text_input="ids",
        output="vectors",
    )


def test_it_reads_a_bundle_for_open_clip(tmp_path):
    fields = {
        "name": "big",
        "runtime": "open_clip",
        "dimensions": 512,
        "model": "ViT-B-32",
        "pretrained": "openai",
    }
    (tmp_path / "encoder.json").write_text(json.dumps(fields))
    assert read_bundle(tmp_path) == OpenClipBundle(
        folder=tmp_path, name="big", dimensions=512, model="ViT-B-32", pretrained="openai"
    )


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"runtime": "tensorflow"}, "'runtime' must be one of onnx, open_clip, not 'tensorflow'"),
        ({"runtime": None}, "lacks the field 'runtime'"),
        ({"name": ""}, "'name' must be a text"),
        ({"dimensions": 0}, "'dimensions' must be a whole number above 0, not 0"),
        ({"dimensions": True}, "'dimensions' must be a whole number above 0"),
        ({"reducing_gap": 0}, "'reducing_gap' must be a whole number above 0, not 0"),
        ({"resize_mode": "stretch"}, "'resize_mode' must be one of shortest, longest, squash, not 'stretch'"),
        ({"interpolation": "nearest"}, "'interpolation' must be one of bicubic, bilinear"),
        ({"fill_color": 256}, "'fill_color' must be in 0..255"),
        ({"mean": [0.5, 0.5]}, "'mean' must be three numbers"),
        ({"std": [0.5, 0.5, "1"]}, "'std' must be three numbers"),
        ({"cut_at_end": "yes"}, "'cut_at_end' must be true or false"),
        ({"text_cleaning": "lower"}, "'text_cleaning' must be one of ftfy, none"),
        ({"output": None}, "lacks the field 'output'"),
    ],
)
def test_it_names_the_file_and_the_field_at_fault(tmp_path, changes, complaint):
    with pytest.raises(EncoderError) as caught:
        read_bundle(written(tmp_path, **changes))
    assert str(tmp_path / "encoder.json") in str(caught.value)
    assert complaint in str(caught.value)


def test_it_says_where_it_looked_for_a_bundle(tmp_path):
    with pytest.raises(EncoderError, match=r"Cannot read .*nowhere.encoder\.json: No such file"):
        read_bundle(tmp_path / "nowhere")


@pytest.mark.parametrize(("text", "complaint"), [("{", "is not JSON"), ("[]", "must hold one JSON object")])
def test_it_refuses_a_manifest_that_is_none(tmp_path, text, complaint):
    (tmp_path / "encoder.json").write_text(text)
    with pytest.raises(EncoderError, match=complaint):
        read_bundle(tmp_path)
