"""Processes that share the work of one command, on as many cores as there are."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

IGNORE_CTRL_C: tuple[Callable[..., Any], tuple[Any, ...]] = (signal.signal, (signal.SIGINT, signal.SIG_IGN))
"""What each process of a pool calls first, and its arguments: Ctrl-C is for the process that ends the others."""

_MOST_ON_WINDOWS = 61  # `ProcessPoolExecutor` refuses more


def cores() -> int:
    """Return how many cores this process may use; on Windows, no more than there can be processes in a pool."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(count, _MOST_ON_WINDOWS) if sys.platform == "win32" else count


def limit_threads_of_others() -> None:
    """Let NumPy have one thread in each process that is started from now on, or they would be in each other's way.

    A number that the user has set stays. This process is not changed, since NumPy looks at it while it is loaded.
    """
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
