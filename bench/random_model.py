"""`python -m bench.random_model FOLDER [--int8]`: an open_clip ViT-B-32 with random weights, and our bundles of it.

Where no public weights can be had, random ones tell the speed just as well: the arithmetic is the same.
"""

import json
import logging
import shutil
import sys
from pathlib import Path

import safetensors.torch
import torch

from catalog.vision.export import export_encoder
from catalog.vision.int8 import prepare_tower, write_int8
from catalog.vision.open_clip_source import Source
from catalog.vision.torchvision_compat import import_open_clip

MODEL = "ViT-B-32"
SEED = 0


def main(folder: Path, *, int8: bool) -> None:
    """Write the model to FOLDER/open_clip, its bundle to FOLDER/bundle and, in `int8`, to FOLDER/int8."""
    logging.disable(logging.WARNING)  # that the weights are random
    original = folder / "open_clip"
    original.mkdir()
    write_random(original)
    export_encoder(Source(f"local-dir:{original}"), folder / "bundle", report=lambda line: None)
    if int8:
        _quantize(folder / "bundle", folder / "int8")


def _quantize(bundle: Path, target: Path) -> None:
    """Put all layers of a bundle in int8, untried: random weights have nothing to lose."""
    shutil.copytree(bundle, target)
    for tower in ("image.onnx", "text.onnx"):
        prepared = prepare_tower(bundle / tower, target / f"float-{tower}")
        write_int8(prepared, target / tower, left_out=(), calibration=iter(()))
        prepared.path.unlink()


def write_random(folder: Path) -> None:
    """Write the model to a folder as open_clip's `local-dir:` has it."""
    open_clip = import_open_clip()
    torch.manual_seed(SEED)
    model = open_clip.create_model(MODEL)
    config = {"model_cfg": open_clip.get_model_config(MODEL), "preprocess_cfg": model.visual.preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    safetensors.torch.save_file(model.state_dict(), folder / "open_clip_model.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int8="--int8" in sys.argv)
