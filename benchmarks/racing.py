"""How contenders are timed: interleaved, and by the processor's time, so that other work on the machine misleads less.

On one thread the processor's time is what a clock on the wall shows where nothing else runs. It goes on for whatever
thread of the process computes, and stands still while another process has the core.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping


def race(runs: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median milliseconds of each; all take turns, and the second answer of each turn counts."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            run()
            start = time.process_time()
            run()
            times[name].append((time.process_time() - start) * 1000)
    return {name: statistics.median(taken) for name, taken in times.items()}
