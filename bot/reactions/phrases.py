"""Compile lists of phrases, with one regular expression per line, into one pattern."""

from __future__ import annotations

import re
from collections.abc import Mapping


def any_of(*lists: str) -> str:
    """Return an expression that matches any line of the lists, except for empty lines and lines that start with "#"."""
    lines = "\n".join(lists).split("\n")
    return f"(?:{'|'.join(line for line in lines if line and not line.startswith('#'))})"


def whole_words(expression: str, abbreviations: Mapping[str, str]) -> re.Pattern[str]:
    """Return a pattern that finds an expression as whole words in lower-case text.

    Args:
        expression: a regular expression, in lower case except for the abbreviations; what it matches starts with an
            English letter, a digit or an apostrophe.
        abbreviations: the expression for which each abbreviation stands; it may contain other abbreviations.
    """
    while any(short in expression for short in abbreviations):
        for short, meaning in abbreviations.items():
            expression = expression.replace(short, meaning)
    return re.compile(rf"\b(?=['a-z0-9]){expression}\b")
