"""The two towers as an encoder bundle: weights in half precision or in bytes, and what a reader must know."""

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic
from tokenizers import Tokenizer
from torch import nn
from torch.export import Dim
from torch.nn.functional import pad

from training.features import REDUCING_GAP
from training.image_tower import LOOK_DIMENSIONS, ImageTower
from training.text_tower import COLOR_DIMENSIONS, CONTEXT, TEXT_DIMENSIONS, TextTower
from training.trunk import MEAN, SIDE, STD
from training.type_space import TYPE_DIMENSIONS

DIMENSIONS = TEXT_DIMENSIONS + LOOK_DIMENSIONS
# Smaller tensors are kept as they are: they are scales and biases, whose rounding would be seen.
LEAST_HALVED = 512
# Not "embedding": torch.onnx gives that name to the layer of word vectors.
OUTPUT = "vectors"


def write_bundle(image: ImageTower, text: TextTower, tokenizer: Tokenizer, folder: Path) -> None:
    """Write both towers to a folder named as the encoder shall be."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _write(image.eval(), folder / "image.onnx", "pixels", torch.zeros(2, 3, SIDE, SIDE), {0: Dim("n")})
    _halve(folder / "image.onnx")
    ids = torch.tensor([[101, 1037, 2417, 4377, 102], [101, 4377, 102, 0, 0]])
    free = {0: Dim("n"), 1: Dim("tokens", min=2, max=CONTEXT)}
    _write(Padded(text.eval()), folder / "text-full.onnx", "ids", ids, free)
    _quantize(folder / "text-full.onnx", folder / "text.onnx")
    tokenizer.enable_padding(length=CONTEXT)
    tokenizer.enable_truncation(CONTEXT)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "encoder.json").write_text(json.dumps(_manifest(folder.name), indent=2) + "\n")


class Padded(nn.Module):
    """The text tower with zeros where pictures have their look."""

    def __init__(self, tower: TextTower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        return pad(self.tower(ids), (0, LOOK_DIMENSIONS))


def _manifest(name: str) -> dict[str, Any]:
    return {
        "runtime": "onnx",
        "name": name,
        "dimensions": DIMENSIONS,
        "image_size": SIDE,
        "resize_mode": "shortest",
        "interpolation": "bicubic",
        "reducing_gap": REDUCING_GAP,
        "mean": MEAN,
        "std": STD,
        "context_length": CONTEXT,
        "cut_at_end": True,
        "text_cleaning": "ftfy",
        "image_input": "pixels",
        "text_input": "ids",
        "output": OUTPUT,
        "parts": {
            "kind": [0, TYPE_DIMENSIONS],
            "color": [TYPE_DIMENSIONS, TYPE_DIMENSIONS + COLOR_DIMENSIONS],
            "look": [TEXT_DIMENSIONS, DIMENSIONS],
        },
    }


def _write(tower: nn.Module, path: Path, name: str, example: torch.Tensor, free_axes: dict[int, Dim]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns about its own use of torch
        torch.onnx.export(
            tower,
            (example,),
            path,
            input_names=[name],
            output_names=[OUTPUT],
            dynamic_shapes=(free_axes,),
            external_data=False,
            verbose=False,
        )
    _forget_origin(path)


def _forget_origin(path: Path) -> None:
    """Remove what the exporter notes of every node: the lines of code it came from, with their files' paths."""
    model = onnx.load(path)
    del model.metadata_props[:]
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.initializer):
        part.doc_string = ""
        del part.metadata_props[:]
    onnx.save(model, path)


def _quantize(full: Path, path: Path) -> None:
    """Write the text tower with its weights in bytes."""
    model = onnx.load(full)
    # The exporter notes shapes of weights as they were before it turned them round, which the quantiser takes amiss.
    del model.graph.value_info[:]
    options = {"DefaultTensorType": TensorProto.FLOAT}
    quantize_dynamic(model, path, weight_type=QuantType.QInt8, extra_options=options)
    full.unlink()


def _halve(path: Path) -> None:
    """Store large weights in half precision, to be widened when the model is loaded: half the size, the same speed."""
    model = onnx.load(path)
    widenings = []
    for tensor in list(model.graph.initializer):
        if tensor.data_type == TensorProto.FLOAT and np.prod(tensor.dims) >= LEAST_HALVED:
            halved = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{tensor.name}.half")
            model.graph.initializer.remove(tensor)
            model.graph.initializer.append(halved)
            widenings.append(helper.make_node("Cast", [halved.name], [tensor.name], to=TensorProto.FLOAT))
    nodes = [*widenings, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    onnx.save(model, path)
