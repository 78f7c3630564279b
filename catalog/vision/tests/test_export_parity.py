"""Exported encoders beside open_clip's own answers: CLIP's kind, SigLIP's kind, and a whole ViT-B-32."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("torch", reason="export needs requirements.txt")

import torch

from bench.random_model import write_random
from catalog.vision.bundle import read_bundle
from catalog.vision.encoder import Encoder, load_encoder
from catalog.vision.export import export_encoder
from catalog.vision.open_clip_source import Source
from catalog.vision.preprocessing import to_pixels
from catalog.vision.tests.models import CLIP, CLIP_PREPROCESS, SIGLIP, SIGLIP_PREPROCESS, save_model
from catalog.vision.tests.test_tokenizer_export import HOSTILE_TEXTS
from catalog.vision.torchvision_compat import import_open_clip


@dataclass(frozen=True)
class Pair:
    """A model as open_clip loads it for everybody else, and our bundle of it."""

    model: Any
    preprocess: Any
    tokenizer: Any
    encoder: Encoder
    bundle: Any


@pytest.fixture(scope="module", params=["CLIP", "SigLIP", "ViT-B-32"])
def pair(request, tmp_path_factory) -> Pair:
    folder = tmp_path_factory.mktemp(request.param)
    source = save(request.param, folder)
    export_encoder(source, folder / "bundle", report=lambda line: None)
    model, preprocess = import_open_clip().create_model_from_pretrained(source.model)
    return Pair(
        model=model.eval(),
        preprocess=preprocess,
        tokenizer=import_open_clip().get_tokenizer(source.model),
        encoder=load_encoder(folder / "bundle"),
        bundle=read_bundle(folder / "bundle"),
    )


def save(kind, folder) -> Source:
    if kind == "ViT-B-32":
        write_random(folder)
        return Source(f"local-dir:{folder}")
    config, preprocess = (CLIP, CLIP_PREPROCESS) if kind == "CLIP" else (SIGLIP, SIGLIP_PREPROCESS)
    return save_model(import_open_clip(), folder, config=config, preprocess=preprocess)


def draw_pictures():
    generator = np.random.default_rng(0)
    sizes = [(64, 64), (300, 200), (97, 131), (7, 50), (641, 100), (1, 1), (2000, 1400)]
    return [Image.fromarray(generator.integers(0, 256, (height, width, 3), dtype=np.uint8)) for width, height in sizes]


def least_cosine(ours, theirs):
    return (ours * torch.nn.functional.normalize(theirs, dim=-1).numpy()).sum(axis=1).min()


def test_it_gives_the_vectors_that_open_clip_gives_for_pictures(pair):
    pictures = draw_pictures()
    with torch.inference_mode():
        theirs = pair.model.encode_image(torch.stack([pair.preprocess(picture) for picture in pictures]))
    assert least_cosine(pair.encoder.encode_images(pictures), theirs) >= 0.9999


def test_it_gives_the_vectors_that_open_clip_gives_for_hostile_texts(pair):
    with torch.inference_mode():
        theirs = pair.model.encode_text(pair.tokenizer(HOSTILE_TEXTS))
    assert least_cosine(pair.encoder.encode_texts(HOSTILE_TEXTS), theirs) >= 0.9999


def test_its_preprocessing_gives_open_clips_pixels(pair):
    pictures = draw_pictures()
    theirs = torch.stack([pair.preprocess(picture) for picture in pictures]).numpy()
    np.testing.assert_allclose(to_pixels(pictures, pair.bundle), theirs, rtol=0, atol=1e-6)
