"""`python -m bench.random_model FOLDER`: an open_clip ViT-B-32 with random weights, and our bundle of it.

Where no public weights can be had, random ones tell the speed just as well: the arithmetic is the same.
"""

import json
import logging
import sys
from pathlib import Path

import safetensors.torch
import torch

from catalog.vision.export import export_encoder
from catalog.vision.open_clip_source import Source
from catalog.vision.torchvision_compat import import_open_clip

MODEL = "ViT-B-32"
SEED = 0


def main(folder: Path) -> None:
    """Write the model to FOLDER/open_clip and the bundle to FOLDER/bundle."""
    original = folder / "open_clip"
    original.mkdir()
    _write_random(original)
    export_encoder(Source(f"local-dir:{original}"), folder / "bundle", report=lambda line: None)


def _write_random(folder: Path) -> None:
    open_clip = import_open_clip()
    torch.manual_seed(SEED)
    logging.disable(logging.WARNING)  # that the weights are random
    model = open_clip.create_model(MODEL)
    config = {"model_cfg": open_clip.get_model_config(MODEL), "preprocess_cfg": model.visual.preprocess_cfg}
    (folder / "open_clip_config.json").write_text(json.dumps(config))
    safetensors.torch.save_file(model.state_dict(), folder / "open_clip_model.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
