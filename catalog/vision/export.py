"""An open_clip model written as a bundle, which onnxruntime serves without torch."""

import json
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch.export import Dim

from catalog.vision.bundle import MANIFEST, EncoderError, OnnxBundle
from catalog.vision.encoder import load_encoder
from catalog.vision.open_clip_source import Original, Source, load_original
from catalog.vision.parity import Parity, measure_parity
from catalog.vision.quantization import Examples, quantize_bundle
from catalog.vision.tokenizer_export import portable_tokenizer

# Float32 rounding leaves 0.999999; one wrong token or a shifted crop falls below this.
MIN_COSINE = 0.9999

# A protobuf message, and so an ONNX file, ends at 2 GiB, and the graph needs some of it. Larger weights go to
# `image.onnx.data` and `text.onnx.data`, which onnxruntime finds beside the models.
MAX_INLINE_BYTES = 2_000_000_000

# Not "embedding": torch.onnx gives that name to the layer of word vectors.
OUTPUT = "vectors"


@dataclass(frozen=True)
class Int8:
    """The wish for towers in int8, compared with float32's on `examples`; with `force` however they agree."""

    examples: Examples
    force: bool = False


def export_encoder(
    source: Source,
    folder: Path,
    *,
    replace: bool = False,
    int8: Int8 | None = None,
    report: Callable[[str], None],
) -> Parity:
    """Write a model as a bundle to a folder, after which the encoder is named, and return its float32's parity.

    The folder appears only when it is complete, its parity is MIN_COSINE or better, and int8, where wished for,
    agrees with float32 (see `quantize_bundle`). `report` gets one line a step. Raises EncoderError saying what
    to do, and then leaves nothing behind.
    """
    _require_room(folder, replace=replace)
    report(f"Loading {source}")
    original = load_original(source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".export-", dir=folder.parent) as workshop:
        draft = Path(workshop) / folder.name
        draft.mkdir()
        _write_bundle(original, draft, source=source, report=report)
        report("Comparing its vectors with torch's")
        parity = _require_parity(original, draft)
        if int8:
            report("Trying the towers in int8")
            del original  # its memory is wanted for the attempts
            exact = draft.rename(Path(workshop) / "float32")
            quantize_bundle(exact, draft, int8.examples, force=int8.force, report=report)
        if replace and folder.exists():
            folder.rename(Path(workshop) / "replaced")  # goes when the workshop goes
        draft.rename(folder)
    return parity


def _require_room(folder: Path, *, replace: bool) -> None:
    if not folder.exists():
        return
    if not replace:
        raise EncoderError(f"{folder} exists: choose another --name, or replace it with --force.")
    if not (folder / MANIFEST).is_file():
        raise EncoderError(f"{folder} is there and is no encoder bundle: choose another --name.")


def _write_bundle(original: Original, folder: Path, *, source: Source, report: Callable[[str], None]) -> None:
    bundle = _describe(original, folder)
    report("Writing image.onnx")
    _write_tower(
        _Tower(original.model, "encode_image"),
        folder / "image.onnx",
        input_name=bundle.image_input,
        example=torch.zeros(2, 3, bundle.image_size, bundle.image_size),
        free_axes={0: Dim("n")},
    )
    report("Writing text.onnx")
    tokens = {1: Dim("tokens", min=2, max=bundle.context_length)} if bundle.cut_at_end else {}
    _write_tower(
        _Tower(original.model, "encode_text"),
        folder / "text.onnx",
        input_name=bundle.text_input,
        example=original.tokenizer(["shoe", "red dress"]),
        free_axes={0: Dim("n"), **tokens},
    )
    report("Writing tokenizer.json")
    portable_tokenizer(original.tokenizer).save(str(folder / "tokenizer.json"))
    fields = {key: value for key, value in asdict(bundle).items() if key != "folder"}
    manifest = {"runtime": "onnx", **fields, "source": f"open_clip {source}"}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n", "utf-8")


def _describe(original: Original, folder: Path) -> OnnxBundle:
    preprocess = original.model.visual.preprocess_cfg
    height, width = np.broadcast_to(preprocess["size"], 2).tolist()
    if height != width:
        raise EncoderError(f"The model reads pictures of {width} x {height}; only square ones can be exported.")
    with torch.inference_mode():
        dimensions = original.model.encode_text(original.tokenizer(["shoe"])).shape[1]
    return OnnxBundle(
        folder=folder,
        name=folder.name,
        dimensions=dimensions,
        image_size=width,
        resize_mode=preprocess["resize_mode"],
        # open_clip also knows `random`, for training, and serves it as bicubic.
        interpolation="bilinear" if preprocess["interpolation"] == "bilinear" else "bicubic",
        reducing_gap=None,
        fill_color=preprocess["fill_color"],
        mean=tuple(preprocess["mean"]),
        std=tuple(preprocess["std"]),
        context_length=original.tokenizer.context_length,
        cut_at_end=original.cut_at_end,
        text_cleaning="ftfy",
        image_input="pixels",
        text_input="ids",
        output=OUTPUT,
    )


class _Tower(torch.nn.Module):
    """One of a model's methods as the module that torch.onnx wants."""

    def __init__(self, model: Any, method: str) -> None:
        super().__init__()
        self.model = model
        self.method = method

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        vectors: torch.Tensor = getattr(self.model, self.method)(batch)
        return vectors


def _write_tower(
    tower: _Tower, path: Path, *, input_name: str, example: torch.Tensor, free_axes: dict[int, Dim]
) -> None:
    """Write a tower as ONNX; `free_axes` of its input may have other lengths than the example."""
    with warnings.catch_warnings():
        # The exporter warns about its own use of torch, which nobody here can change.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            tower.eval(),
            (example,),
            path,
            input_names=[input_name],
            output_names=[OUTPUT],
            dynamic_shapes=(free_axes,),
            external_data=sum(weights.nbytes for weights in tower.parameters()) > MAX_INLINE_BYTES,
            verbose=False,
        )


def _require_parity(original: Original, folder: Path) -> Parity:
    parity = measure_parity(load_encoder(folder), original)
    if not min(parity.images, parity.texts) >= MIN_COSINE:
        raise EncoderError(
            f"The export differs from the model: least cosine {parity.images:.6f} for pictures and "
            f"{parity.texts:.6f} for texts, where {MIN_COSINE} is asked. Nothing was written."
        )
    return parity
