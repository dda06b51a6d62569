"""Standard output whose reader has closed the pipe, as in `... | head`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress


@contextmanager
def closed_standard_output() -> Iterator[None]:
    """Let standard output be a pipe without a reader in the block."""
    reader, writer = os.pipe()
    os.close(reader)
    output = open(writer, "w", encoding="utf-8")  # noqa: SIM115 - what is still buffered cannot be written when it closes
    try:
        with redirect_stdout(output):
            yield
    finally:
        with suppress(BrokenPipeError):
            output.close()
