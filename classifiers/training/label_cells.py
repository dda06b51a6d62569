"""Parse the label column of a file: one label, or several written in any usual way.

An ambiguous cell is refused, since a network would learn a wrongly parsed label like any other.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import regex

MAX_LENGTH = 100
"""The most characters of a label, which is also the limit of Discord's menus."""

_ITEM = r"""(?:"[^"]*"|'[^']*')"""
_QUOTED_LIST = regex.compile(  # possessive, so that it does not try every way of dividing many spaces
    rf"[\[({{]\s*+({_ITEM}(?:(?:\s*+[,;]\s*+|\s++){_ITEM})*+)\s*+,?\s*+[\])}}]"
)
_PLAIN_LIST = regex.compile(r"\[([^\[\]'\"]*)\]")
_NUMBERS = regex.compile(r"\s*\d+(?:\s+\d+)*\s*")
_SEPARATORS = regex.compile(r"[,;|]")
_UNREADABLE = regex.compile(r"[\[\]{}\"\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]")
"""Brackets and quotation marks of a list, line ends, and characters that reverse the direction of text."""

_JOINTS = regex.compile(r"\s*[/&+]\s*|\s+(?:and\s+)?")


def parse_labels(cell: Any) -> tuple[str, ...]:
    """Return the labels in `joy`, `joy, love`, `joy;love`, `joy|love`, `['joy', 'love']`, a JSON list, or a number.

    A list may be in the notation of Python, NumPy or JSON. Each label is returned once.

    Raises:
        ValueError: the cell has none of these forms; the message is the end of a sentence.
    """
    items = cell if isinstance(cell, list) else [cell]
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in items):
        raise ValueError(f"the label must be a name, names joined by commas or a list of names, not {kind(cell)}")
    names = [name.strip() for item in items for name in _names(str(item).strip())]
    if not names or not all(names):
        raise ValueError("a label is empty: give one name, or several joined by commas")
    for name in names:
        if len(name) > MAX_LENGTH:
            raise ValueError(
                f"the label {name[:20]!r}... has {len(name)} characters: is this the column of the label? "
                "--label-column names another"
            )
        if _UNREADABLE.search(name):
            raise ValueError(f"the label {name!r} cannot be read: give names joined by commas, without brackets")
    return tuple(dict.fromkeys(names))


def split_joined_label(name: str, known: Collection[str]) -> list[str]:
    """Return the labels that `name` seems to join, such as "joy/love" if both are `known`; empty for a single label."""
    parts = [part for part in _JOINTS.split(name) if part]
    return parts if len(parts) > 1 and all(part in known for part in parts) else []


def _names(text: str) -> list[str]:
    quoted = _QUOTED_LIST.fullmatch(text)
    if quoted:
        return [item[1:-1] for item in regex.findall(_ITEM, quoted[1])]
    plain = _PLAIN_LIST.fullmatch(text)
    inside = plain[1] if plain else text
    if plain and _NUMBERS.fullmatch(inside):
        return inside.split()
    return list(_SEPARATORS.split(inside))


def kind(value: object) -> str:
    """Return the kind of a JSON value, in words for an error message."""
    kinds = {bool: "true or false", type(None): "null", list: "a list of other things", dict: "an object"}
    return kinds.get(type(value), "a number")
