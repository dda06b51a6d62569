"""Read the fields of an ONNX file without the `onnx` package, which the bot does not need otherwise.

An ONNX file is a Protocol Buffers message: a series of fields, each with its number from `onnx.proto`, some of which
are messages themselves. The library for them would take 2 MB of the bot's memory, and copy all weights.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import TypeAlias

Field: TypeAlias = tuple[int, int | memoryview]
"""The number of a field and its value: an integer, or the bytes of any other type."""


class ModelField(IntEnum):
    """Fields of a whole file."""

    GRAPH = 7
    OPERATORS = 8  # the version of each operator set


class GraphField(IntEnum):
    """Fields of a graph; there is one for each node, tensor, input and output."""

    NODE = 1
    INITIALIZER = 5
    INPUT = 11
    OUTPUT = 12


class NodeField(IntEnum):
    """Fields of a node, which applies one operator."""

    INPUT = 1
    OUTPUT = 2
    OPERATOR = 4
    ATTRIBUTE = 5
    DOMAIN = 7


class TensorField(IntEnum):
    """Fields of a tensor, whose numbers are either in the field of raw bytes or in that of their type."""

    DIMENSION = 1
    TYPE = 2
    FLOATS = 4
    INT32S = 5
    INT64S = 7
    NAME = 8
    BYTES = 9


_VARINT, _LENGTH_DELIMITED = 0, 2
"""The wire types of an integer, and of bytes that are preceded by their number."""

_FIXED = {1: 8, 5: 4}
"""The wire types of values with a fixed number of bytes, with that number."""

_MAX_VARINT = 10
"""The most bytes of a 64-bit integer."""


def messages(parts: Iterable[Field], wanted: int) -> list[memoryview]:
    """Return the bytes of all fields with this number, except those that hold an integer."""
    return [value for number, value in parts if number == wanted and isinstance(value, memoryview)]


def only_message(parts: Iterable[Field], wanted: int) -> memoryview:
    """Return the bytes of the only field with this number.

    Raises:
        ValueError: there is none, or more than one.
    """
    found = messages(parts, wanted)
    if len(found) != 1:
        raise ValueError("it is damaged: a part is missing, or occurs twice")
    return found[0]


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
    """Return the integers in a field that holds one or, packed, several; negative ones are given modulo 2 ** 64.

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
    """Return the integer that starts at an index, and the index after it. Each byte has seven bits, the lowest first.

    Raises:
        ValueError: it has no end.
    """
    number = 0
    for count, byte in enumerate(message[place : place + _MAX_VARINT]):
        number |= (byte & 0x7F) << 7 * count
        if byte < 0x80:
            return number, place + count + 1
    raise ValueError("it is damaged: an integer has no end")
