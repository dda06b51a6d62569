"""Find the floating-point weights in an ONNX file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.onnx_file import GraphField, ModelField, TensorField, fields, messages

_FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 10: np.dtype("<f2")}
"""The types of floating-point numbers by their numbers in ONNX; all other tensors in our files hold integers."""


def refers_to_other_files(model: bytes) -> bool:
    """Return whether any tensor in an ONNX file may be stored in another file."""
    # Such a tensor has an entry with this name at some depth of the message. None of our own names contains it.
    return b"location" in model


def float_weights(model: bytes) -> Iterator[Array]:
    """Yield the elements of each float16 and float32 tensor in the graph of an ONNX file, as a flat view of its bytes.

    Raises:
        Exception: the file is damaged.
    """
    for graph in messages(fields(memoryview(model)), ModelField.GRAPH):
        for tensor in messages(fields(graph), GraphField.INITIALIZER):
            yield from _elements(tensor)


def _elements(tensor: memoryview) -> Iterator[Array]:
    """Yield views of a tensor's elements, none if they are integers."""
    parts = list(fields(tensor))
    [dtype] = [_FLOATS.get(value) for number, value in parts if number == TensorField.TYPE and isinstance(value, int)]
    if dtype is not None:
        for data in (*messages(parts, TensorField.FLOATS), *messages(parts, TensorField.BYTES)):
            yield np.frombuffer(data, dtype)
