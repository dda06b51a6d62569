"""Refuse an ONNX file, before ONNX Runtime opens it, unless its graph is one that our export writes or used to write.

A graph can turn a few bytes into any amount of memory: with a range of a billion numbers, by broadcasting two long
vectors against each other, or by concatenating a tensor with itself thirty times. Predicting the memory would mean
understanding every operator. But the bot needs only its own graphs, which differ only in their weights, and those take
little more memory than their file.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers.onnx_file import (
    Field,
    GraphField,
    ModelField,
    NodeField,
    TensorField,
    fields,
    integers,
    messages,
    only_message,
)

KNOWN_GRAPHS = {
    "2f7bc6878811fa770b109a1b83d3314f51a011fa6f909cee34fdfdb05415ad1d": "8 bits",
    "439fd886290171d6baf8f24da23b5667e7994145542ccab6219dabbbcc571caa": "floats",
    "3151c5a1a6ee3ab5a46b1d7ce0a5260da5fb323774c4cb18c3d95582dcf64fef": "floats, stored in 16 bits",
}
"""The fingerprints of the graphs that `classifiers.training.onnx_export` makes or made, with their number format.

The last one is from before it wrote 8 bits, so that models from that time still work.

ONNX Runtime 1.24.3 and 1.32 write the same 8-bit graph. If another release does not, add its graph here.
"""

MAX_DIMENSION = 4096
"""The largest dimension of weights except the first: a layer computes that many numbers for each word of a text."""

_ALLOWED_IN_MODEL = {*range(1, 9), 14}
"""Fields of a file that are allowed because they compute nothing; the others are functions, data for training, and
settings of devices."""

_ALLOWED_IN_GRAPH = {*GraphField, 2, 10, 13, 14, 16}
"""Fields of a graph that are allowed, including names and descriptions; the only other one is sparse tensors."""

_NAME = 1  # the field with the name of an input or an output
_DESCRIPTION = 13  # the field with the description of an attribute

_CONSTANTS: dict[int, np.dtype[Any]] = {6: np.dtype("<i4"), 7: np.dtype("<i8")}
"""The types of constants that say what to compute, such as axes; weights have other types."""


def refuse_other_graphs(model: bytes) -> None:
    """Check the graph in an ONNX file.

    Raises:
        ValueError: it is damaged, not one of `KNOWN_GRAPHS`, or its weights take far more memory than the file.
    """
    if fingerprint(model) not in KNOWN_GRAPHS:
        raise ValueError("its graph is not one that `python -m train` writes")


def fingerprint(model: bytes) -> str:
    """Return a hash of what the graph in an ONNX file computes, whatever its weights and names are.

    Raises:
        ValueError: it is damaged, not a graph, or its weights take far more memory than the file.
    """
    model_fields = list(fields(memoryview(model)))
    graph = list(fields(only_message(model_fields, ModelField.GRAPH)))
    if not (_numbers_of(model_fields) <= _ALLOWED_IN_MODEL and _numbers_of(graph) <= _ALLOWED_IN_GRAPH):
        raise ValueError("it holds more than operators and weights")
    meanings = {b"": "nothing"}  # of each name in the graph
    for name in _names(graph, GraphField.INPUT):
        _define(meanings, name, f"input {name!r}")
    for tensor in messages(graph, GraphField.INITIALIZER):
        _define(meanings, *_weights(tensor))
    unused: set[bytes] = set()
    for node in messages(graph, GraphField.NODE):
        inputs, outputs = _define_outputs(list(fields(node)), meanings)
        unused = unused.difference(inputs).union(outputs[:1])
    results = _names(graph, GraphField.OUTPUT)
    if unused != {*results}:
        raise ValueError("its graph has a result that nothing uses")
    operators = [[_plain(part) for part in fields(each)] for each in messages(model_fields, ModelField.OPERATORS)]
    return _hash(sorted(operators, key=repr), [meanings[name] for name in results])


def _define_outputs(node: Sequence[Field], meanings: dict[bytes, str]) -> tuple[list[bytes], list[bytes]]:
    """Record the meanings of a node's outputs: its operator and attributes, applied to the meanings of its inputs.

    Returns:
        The names of its inputs, and of its outputs.

    Raises:
        ValueError: an input is not defined yet, an output is already, or there is no output.
    """
    inputs, outputs = ([bytes(name) for name in messages(node, field)] for field in (NodeField.INPUT, NodeField.OUTPUT))
    if not meanings.keys() >= {*inputs}:
        raise ValueError("its graph uses a value before it is defined")
    if not outputs:
        raise ValueError("its graph has an operator without a result")
    operator = [_plain(part) for part in node if part[0] in (NodeField.OPERATOR, NodeField.DOMAIN)]
    attributes = sorted(map(_attribute, messages(node, NodeField.ATTRIBUTE)), key=repr)
    computed = _hash(operator, attributes, [meanings[name] for name in inputs])
    for place, name in enumerate(outputs):
        _define(meanings, name, f"{computed} {place}")
    return inputs, outputs


def _define(meanings: dict[bytes, str], name: bytes, meaning: str) -> None:
    """Record the meaning of a name.

    Raises:
        ValueError: the name has a meaning already.
    """
    if name in meanings:
        raise ValueError("its graph uses a name twice")
    meanings[name] = meaning


def _weights(tensor: memoryview) -> tuple[bytes, str]:
    """Return the name of a tensor and a hash of what all files share: a constant's content, or the rank of weights.

    Raises:
        ValueError: it takes far more memory than bytes in the file.
    """
    parts = list(fields(tensor))
    shape = [size for number, value in parts if number == TensorField.DIMENSION for size in integers(value)]
    # Each number takes at least a byte, however it is stored.
    if math.prod(shape) > len(tensor) or max(shape[1:], default=0) > MAX_DIMENSION:
        raise ValueError("its weights are larger than the file, or wider than those of any network of ours")
    kinds = [_plain(part) for part in parts if part[0] == TensorField.TYPE]
    same: list[int] | int = len(shape)
    if dtype := next((dtype for kind, dtype in _CONSTANTS.items() if kinds == [(TensorField.TYPE, kind)]), None):
        same = [*shape, *(number for part in parts for number in _whole_numbers(part, dtype))]
    return bytes(only_message(parts, TensorField.NAME)), _hash(kinds, same)


def _whole_numbers(part: Field, dtype: np.dtype[Any]) -> list[int]:
    """Return the numbers in a field of a constant; none if it holds something else."""
    number, value = part
    if number == TensorField.BYTES and isinstance(value, memoryview):
        return [int(each) % 2**64 for each in np.frombuffer(value, dtype)]
    return integers(value) if number in (TensorField.INT32S, TensorField.INT64S) else []


def _attribute(attribute: memoryview) -> list[Any]:
    """Return the content of an attribute without its description."""
    return sorted((_plain(part) for part in fields(attribute) if part[0] != _DESCRIPTION), key=repr)


def _names(parts: Sequence[Field], number: int) -> list[bytes]:
    return [bytes(only_message(list(fields(part)), _NAME)) for part in messages(parts, number)]


def _numbers_of(parts: Sequence[Field]) -> set[int]:
    return {number for number, _ in parts}


def _plain(part: Field) -> tuple[int, int | bytes]:
    number, value = part
    return number, bytes(value) if isinstance(value, memoryview) else value


def _hash(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()
