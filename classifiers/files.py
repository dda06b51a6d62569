"""Write files completely or not at all, with characters that any file accepts."""

from __future__ import annotations

import errno
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from classifiers.errors import ClassifiersError


@contextmanager
def open_atomically(path: Path) -> Iterator[BinaryIO]:
    """Open a new file beside `path`, which replaces `path` when the block ends and is deleted if the block fails.

    Raises:
        ClassifiersError: it cannot be written.
    """
    partial = path.with_name(f"emobot-{secrets.token_hex(8)}.partial")
    try:
        if path.is_dir():  # otherwise this would be noticed only at the end
            raise IsADirectoryError(0, "it is a folder")
        file = partial.open("xb")  # "x" refuses an existing file
        try:
            with file:
                yield file
            partial.replace(path)
        finally:
            with suppress(OSError):
                partial.unlink()
    except OSError as error:
        raise ClassifiersError(f"{path} cannot be written: {error.strerror or error}.") from None


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name beside `path`, then rename it, so that no program sees a partial file.

    Raises:
        OSError: it cannot be written; the error names it, and no partial file is left.
    """
    partial = path.with_name(f"{path.name}.partial")
    try:
        with naming(path):
            partial.write_bytes(content)
            partial.replace(path)
    except OSError:
        with suppress(OSError):
            partial.unlink()
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Name a file or folder in an OSError of the block that names none, as when the disk is full."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def refuse_device(path: Path) -> None:
    """Raise OSError if a path is that of a device such as /dev/zero, whose content has no end."""
    if path.is_char_device():
        raise OSError(errno.EINVAL, "it is a device")


def writable(text: str) -> str:
    """Return a text that any file accepts, with escapes for bytes in file names that are not characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
