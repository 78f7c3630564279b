"""A tower's ONNX file with its layers in 8-bit integers."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.onnx_model import ONNXModel
from onnxruntime.quantization.quant_utils import add_pre_process_metadata
from onnxruntime.quantization.shape_inference import quant_pre_process

# Layers of attention towers. Their inputs are scaled anew at every call, and need no calibration.
MATRIX_LAYERS = ("MatMul",)

# Layers of convolutional nets with what lies between them, so that a net stays in integers from one to the next.
CONVOLUTION_LAYERS = ("Conv", "Clip", "Relu", "Add", "MaxPool", "GlobalAveragePool")


@dataclass(frozen=True)
class FloatTower:
    """A tower made ready: `layers` are the names of those that can be int8, in their order.

    `convolutional`: most of its weights belong to convolutions. `external`: the weights lie in a file beside it.
    """

    path: Path
    layers: Sequence[str]
    convolutional: bool
    external: bool


def prepare_tower(source: Path, target: Path) -> FloatTower:
    """Write a float32 tower to another file as the quantiser wants it, and return what can be int8 in it."""
    external = source.with_name(f"{source.name}.data").exists()
    convolutional = _is_convolutional(onnx.load(source))
    if convolutional:
        # Batch normalisation has to be folded into the convolutions, or it stays between them in float32.
        quant_pre_process(source, target, skip_symbolic_shape=True, save_as_external_data=external)
        model = onnx.load(target)
    else:
        model = _prepare_matrices(onnx.load(source))
        onnx.save(model, target, save_as_external_data=external, location=f"{target.name}.data")
    return FloatTower(target, _layers(model, convolutional=convolutional), convolutional, external)


def write_int8(
    tower: FloatTower, target: Path, *, left_out: Collection[str], calibration: Iterator[dict[str, NDArray[np.float32]]]
) -> None:
    """Write a tower in int8, layers `left_out` in float32; a convolutional one needs inputs for `calibration`.

    Weights are signed, with a scale for each channel. Those of matrices use 7 of the 8 bits: on processors
    without VNNI instructions the sums of two products would otherwise be cut off at 16 bits, and the bundle
    would be another than the one that was checked (onnxruntime's documentation of quantization, "reduce_range").
    """
    if tower.convolutional:
        quantize_static(
            tower.path,
            target,
            _Inputs(calibration),
            per_channel=True,
            reduce_range=True,
            op_types_to_quantize=list(CONVOLUTION_LAYERS),
            nodes_to_exclude=list(left_out),
            use_external_data_format=tower.external,
        )
    else:
        quantize_dynamic(
            tower.path,
            target,
            per_channel=True,
            reduce_range=True,
            weight_type=QuantType.QInt8,
            op_types_to_quantize=list(MATRIX_LAYERS),
            nodes_to_exclude=list(left_out),
            use_external_data_format=tower.external,
        )


class _Inputs(CalibrationDataReader):  # type: ignore[misc]
    """Inputs of a tower in the form that the quantiser asks for."""

    def __init__(self, inputs: Iterator[dict[str, NDArray[np.float32]]]) -> None:
        self._inputs = inputs

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._inputs, None)


def _is_convolutional(model: ModelProto) -> bool:
    sizes = {weight.name: int(np.prod(weight.dims)) for weight in model.graph.initializer}
    convolutions, matrices = (
        sum(sizes.get(name, 0) for node in model.graph.node if node.op_type in kinds for name in node.input)
        for kinds in (("Conv",), ("MatMul", "Gemm"))
    )
    return convolutions > matrices


def _prepare_matrices(model: ModelProto) -> ModelProto:
    wrapped = ONNXModel(model)
    wrapped.replace_gemm_with_matmul()
    _halve_word_vectors(wrapped.model)
    _forget_types_of_weights(wrapped.model)
    add_pre_process_metadata(wrapped.model)
    prepared: ModelProto = wrapped.model
    return prepared


def _halve_word_vectors(model: ModelProto) -> None:
    """Keep tables that rows are only looked up in as float16: half the memory, and float32 behind the look-up."""
    for table in list(model.graph.initializer):
        users = [node for node in model.graph.node if table.name in node.input]
        if table.data_type != TensorProto.FLOAT or not all(_looks_up(node, table.name) for node in users):
            continue
        table.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(table).astype(np.float16), table.name))
        for node in users:
            _widen(model, node)


def _forget_types_of_weights(model: ModelProto) -> None:
    """Drop what the graph says about its weights a second time, which is no longer so."""
    weights = {weight.name for weight in model.graph.initializer}
    for value in [value for value in model.graph.value_info if value.name in weights]:
        model.graph.value_info.remove(value)


def _looks_up(node: NodeProto, table: str) -> bool:
    return node.op_type == "Gather" and node.input[0] == table


def _widen(model: ModelProto, node: NodeProto) -> None:
    """Put a cast to float32 behind a node."""
    (output,) = node.output
    node.output[0] = f"{output}_float16"
    cast = helper.make_node("Cast", [node.output[0]], [output], name=f"{node.name}_float32", to=TensorProto.FLOAT)
    model.graph.node.insert(list(model.graph.node).index(node) + 1, cast)


def _layers(model: ModelProto, *, convolutional: bool) -> list[str]:
    if convolutional:
        return [node.name for node in model.graph.node if node.op_type in CONVOLUTION_LAYERS]
    weights = {weight.name for weight in model.graph.initializer}
    matrices = [node for node in model.graph.node if node.op_type in MATRIX_LAYERS]
    return [node.name for node in matrices if weights.intersection(node.input)]
