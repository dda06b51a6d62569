"""The BiLSTM as an ONNX graph, for a bot that needs neither TensorFlow nor a second implementation.

It takes the parameters under the names that `classifiers.nn.network` gives them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.parser

from classifiers.nn.arrays import Array

_GRAPH = """
<ir_version: 8, opset_import: ["": 17]>
bilstm (int32[time, batch] ids, int32[batch] lengths) => (float[batch, {labels}] logits)
<int64[1] time_axis = {{0}}, int64[1] unit_axis = {{1}}, int64[2] unit_axes = {{1, 2}}, int64[2] outer_axes = {{0, 2}},
 int64[3] joined = {{0, 0, -1}}, int32 zero = {{0}}, int32 one = {{1}}, float lowest = {{-3.4e38}}>
{{
    vectors = Gather (embeddings, ids)
    hidden_0 = Cast <to: int = 1> (vectors)
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
    output_kernel_32 = Cast <to: int = 1> (output_kernel)
    output_bias_32 = Cast <to: int = 1> (output_bias)
    logits = Gemm (pooled, output_kernel_32, output_bias_32)
}}
"""

_LSTM_LAYER = """
    w_{n} = Cast <to: int = 1> (kernel_{n})
    r_{n} = Cast <to: int = 1> (recurrent_{n})
    b_{n} = Cast <to: int = 1> (bias_{n})
    directions_{n} = LSTM <hidden_size: int = 128, direction: string = "bidirectional">
        (hidden_{before}, w_{n}, r_{n}, b_{n}, lengths)
    apart_{n} = Transpose <perm: ints = [0, 2, 1, 3]> (directions_{n})
    hidden_{n} = Reshape (apart_{n}, joined)
"""


def save_bilstm(arrays: Mapping[str, Array], path: Path, dtype: type[np.floating[Any]] = np.float16) -> None:
    """Write the BiLSTM with the given parameters as an ONNX graph over ONNX's own LSTM operator.

    Inputs `ids` (time, batch) and `lengths` (batch,), int32, right-padded; output `logits` (batch, labels).
    Parameters are stored as `dtype` and computed with in float32.
    """
    weights = {
        "embeddings": arrays["0.embeddings"],
        "output_kernel": arrays["9.kernel"],
        "output_bias": arrays["9.bias"],
    }
    for n, place in enumerate((2, 4, 6), start=1):
        ahead, behind = (
            {key: arrays[f"{place}.{direction}.{key}"] for key in ("kernel", "recurrent_kernel", "bias")}
            for direction in ("forward", "backward")
        )
        weights[f"kernel_{n}"] = np.stack([_gates(ahead["kernel"]), _gates(behind["kernel"])])
        weights[f"recurrent_{n}"] = np.stack([_gates(ahead["recurrent_kernel"]), _gates(behind["recurrent_kernel"])])
        biases = np.stack([_gates(ahead["bias"]), _gates(behind["bias"])])
        weights[f"bias_{n}"] = np.concatenate([biases, np.zeros_like(biases)], axis=1)
    layers = "".join(_LSTM_LAYER.format(n=n, before=n - 1) for n in (1, 2, 3))
    model = onnx.parser.parse_model(_GRAPH.format(labels=len(arrays["9.bias"]), lstm_layers=layers))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name) for name, array in weights.items()
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def read_bilstm(path: Path) -> dict[str, Array]:
    """Return the parameters in a file that `save_bilstm` wrote, in the type in which it stored them."""
    tensors = onnx.load(path).graph.initializer
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in tensors}
    arrays = {
        "0.embeddings": weights["embeddings"],
        "9.kernel": weights["output_kernel"],
        "9.bias": weights["output_bias"],
    }
    for n, place in enumerate((2, 4, 6), start=1):
        for side, direction in enumerate(("forward", "backward")):
            kernel, recurrent, bias = (weights[f"{key}_{n}"][side] for key in ("kernel", "recurrent", "bias"))
            arrays[f"{place}.{direction}.kernel"] = _keras_gates(kernel)
            arrays[f"{place}.{direction}.recurrent_kernel"] = _keras_gates(recurrent)
            arrays[f"{place}.{direction}.bias"] = _keras_gates(bias[: len(bias) // 2])
    return arrays


def _keras_gates(array: Array) -> Array:
    """Undo `_gates`."""
    i, o, f, g = np.split(array.T, 4, axis=-1)
    return np.concatenate([i, f, g, o], axis=-1)


def _gates(array: Array) -> Array:
    """Keras' gates i, f, g, o along the last axis, as ONNX wants them: i, o, f, g along the first."""
    i, f, g, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, o, f, g], axis=-1).T
