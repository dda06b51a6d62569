"""Gives memory that is no longer needed back to the system."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress


def release_unused() -> None:
    """Let the C library give back what was freed; only glibc can be asked, and others do so by themselves or not at all.

    glibc keeps freed memory for what is allocated next. After a moment of need which does not come again, that is
    wasted for as long as the process runs.
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library, such as musl
            ctypes.CDLL(None).malloc_trim(0)
