"""Has glibc keep less memory that is no longer needed; does nothing where the C library is another."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # M_MMAP_THRESHOLD and M_ARENA_MAX in <malloc.h>
_LARGE = 256 << 10  # bytes: as many as asyncio reserves for each reading of a socket


def keep_large_blocks_apart() -> None:
    """Let glibc give a block of 256 kB or more back as soon as it is freed, however long the process runs.

    By itself it does so only until the first such block is freed. From then on it takes them from its heap, where
    smaller ones that last come to lie in the gaps, so that the heap grows. Such blocks are the dict of 20,000 messages
    that come and go, a new one from time to time, and whatever is read from a socket: asyncio reserves 256 kB for it,
    and gives back at once what it does not need. To be mapped and unmapped costs each reading some 5 µs.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


def share_heaps() -> None:
    """Let the threads that are begun from now on share two heaps of glibc, rather than have eight for each core.

    Each keeps what it has once needed. Worth it where many threads do little at a time, as TensorFlow's.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 2)


def release_unused() -> None:
    """Let glibc give freed memory back, which it would keep for later.

    It is worth it after a step that needs much memory for a moment and does not come again.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).malloc_trim(0)
