"""What is written to files: whole or not at all, in characters that any file takes."""

from __future__ import annotations

from pathlib import Path


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file under another name beside `path`, then rename it, so that no one ever finds half of it."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_bytes(content)
    partial.replace(path)


def writable(text: str) -> str:
    """Return a text that any file takes, with escapes for the bytes in names of files that are no characters."""
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
