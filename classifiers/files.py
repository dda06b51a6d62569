"""What is written to files: whole or not at all, in characters that any file takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from classifiers.errors import ClassifiersError


@contextmanager
def written_whole(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; rename it to `path` when the block ends, or delete it if the block fails.

    Raises:
        ClassifiersError: it cannot be written.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        if path.is_dir():  # which would otherwise be found at the end
            raise IsADirectoryError(0, "it is a folder")
        with partial.open("wb") as file:
            yield file
        partial.replace(path)
    except OSError as error:
        raise ClassifiersError(f"{path} cannot be written: {error.strerror or error}.") from None
    finally:
        with suppress(OSError):
            partial.unlink()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name beside `path`, then rename it, so that no one ever finds half of it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def writable(text: str) -> str:
    """Return a text that any file takes, with escapes for the bytes in names of files that are no characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
