"""Provide what a command needs to share its work among processes, on all available cores."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

IGNORE_CTRL_C: tuple[Callable[..., Any], tuple[Any, ...]] = (signal.signal, (signal.SIGINT, signal.SIG_IGN))
"""The initializer of a pool's processes, and its arguments: they ignore Ctrl-C, since the main process ends them."""

_MAX_ON_WINDOWS = 61  # `ProcessPoolExecutor` refuses more


def cores() -> int:
    """Return how many cores this process may use; on Windows, at most as many as a pool may have processes."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, _MAX_ON_WINDOWS) if sys.platform == "win32" else count


def limit_threads_of_children() -> None:
    """Let NumPy use one thread in each process that is started from now on, so that they do not compete for cores.

    A number that the user has set is kept. This process is not affected, since NumPy reads the number while it is
    loaded.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
