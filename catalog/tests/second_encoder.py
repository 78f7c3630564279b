"""A second encoder for tests: the bundled one, with the numbers of its vectors weighted and in another order.

It sees as the bundled one does, with slightly other similarities, so an answer tells which of the two gave it. What is
seen by one has nothing to do with the vectors of the other, although they have the same length.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

WEIGHTS = (1.0, 0.5, 1.5)


def make_second_encoder(bundle: Path, folder: Path, *, name: str = "second") -> str:
    """Write the encoder to a folder; return the folder as `--encoder` takes it."""
    shutil.copytree(bundle, folder)
    manifest = folder / "encoder.json"
    described = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(described | {"name": name}))
    for tower in ("image.onnx", "text.onnx"):
        _mirror(folder / tower, described["output"], described["dimensions"])
    return str(folder)


def _mirror(path: Path, output: str, dimensions: int) -> None:
    """Let a tower's output go through `output[:, ::-1] * weights`."""
    model = onnx.load(path)
    graph = model.graph
    for node in graph.node:
        for number, name in enumerate(node.output):
            if name == output:
                node.output[number] = "as_it_was"
    weights = np.resize(np.array(WEIGHTS, dtype=np.float32), dimensions)
    graph.initializer.append(numpy_helper.from_array(np.arange(dimensions)[::-1].astype(np.int64), "mirrored_order"))
    graph.initializer.append(numpy_helper.from_array(weights, "weights"))
    graph.node.append(helper.make_node("Gather", ["as_it_was", "mirrored_order"], ["mirrored"], axis=1))
    graph.node.append(helper.make_node("Mul", ["mirrored", "weights"], [output]))
    onnx.save(model, path)
