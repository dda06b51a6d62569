"""Read texts line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path

from classifiers.errors import DatasetError

CHUNK_SIZE = 1 << 16
"""The number of bytes that are read at once: as many as a pipe holds."""

MAX_LINE = 1 << 20
"""The most bytes of a line, so that a line without an end does not take all memory."""


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, or of standard input for `-`, as they come.

    Raises:
        DatasetError: the file cannot be read, is empty or not UTF-8, or has a line longer than `MAX_LINE`. Standard
            input may be empty.
    """
    return chain.from_iterable(read_chunks(path))


def read_chunks(path: Path) -> Iterator[list[str]]:
    """Yield the lines of `read_lines` in lists, each with all lines that have arrived in the meantime.

    Raises:
        DatasetError: as in `read_lines`.
    """
    from_stdin = str(path) == "-"
    shown = "Standard input" if from_stdin else path
    rest, empty = b"", True
    try:
        # Unbuffered, since a buffer would wait until it is full.
        stdin = sys.stdin.buffer
        opened = nullcontext(getattr(stdin, "raw", stdin)) if from_stdin else path.open("rb", buffering=0)
        with opened as file:
            while piece := file.read(CHUNK_SIZE):
                empty = False
                *lines, rest = (rest + piece).split(b"\n")
                if max(map(len, (*lines[:1], rest))) > MAX_LINE:  # no other line can be longer than a piece
                    raise DatasetError(f"{shown} has a line of more than {MAX_LINE:,} bytes: give one text per line.")
                if lines:
                    yield _texts(lines)
        if empty and not from_stdin:
            raise DatasetError(f"{shown} is empty.")
        if rest:
            yield _texts([rest])
    except OSError as error:
        raise DatasetError(f"{shown} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{shown} is not UTF-8 text: convert it first.") from None


def _texts(lines: list[bytes]) -> list[str]:
    return [line.decode().rstrip("\r\n") for line in lines]
