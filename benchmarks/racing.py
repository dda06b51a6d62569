"""Time contenders in turns and by CPU time, so that other work on the machine distorts the comparison less.

On one thread, CPU time equals wall-clock time if nothing else runs. It counts all threads of the process, and stops
while another process has the core.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def race(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median milliseconds of each; all take turns, and only the second call of each turn counts."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}
