"""Small open_clip models with seeded random weights, for the tests of exporting."""

import json

import safetensors.torch
import torch

from catalog.vision.open_clip_source import Source

CLIP = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 64, "layers": 1, "width": 64, "head_width": 32, "patch_size": 16},
    "text_cfg": {"context_length": 24, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 1},
}
CLIP_PREPROCESS = {
    "mean": [0.5, 0.4, 0.3],
    "std": [0.2, 0.25, 0.3],
    "interpolation": "bilinear",
    "resize_mode": "shortest",
}

# As SigLIP: a timm image tower, and a text tower that is not causal and pools the last place of the context.
SIGLIP = {
    "embed_dim": 32,
    "custom_text": True,
    "init_logit_bias": -10,
    "vision_cfg": {
        "image_size": 64,
        "timm_model_name": "test_vit",
        "timm_pool": "avg",
        "timm_proj": "linear",
    },
    "text_cfg": {
        **CLIP["text_cfg"],
        "no_causal_mask": True,
        "pool_type": "last",
        "proj_bias": True,
    },
}
SIGLIP_PREPROCESS = {"mean": [0.5] * 3, "std": [0.5] * 3, "interpolation": "bicubic", "resize_mode": "squash"}


def save_model(open_clip, folder, *, config, preprocess) -> Source:
    """Save a model with random weights as open_clip's `local-dir:` has it."""
    registry = folder / "registry"
    registry.mkdir(parents=True)
    (registry / f"{folder.name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(registry)
    torch.manual_seed(0)
    safetensors.torch.save_model(open_clip.create_model(folder.name), str(folder / "open_clip_model.safetensors"))
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    return Source(f"local-dir:{folder}")
