"""Compress the streams of the gateway: each connection is one stream, and each frame ends with a flush."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Callable
from typing import Any

Compress = Callable[[str], str | bytes]
"""Returns the frame to send for a text: bytes for a binary frame, a string for a text frame."""


def plain(text: str) -> str:
    """Return the text unchanged."""
    return text


def zlib_stream() -> Compress:
    """Return the compression `zlib-stream`: one zlib stream, flushed after each text."""
    stream = zlib.compressobj()
    return lambda text: stream.compress(text.encode()) + stream.flush(zlib.Z_SYNC_FLUSH)


def zstd_stream() -> Compress:
    """Return the compression `zstd-stream`: one Zstandard frame, flushed after each text."""
    if sys.version_info >= (3, 14):
        from compression import zstd  # noqa: PLC0415 - in the standard library since Python 3.14

        stream = zstd.ZstdCompressor()
        return lambda text: bytes(stream.compress(text.encode(), mode=zstd.ZstdCompressor.FLUSH_BLOCK))
    import zstandard  # noqa: PLC0415 - a bot asks for this compression only if it is installed

    old_stream: Any = zstandard.ZstdCompressor().compressobj()
    return lambda text: old_stream.compress(text.encode()) + old_stream.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)


COMPRESSIONS: dict[str | None, Callable[[], Compress]] = {
    None: lambda: plain,
    "zlib-stream": zlib_stream,
    "zstd-stream": zstd_stream,
}
"""Returns a compression for a new connection, by the value of `compress` in the gateway's address."""
