"""Reading texts line by line."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from classifiers.errors import DatasetError


def read_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, or of standard input for `-`, as they come.

    Raises:
        DatasetError: the file cannot be read, or is no UTF-8.
    """
    shown = "Standard input" if str(path) == "-" else path
    try:
        if str(path) == "-":
            yield from _stripped(line.decode() for line in sys.stdin.buffer)
        else:
            with path.open("rb") as file:
                yield from _stripped(line.decode() for line in file)
    except OSError as error:
        raise DatasetError(f"{shown} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{shown} is not UTF-8 text: convert it first.") from None


def _stripped(lines: Iterable[str]) -> Iterator[str]:
    return (line.rstrip("\r\n") for line in lines)
