"""Where an open_clip model comes from, and how it is loaded for export."""

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL.Image import Image

from catalog.vision.bundle import EncoderError
from catalog.vision.open_clip_encoder import LOCAL
from catalog.vision.torchvision_compat import import_open_clip
from catalog.vision.weights_download import fetch_weights

HUB = "hf-hub:"


@dataclass(frozen=True)
class Source:
    """A model as open_clip names it.

    - `model`: one of `open_clip.list_models()`, `hf-hub:REPOSITORY` or `local-dir:PATH` (a folder with
      `open_clip_config.json` and weights, and the tokenizer's files where it is not CLIP's own).
    - `pretrained`: open_clip's tag for weights, or a file of them; none with a prefix, which brings its own.
    """

    model: str
    pretrained: str | None = None

    def __str__(self) -> str:
        return f"{self.model} {self.pretrained}" if self.pretrained else self.model

    @property
    def default_name(self) -> str:
        """A name for the encoder, such as `vit-b-32-laion2b_s34b_b79k`; of a path only the last part."""
        parts = [Path(part.removeprefix(LOCAL)).resolve().name for part in (self.model, self.pretrained) if part]
        return re.sub(r"[^a-z0-9._]+", "-", "-".join(parts).lower()).strip("-.")


@dataclass(frozen=True)
class Original:
    """A loaded open_clip model: float32, on the CPU, in evaluation mode, its text tower always `model.text`.

    `cut_at_end`: see `OnnxBundle`; where true, `model.encode_text` takes ids shorter than the context too.
    """

    model: Any
    to_pixels: Callable[[Image], torch.Tensor]
    tokenizer: Any
    cut_at_end: bool


def load_original(source: Source) -> Original:
    """Return a model with its weights, downloaded where needed; raise EncoderError saying what to do."""
    open_clip = import_open_clip()
    tag = _fetch_weights(source, open_clip)
    try:
        model, to_pixels = open_clip.create_model_from_pretrained(
            source.model,
            pretrained=source.pretrained,
            # Weights trained with QuickGELU give poor vectors without it, and open_clip only warns.
            force_quick_gelu=tag.get("quick_gelu", False),
            force_custom_text=True,
        )
        tokenizer = open_clip.get_tokenizer(source.model)
    except ImportError as error:
        raise EncoderError(f"{source} needs the package {error.name}: pip install {error.name}") from error
    except (RuntimeError, OSError, ValueError) as error:
        raise EncoderError(f"open_clip cannot load {source}: {error}") from error
    model.eval()
    cut_at_end = _can_be_cut(model.text, open_clip)
    if cut_at_end:
        model.text.transformer.register_forward_pre_hook(_fit_mask, with_kwargs=True)
    return Original(model=model, to_pixels=to_pixels, tokenizer=tokenizer, cut_at_end=cut_at_end)


def _fetch_weights(source: Source, open_clip: Any) -> dict[str, Any]:
    """Bring the weights here unless they are, and return what open_clip knows about them."""
    if source.pretrained and source.model.startswith((LOCAL, HUB)):
        raise EncoderError(f"{source.model} brings its own weights: leave {source.pretrained} out.")
    if source.model.startswith(LOCAL):
        _require_config(Path(source.model.removeprefix(LOCAL)))
        return {}
    if source.model.startswith(HUB):
        tag = {"hf_hub": source.model.removeprefix(HUB).rstrip("/") + "/"}
    else:
        tag = _find_tag(source, open_clip)
    if "hf_hub" not in tag:
        return tag
    try:
        fetch_weights(tag["hf_hub"])
    except OSError as error:
        raise EncoderError(_how_to_download(source, path=tag["hf_hub"], error=error)) from error
    return tag


def _require_config(folder: Path) -> None:
    if not (folder / "open_clip_config.json").is_file():
        raise EncoderError(
            f"{folder} has no open_clip_config.json: name a folder with that file and the weights, "
            "as a model's repository on the Hugging Face hub has them."
        )


def _find_tag(source: Source, open_clip: Any) -> dict[str, Any]:
    models = open_clip.list_models()
    if source.model not in models:
        near = difflib.get_close_matches(source.model, models) or models
        raise EncoderError(f"open_clip has no model {source.model}, but {', '.join(near)}.")
    tags = ", ".join(open_clip.list_pretrained_tags_by_model(source.model)) or "none known to open_clip"
    if source.pretrained is None:
        raise EncoderError(f"Say which weights of {source.model} to take: a file, or one of: {tags}.")
    if Path(source.pretrained).is_file():
        return {"file": source.pretrained}
    tag: dict[str, Any] = open_clip.get_pretrained_cfg(source.model, source.pretrained)
    if not tag:
        raise EncoderError(f"{source.pretrained} is neither a file nor weights of {source.model}: {tags}.")
    return tag


def _how_to_download(source: Source, *, path: str, error: OSError) -> str:
    """Return what to do where the hub cannot be reached; `path` is REPOSITORY/FILE, the file often empty."""
    repository = path.rpartition("/")[0]
    folder = repository.rpartition("/")[2]
    return (
        f"Cannot download the weights of {source}: {error}\n"
        "Run this again to go on where it stopped. Or, on a machine that reaches the Hugging Face hub, run\n"
        f"    hf download {repository} --local-dir {folder}\n"
        f"then copy the folder {folder} to this machine and run\n"
        f"    manage.py export_encoder {LOCAL}{folder}"
    )


def _can_be_cut(text_tower: Any, open_clip: Any) -> bool:
    """Say whether nothing behind a text's last token reaches its vector, so that leaving it out is exact."""
    return (
        isinstance(text_tower, open_clip.transformer.TextTransformer)
        and text_tower.attn_mask is not None  # causal: a place sees only those before it
        and text_tower.cls_emb is None  # CoCa pools at a place of its own, behind the padding
        and text_tower.pool_type in ("first", "argmax", "eos")
    )


def _fit_mask(_module: Any, inputs: Any, named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Cut the causal mask, which open_clip keeps as long as the context, to the texts at hand."""
    length = inputs[0].shape[1]
    return inputs, {**named, "attn_mask": named["attn_mask"][:length, :length]}
