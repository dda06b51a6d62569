"""Make glibc keep less memory that is no longer needed; other C libraries are left alone."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # M_MMAP_THRESHOLD and M_ARENA_MAX in <malloc.h>
_LARGE_BLOCK = 256 << 10  # bytes: as many as asyncio reserves for each read from a socket


def keep_large_blocks_apart() -> None:
    """Make glibc return a block of 256 kB or more to the system as soon as it is freed, however long the process runs.

    By default it does so only until the first such block is freed. From then on it takes such blocks from its heap,
    where smaller, longer-lived blocks fill the gaps, so that the heap grows. Examples are the table of the last 20,000
    messages, which is reallocated from time to time, and the 256 kB that asyncio reserves for each read from a socket
    and shrinks at once. Mapping and unmapping costs each read some 5 µs.
    """
    _call_glibc("mallopt", _MMAP_THRESHOLD, _LARGE_BLOCK)


def share_heaps() -> None:
    """Let threads that start from now on share two of glibc's heaps, rather than use up to eight per core.

    Each heap keeps what it once needed. This is worth it with many threads that each do little, like TensorFlow's.
    """
    _call_glibc("mallopt", _ARENA_MAX, 2)


def release_unused() -> None:
    """Make glibc return freed memory to the system, which it would otherwise keep for later.

    This is worth it after a step that briefly needs much memory and is not repeated.
    """
    _call_glibc("malloc_trim", 0)


def _call_glibc(function: str, *arguments: int) -> None:
    """Call a function of glibc; do nothing on other systems, or with another C library, such as musl."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            getattr(ctypes.CDLL(None), function)(*arguments)
