"""Reads the weights in an ONNX file without the `onnx` package, which the bot does not need otherwise.

An ONNX file is one message of protocol buffers: a row of fields, each with the number that `onnx.proto` gives it, some
of which are messages in turn. The library for them would take 2 MB of the bot's memory, and copies of all weights.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np

from classifiers.nn.arrays import Array

Field: TypeAlias = tuple[int, int | memoryview]
"""The number of a field and its value: an integer, or the bytes of any other type."""

_GRAPH = 7
"""The field of a model that holds its graph."""

_INITIALIZER = 5
"""The field of a graph that holds a tensor of weights; there is one for each tensor."""

_TYPE, _FLOAT_DATA, _RAW_DATA = 2, 4, 9
"""The fields of a tensor that hold the number of its type, its elements as float32, and its elements as bytes."""

_FLOATS: dict[int, np.dtype[Any]] = {1: np.dtype("<f4"), 10: np.dtype("<f2")}
"""The types of weights by the numbers that ONNX gives them; all other tensors of ours are constants."""

_VARINT, _LENGTH_DELIMITED = 0, 2
"""The ways to store a value as an integer, and as bytes after their number."""

_FIXED = {1: 8, 5: 4}
"""The ways to store a value in a fixed number of bytes, with that number."""

_LONGEST_VARINT = 10
"""How many bytes an integer of 64 bits takes at most."""


def refers_to_other_files(model: bytes) -> bool:
    """Return whether any tensor in an ONNX file may be stored in another file."""
    # Such a tensor has an entry of this name, at any depth of the message. None of our own names contains it.
    return b"location" in model


def float_weights(model: bytes) -> Iterator[Array]:
    """Yield the elements of each float16 and float32 tensor in the graph of an ONNX file, as a flat view of its bytes.

    Raises:
        Exception: the file is damaged.
    """
    for graph in _values(memoryview(model), _GRAPH):
        for tensor in _values(graph, _INITIALIZER):
            [dtype] = [_FLOATS.get(number) for number in _values(tensor, _TYPE)]
            if dtype is not None:
                for data in (*_values(tensor, _FLOAT_DATA), *_values(tensor, _RAW_DATA)):
                    yield np.frombuffer(data, dtype)


def _values(message: memoryview, wanted: int) -> list[Any]:
    """Return the values of the fields with that number: integers, or views of the bytes of any other type."""
    return [value for number, value in fields(message) if number == wanted]


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the number and the value of each field of a message.

    Raises:
        ValueError: the message is damaged.
    """
    place = 0
    while place < len(message):
        key, place = _varint(message, place)
        number, storage = key >> 3, key & 7
        if storage == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if storage == _LENGTH_DELIMITED:
            size, place = _varint(message, place)
        elif storage in _FIXED:
            size = _FIXED[storage]
        else:
            raise ValueError("it is damaged: a field is stored in an unknown way")
        if size > len(message) - place:
            raise ValueError("it is damaged: a field is longer than the rest of the file")
        yield number, message[place : place + size]
        place += size


def integers(value: int | memoryview) -> list[int]:
    """Return the integers in a field that holds one or, packed, several; negative ones are told modulo 2 ** 64.

    Raises:
        ValueError: they are damaged.
    """
    if isinstance(value, int):
        return [value]
    numbers, place = [], 0
    while place < len(value):
        number, place = _varint(value, place)
        numbers.append(number)
    return numbers


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the integer that begins at a place, and the place after it: seven bits a byte, the lowest first.

    Raises:
        ValueError: there is no end of it.
    """
    number = 0
    for count, byte in enumerate(message[place : place + _LONGEST_VARINT]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number, place + count + 1
    raise ValueError("it is damaged: an integer has no end")
