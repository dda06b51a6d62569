"""Compare the CPU times of functions that take turns, so that other work on the machine distorts the result less.

With one thread and nothing else running, CPU time equals wall-clock time. It includes all threads of the process, and
stops while another process uses the CPU core.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def median_cpu_times(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return median CPU times in milliseconds; a turn is two calls, of which the second, with warm caches, counts."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}
