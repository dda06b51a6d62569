"""Reads the weights in an ONNX file without the `onnx` package, which the bot does not need otherwise.

An ONNX file is one protocol-buffers message. Parsed as a message without known fields, it gives all of its fields by
the numbers that `onnx.proto` lists.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from google.protobuf.empty_pb2 import Empty
from google.protobuf.unknown_fields import UnknownFieldSet

from classifiers.nn.arrays import Array

_GRAPH = 7
"""The field of a model that holds its graph."""

_INITIALIZER = 5
"""The field of a graph that holds a tensor of weights; there is one for each tensor."""

_TYPE, _FLOAT_DATA, _RAW_DATA = 2, 4, 9
"""The fields of a tensor that hold the number of its type, its elements as float32, and its elements as bytes."""

_FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 10: np.dtype("<f2")}
"""The types of weights by the numbers that ONNX gives them; all other tensors of ours are constants."""


def refers_to_other_files(model: bytes) -> bool:
    """Return whether any tensor in an ONNX file may be stored in another file."""
    # Such a tensor has an entry of this name, at any depth of the message. None of our own names contains it.
    return b"location" in model


def float_weights(model: bytes) -> Iterator[Array]:
    """Yield the elements of each float16 and float32 tensor in the graph of an ONNX file, as a flat array.

    Raises:
        Exception: the file is damaged.
    """
    for graph in _values(model, _GRAPH):
        for tensor in _values(graph, _INITIALIZER):
            [dtype] = [_FLOATS.get(number) for number in _values(tensor, _TYPE)]
            if dtype is not None:
                for data in (*_values(tensor, _FLOAT_DATA), *_values(tensor, _RAW_DATA)):
                    yield np.frombuffer(data, dtype)


def _values(message: bytes, wanted: int) -> list[Any]:
    """Return the values of the fields with that number: integers, or bytes for any other type."""
    return [field.data for field in UnknownFieldSet(Empty.FromString(message)) if field.field_number == wanted]
