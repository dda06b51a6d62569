"""Refuses an ONNX file, before ONNX Runtime opens it, unless its graph is one that our own export writes or once wrote.

A graph can make any amount of memory out of a few bytes: by a range of a billion numbers, by two long vectors that are
added crosswise, or by a tensor that is joined with itself thirty times. To tell how much one takes, each operator would
have to be understood. But the bot needs no graphs other than its own, of which only the weights differ, and those take
little more memory than their file.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from classifiers.onnx_weights import Field, fields, integers

KNOWN = {
    "2f7bc6878811fa770b109a1b83d3314f51a011fa6f909cee34fdfdb05415ad1d": "8 bits",
    "439fd886290171d6baf8f24da23b5667e7994145542ccab6219dabbbcc571caa": "floats",
    "3151c5a1a6ee3ab5a46b1d7ce0a5260da5fb323774c4cb18c3d95582dcf64fef": "floats, stored in 16 bits",
}
"""The fingerprints of the graphs that `classifiers.training.onnx_export` writes, with how they compute.

The last one is what it wrote before it wrote 8 bits, so that models of that time still work.

ONNX Runtime 1.24.3 and 1.32 make the same graph in 8 bits. If another release does not, its graph is added here.
"""

WIDEST = 4096
"""The largest dimension of weights other than the first: a layer computes that many numbers for each word of a text."""

# The numbers of fields in `onnx.proto`, by the message that they are in.
_GRAPH, _OPERATORS = 7, 8
_IN_MODEL = {*range(1, 9), 14}  # the others are functions, and what training needs
_NODE, _INITIALIZER, _INPUT, _OUTPUT = 1, 5, 11, 12
_IN_GRAPH = {_NODE, 2, _INITIALIZER, 10, _INPUT, _OUTPUT, 13, 14, 16}  # the other one is tensors that are mostly zeros
_TAKES, _GIVES, _OPERATOR, _ATTRIBUTE, _DOMAIN = 1, 2, 4, 5, 7
_DIMENSION, _TYPE, _TENSOR, _RAW, _NUMBERS = 1, 2, 8, 9, (5, 7)
_NAME = 1  # of an input and of an output
_DESCRIPTION = 13  # of an attribute, in words

_CONSTANTS: dict[int, np.dtype[Any]] = {6: np.dtype("<i4"), 7: np.dtype("<i8")}
"""The types of numbers that say what to compute, such as axes; weights have others."""


def refuse_other_graphs(model: bytes) -> None:
    """Look at the graph in an ONNX file.

    Raises:
        ValueError: it is damaged, or not one of `KNOWN`, or its weights take far more memory than the file.
    """
    if fingerprint(model) not in KNOWN:
        raise ValueError("its graph is not one that `python -m train` writes")


def fingerprint(model: bytes) -> str:
    """Return a hash of what the graph in an ONNX file computes, whatever its weights and names are.

    Raises:
        ValueError: it is damaged, not what one graph is, or its weights take far more memory than the file.
    """
    of_model = list(fields(memoryview(model)))
    graph = list(fields(_only(of_model, _GRAPH)))
    if not (_numbers_of(of_model) <= _IN_MODEL and _numbers_of(graph) <= _IN_GRAPH):
        raise ValueError("it holds more than operators and weights")
    meant = {b"": "nothing"}  # what each name in the graph stands for
    unused: set[bytes] = set()
    for name in _names(graph, _INPUT):
        _note(meant, name, f"input {name!r}")
    for tensor in _parts(graph, _INITIALIZER):
        _note(meant, *_weights(tensor))
    for node in _parts(graph, _NODE):
        parts = list(fields(node))
        taken, given = ([bytes(name) for name in _parts(parts, number)] for number in (_TAKES, _GIVES))
        if not meant.keys() >= {*taken}:
            raise ValueError("its graph takes what nothing before it gives")
        if not given:
            raise ValueError("its graph computes what nothing takes")
        kind = [_plain(part) for part in parts if part[0] in (_OPERATOR, _DOMAIN)]
        attributes = sorted(map(_attribute, _parts(parts, _ATTRIBUTE)), key=repr)
        computed = _hash(kind, attributes, [meant[name] for name in taken])
        for place, name in enumerate(given):
            _note(meant, name, f"{computed} {place}")
        unused = unused.difference(taken).union(given[:1])
    outputs = _names(graph, _OUTPUT)
    if unused != {*outputs}:
        raise ValueError("its graph computes what nothing takes")
    operators = sorted(([_plain(part) for part in fields(each)] for each in _parts(of_model, _OPERATORS)), key=repr)
    return _hash(operators, [meant[name] for name in outputs])


def _note(meant: dict[bytes, str], name: bytes, meaning: str) -> None:
    """Note what a name stands for.

    Raises:
        ValueError: it stands for something else, too.
    """
    if name in meant:
        raise ValueError("its graph uses a name twice")
    meant[name] = meaning


def _weights(tensor: memoryview) -> tuple[bytes, str]:
    """Return the name of a tensor and a hash of what is the same in all files: of a constant all, of weights the rank.

    Raises:
        ValueError: it takes far more memory than bytes in the file.
    """
    parts = list(fields(tensor))
    shape = [size for number, value in parts if number == _DIMENSION for size in integers(value)]
    # Each number takes a byte at least, however it is stored.
    if math.prod(shape) > len(tensor) or max(shape[1:], default=0) > WIDEST:
        raise ValueError("its weights are larger than the file, or wider than those of any network of ours")
    kinds = [_plain(part) for part in parts if part[0] == _TYPE]
    told: list[int] | int = len(shape)
    if dtype := next((dtype for kind, dtype in _CONSTANTS.items() if kinds == [(_TYPE, kind)]), None):
        told = [*shape, *(number for part in parts for number in _whole_numbers(part, dtype))]
    return bytes(_only(parts, _TENSOR)), _hash(kinds, told)


def _whole_numbers(part: Field, dtype: np.dtype[Any]) -> list[int]:
    """Return the numbers in a field of a constant, none if it holds something else."""
    number, value = part
    if number == _RAW and isinstance(value, memoryview):
        return [int(each) % 2**64 for each in np.frombuffer(value, dtype)]
    return integers(value) if number in _NUMBERS else []


def _attribute(attribute: memoryview) -> list[Any]:
    """Return all that an attribute says, but no description."""
    return sorted((_plain(part) for part in fields(attribute) if part[0] != _DESCRIPTION), key=repr)


def _names(parts: Sequence[Field], number: int) -> list[bytes]:
    return [bytes(_only(list(fields(part)), _NAME)) for part in _parts(parts, number)]


def _parts(parts: Sequence[Field], wanted: int) -> list[memoryview]:
    """Return the bytes of the fields with that number."""
    return [value for number, value in parts if number == wanted and isinstance(value, memoryview)]


def _only(parts: Sequence[Field], wanted: int) -> memoryview:
    """Return the bytes of the field with that number.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = _parts(parts, wanted)
    if len(found) != 1:
        raise ValueError("it is damaged: something is missing, or there twice")
    return found[0]


def _numbers_of(parts: Sequence[Field]) -> set[int]:
    return {number for number, _ in parts}


def _plain(part: Field) -> tuple[int, int | bytes]:
    number, value = part
    return number, bytes(value) if isinstance(value, memoryview) else value


def _hash(*told: object) -> str:
    return hashlib.sha256(repr(told).encode()).hexdigest()
