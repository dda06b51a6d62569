from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.load.cluster import Plan, Started
from benchmarks.load.cluster_measurements import Kill, Load, Memory, Rolling, Saves, Start
from benchmarks.load.cluster_table import Results, identify_delay, table
from benchmarks.load.measurements import Latency

PLAN = Plan(servers=2004, shards=8, processes=4, max_concurrency=8)
LATENCY = Latency(10, 0.006, 0.02)
START = Start([Started(4.0, 1.0, 2.0), Started(6.0, 1.0, 3.0)], identifies=8, early=0, syncs=1, purges=1)
MEMORY = Memory([110_000_000] * 4, base=100_000_000, connections=8)
LOAD = Load(100.0, 0, 0, LATENCY, 0.0015, refused=0, commits=2.0, rows=30.0, connections=9)
SAVES = Saves(answered=0.02, everywhere=0.03, after_restart=3.0)
KILL = Kill(LATENCY, LATENCY, 0, 0, reconnects=0, first_reaction=3.0, served=Started(19.0, 9.0, 4.0))
ROLLING = Rolling([5.0, 7.0], saved=12, lost=0, doubled=0)
RESTART = replace(START, syncs=0, purges=0)
KEPT = Results(PLAN, START, MEMORY, LOAD, 500.0, SAVES, KILL, ROLLING, RESTART)


def test_table_shows_only_what_was_measured() -> None:
    assert table(Results(PLAN)) == []
    shown = {line.what: line.measured for line in table(KEPT)}
    assert KEPT.title == "2,004 servers on 8 shards in 4 processes, 8 sessions at once"
    assert shown["start: all servers served after"] == "6.0 s, the first process's 4.0 s"
    assert shown["start: processor time of a process until then"] == "2.5 s"
    assert shown["memory for 1,000 servers"] == "20.0 MB"
    assert shown["at 100/s: from message to reaction"] == "6.0 ms, 99th percentile 20.0 ms (10)"
    assert shown["a change in /settings: known to all processes after"] == "30 ms"
    assert shown["one killed: all its servers served after"] == "19.0 s, of which it waited 9.0 s for a core"
    assert shown["rolling restart: servers of a process not served for"] == "5.0 to 7.0 s"
    assert shown["messages a second, none dropped"] == "500"


def test_measurements_within_all_limits_break_no_promise() -> None:
    assert [line.what for line in table(KEPT) if not line.kept] == []


@pytest.mark.parametrize(
    ("measured", "what"),
    [
        (replace(KEPT, start=replace(START, identifies=9)), "start: sessions begun"),
        (replace(KEPT, start=replace(START, early=1)), "start: sessions begun too soon"),
        (replace(KEPT, start=replace(START, syncs=4)), "start: commands registered"),
        (replace(KEPT, start=replace(START, purges=4)), "start: erasures of expired data"),
        (replace(KEPT, restart=START), "restart of all: commands registered"),
        (replace(KEPT, load=replace(LOAD, unhandled=1)), "at 100/s: messages not received"),
        (replace(KEPT, load=replace(LOAD, dropped=1)), "at 100/s: messages not read in time"),
        (replace(KEPT, load=replace(LOAD, refused=1)), "at 100/s: requests refused with 429"),
        (replace(KEPT, saves=replace(SAVES, everywhere=1.1)), "a change in /settings: known to all processes after"),
        (replace(KEPT, saves=replace(SAVES, after_restart=5.1)), "the same after a restart of PostgreSQL"),
        (replace(KEPT, kill=replace(KILL, unhandled=1)), "one killed: messages elsewhere not received"),
        (replace(KEPT, kill=replace(KILL, dropped=1)), "one killed: messages elsewhere not read in time"),
        (replace(KEPT, kill=replace(KILL, reconnects=1)), "one killed: shards elsewhere that reconnect"),
        (replace(KEPT, kill=replace(KILL, served=Started(19.0, 8.9, 4.0))), "one killed: all its servers served after"),
        (replace(KEPT, rolling=replace(ROLLING, lost=1)), "rolling restart: settings lost of 12 saved"),
        (replace(KEPT, rolling=replace(ROLLING, doubled=1)), "rolling restart: messages with two reactions"),
    ],
)
def test_each_measurement_beyond_its_limit_is_marked_as_broken(measured: Results, what: str) -> None:
    assert what in [line.what for line in table(measured) if not line.kept]


@pytest.mark.parametrize(("max_concurrency", "seconds"), [(8, 0), (4, 5.5), (2, 5.5), (1, 5.5), (16, 0)])
def test_a_process_waits_only_for_shards_of_the_same_bucket(max_concurrency: int, seconds: float) -> None:
    """With eight shards in four processes, those of the first one are 0 and 4."""
    assert identify_delay(replace(PLAN, max_concurrency=max_concurrency)) == seconds
