"""Gives memory that is no longer needed back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def release_unused() -> None:
    """Let glibc give freed memory back, which it would keep for later; do nothing where the C library is another.

    It is worth it after a step that needs much memory for a moment and does not come again.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).malloc_trim(0)
