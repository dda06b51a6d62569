"""Write the BiLSTM as an ONNX graph, for a bot that needs neither TensorFlow nor a second implementation.

Parameters have the names that `classifiers.nn.network` gives them. Layers and word vectors are stored in 8 bits, and
ONNX Runtime computes the layers with 8 bits. docs/models.md compares size, time and accuracy with 16 bits.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.parser
from onnxruntime.quantization import QuantType, quantize_dynamic
from onnxruntime.quantization.quant_utils import add_pre_process_metadata

from classifiers.files import naming
from classifiers.nn.arrays import Array

_GRAPH = """
<ir_version: 8, opset_import: ["": 17]>
bilstm (int32[time, batch] ids, int32[batch] lengths) => (float[batch, {labels}] logits)
<int64[1] time_axis = {{0}}, int64[1] unit_axis = {{1}}, int64[2] unit_axes = {{1, 2}}, int64[2] outer_axes = {{0, 2}},
 int64[3] joined = {{0, 0, -1}}, int32 zero = {{0}}, int32 one = {{1}}, float lowest = {{-3.4e38}}>
{{
    hidden_0 = Gather (embeddings, ids)
    {lstm_layers}

    # The operator leaves zeros beyond each length: a plain sum serves the mean, but the maximum needs the mask.
    total = ReduceSum <keepdims: int = 0> (hidden_3, time_axis)
    column = Unsqueeze (lengths, unit_axis)
    counts = Cast <to: int = 1> (column)
    mean = Div (total, counts)
    shape = Shape <start: int = 0, end: int = 1> (ids)
    steps_64 = Squeeze (shape, time_axis)
    steps = Cast <to: int = 6> (steps_64)
    clock = Range (zero, steps, one)
    clock_3d = Unsqueeze (clock, unit_axes)
    lengths_3d = Unsqueeze (lengths, outer_axes)
    real = Less (clock_3d, lengths_3d)
    candidates = Where (real, hidden_3, lowest)
    highest = ReduceMax <axes: ints = [0], keepdims: int = 0> (candidates)
    pooled = Concat <axis: int = 1> (mean, highest)
    logits = Gemm (pooled, output_kernel, output_bias)
}}
"""

_LSTM_LAYER = """
    directions_{n} = LSTM <hidden_size: int = 128, direction: string = "bidirectional">
        (hidden_{before}, kernel_{n}, recurrent_{n}, bias_{n}, lengths)
    apart_{n} = Transpose <perm: ints = [0, 2, 1, 3]> (directions_{n})
    hidden_{n} = Reshape (apart_{n}, joined)
"""


_LAYERS = (2, 4, 6)
"""The indices of the LSTMs among the network's layers."""


def save_bilstm(arrays: Mapping[str, Array], path: Path) -> None:
    """Write the BiLSTM with the given parameters, its layers and word vectors in 8 bits.

    Each unit's weights have their own scale. The activations are quantised to 8 bits while the graph runs, with a scale
    for each step (ONNX Runtime's dynamic quantisation).
    """
    graph = float_graph(arrays)
    add_pre_process_metadata(graph)  # nothing needs preparation, but without this it would log a warning
    with naming(path):
        quantize_dynamic(
            graph,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # it cannot infer the type after an LSTM
        )


def float_graph(arrays: Mapping[str, Array]) -> onnx.ModelProto:
    """Return the BiLSTM with the given parameters as a graph in float32, using ONNX's own LSTM operator.

    Inputs `ids` (time, batch) and `lengths` (batch,), int32, right-padded; output `logits` (batch, labels).
    """
    weights = {
        "embeddings": arrays["0.embeddings"],
        "output_kernel": arrays["9.kernel"],
        "output_bias": arrays["9.bias"],
    }
    for n, place in enumerate(_LAYERS, start=1):
        ahead, behind = (
            {key: arrays[f"{place}.{direction}.{key}"] for key in ("kernel", "recurrent_kernel", "bias")}
            for direction in ("forward", "backward")
        )
        weights[f"kernel_{n}"] = np.stack([_gates(ahead["kernel"]), _gates(behind["kernel"])])
        weights[f"recurrent_{n}"] = np.stack([_gates(ahead["recurrent_kernel"]), _gates(behind["recurrent_kernel"])])
        biases = np.stack([_gates(ahead["bias"]), _gates(behind["bias"])])
        weights[f"bias_{n}"] = np.concatenate([biases, np.zeros_like(biases)], axis=1)
    layers = "".join(_LSTM_LAYER.format(n=n, before=n - 1) for n in range(1, len(_LAYERS) + 1))
    model = onnx.parser.parse_model(_GRAPH.format(labels=len(arrays["9.bias"]), lstm_layers=layers))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name) for name, array in weights.items()
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def read_bilstm(path: Path) -> dict[str, Array]:
    """Return the parameters in a file that `save_bilstm` wrote, or one of its earlier versions, in floats."""
    tensors = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(path).graph.initializer}
    arrays = {
        "0.embeddings": _floats(tensors, "embeddings"),
        "9.kernel": _floats(tensors, "output_kernel"),
        "9.bias": tensors["output_bias"],
    }
    for n, place in enumerate(_LAYERS, start=1):
        kernels, recurrents, biases = (
            _floats(tensors, f"kernel_{n}"),
            _floats(tensors, f"recurrent_{n}"),
            tensors[f"bias_{n}"],
        )
        for side, direction in enumerate(("forward", "backward")):
            arrays[f"{place}.{direction}.kernel"] = _keras_gates(kernels[side])
            arrays[f"{place}.{direction}.recurrent_kernel"] = _keras_gates(recurrents[side])
            arrays[f"{place}.{direction}.bias"] = _keras_gates(biases[side, : biases.shape[1] // 2])
    return arrays


def _floats(tensors: Mapping[str, Array], name: str) -> Array:
    """Return the weights with that name in floats, in the layout of `float_graph`."""
    if name in tensors:  # earlier versions stored float16
        return tensors[name]
    whole, zero, scale = (tensors[f"{name}_{part}"] for part in ("quantized", "zero_point", "scale"))
    if zero.ndim:
        zero, scale = zero[..., None, :], scale[..., None, :]
    array = (whole.astype(np.float32) - zero) * scale
    return array.swapaxes(1, 2) if array.ndim == 3 else array  # an 8-bit LSTM has transposed kernels


def _keras_gates(array: Array) -> Array:
    """Undo `_gates`."""
    i, o, f, g = np.split(array.T, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def _gates(array: Array) -> Array:
    """Return Keras' gates i, f, g, o along the last axis in ONNX's order: i, o, f, g along the first."""
    i, f, g, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, o, f, g], axis=-1).T
