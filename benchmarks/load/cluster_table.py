"""Turn the measurements of a cluster into rows of a table, with what is promised and whether the promise is kept."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean
from typing import NamedTuple

from benchmarks.load.cluster import Plan, Started
from benchmarks.load.cluster_measurements import Kill, Load, Memory, Rolling, Saves, Start
from benchmarks.load.measurements import Latency

ROWS = ("memory", "load", "most", "saves", "kill", "rolling", "restart")
"""The measurements after the start, in order."""

RESTART_TARGET = 10.0
"""Seconds within which a restarted process should know all its servers, on a free CPU core."""

RECOVERY_TARGET = 5.0
"""Seconds after a restart of PostgreSQL within which all processes should know a change."""

PROPAGATION_TARGET = 1.0
"""Seconds within which all processes should know a change."""

_SESSION_INTERVAL = 5.5  # seconds between the starts of two sessions in the same bucket of Discord's
_MEGABYTE = 1e6


@dataclass
class Results:
    """The results of all measurements; None for those that were not requested."""

    plan: Plan
    start: Start | None = None
    memory: Memory | None = None
    load: Load | None = None
    most: float | None = None
    saves: Saves | None = None
    kill: Kill | None = None
    rolling: Rolling | None = None
    restart: Start | None = None

    @property
    def title(self) -> str:
        """The title of the table."""
        plan = self.plan
        return (
            f"{plan.servers:,} servers on {plan.shards} shards in {plan.processes} processes, "
            f"{plan.max_concurrency} sessions at once"
        )


class Line(NamedTuple):
    """A row of the table.

    Attributes:
        what, measured: what was measured, and its value.
        promised: what the value should be; empty if nothing is promised.
        kept: whether the promise is kept.
    """

    what: str
    measured: str
    promised: str = ""
    kept: bool = True


def table(measured: Results) -> list[Line]:
    """Return the rows of the table."""
    lines: list[Line] = []
    if measured.start:
        lines += _started("start", measured.plan, measured.start, syncs=1, purges=1)
    if measured.memory:
        lines += _memory(measured.plan, measured.memory)
    if measured.load:
        lines += _load(measured.load)
    if measured.most is not None:
        lines.append(Line("messages a second, none dropped", f"{measured.most:.0f}"))
    if measured.saves:
        lines += _saves(measured.saves)
    if measured.kill:
        lines += _kill(measured.plan, measured.kill)
    if measured.rolling:
        lines += _rolling(measured.rolling)
    if measured.restart:
        lines += _started("restart of all", measured.plan, measured.restart, syncs=0, purges=0)
    return lines


def _started(name: str, plan: Plan, start: Start, syncs: int, purges: int) -> list[Line]:
    return [
        Line(
            f"{name}: all servers served after",
            f"{max(start.served).seconds:.1f} s, the first process's {min(start.served).seconds:.1f} s",
        ),
        Line(
            f"{name}: processor time of a process until then", f"{mean(each.processor for each in start.served):.1f} s"
        ),
        _exactly(f"{name}: sessions begun", start.identifies, plan.shards),
        _exactly(f"{name}: sessions begun too soon", start.early, 0),
        _exactly(f"{name}: commands registered", start.syncs, syncs),
        _exactly(f"{name}: erasures of expired data", start.purges, purges),
    ]


def _memory(plan: Plan, memory: Memory) -> list[Line]:
    own = sum(memory.processes) - memory.base * plan.processes
    each = f"{min(memory.processes) / _MEGABYTE:.0f} to {max(memory.processes) / _MEGABYTE:.0f} MB"
    return [
        Line("memory of a process", f"{each}; in one server {memory.base / _MEGABYTE:.0f} MB"),
        Line("memory for 1,000 servers", f"{own / _MEGABYTE / (plan.servers - plan.processes) * 1000:.1f} MB"),
        Line("connections to the database, when idle", f"{memory.connections}"),
    ]


def _load(load: Load) -> list[Line]:
    at = f"at {load.rate:.0f}/s"
    return [
        _exactly(f"{at}: messages not received", load.unhandled, 0),
        _exactly(f"{at}: messages not read in time", load.dropped, 0),
        Line(f"{at}: from message to reaction", _milliseconds(load.latency)),
        Line(f"{at}: processor time per message", f"{1000 * load.processor:.2f} ms"),
        _exactly(f"{at}: requests refused with 429", load.refused, 0),
        Line(f"{at}: transactions and rows written a second", f"{load.commits:.1f}, {load.rows:.1f}"),
        Line(f"{at}: most connections to the database", f"{load.connections}"),
    ]


def _saves(saves: Saves) -> list[Line]:
    return [
        Line("a change in /settings: answered after", f"{1000 * saves.answered:.0f} ms"),
        _within("a change in /settings: known to all processes after", saves.everywhere, PROPAGATION_TARGET),
        _within("the same after a restart of PostgreSQL", saves.after_restart, RECOVERY_TARGET),
    ]


def _kill(plan: Plan, kill: Kill) -> list[Line]:
    return [
        Line("one killed: from message to reaction elsewhere, before", _milliseconds(kill.alone)),
        Line("one killed: the same afterwards", _milliseconds(kill.beside)),
        _exactly("one killed: messages elsewhere not received", kill.unhandled, 0),
        _exactly("one killed: messages elsewhere not read in time", kill.dropped, 0),
        _exactly("one killed: shards elsewhere that reconnect", kill.reconnects, 0),
        Line("one killed: first reaction after its new start", f"{kill.first_reaction:.1f} s"),
        _served_again(kill.served, RESTART_TARGET + identify_delay(plan)),
        Line("one killed: processor time of its new start", f"{kill.served.processor:.1f} s"),
    ]


def _served_again(served: Started, promised: float) -> Line:
    """Return the row for a restarted process; waiting for a CPU core that other programs use does not count."""
    shown = f"{served.seconds:.1f} s, of which it waited {served.waited:.1f} s for a core"
    kept = served.seconds - served.waited <= promised
    return Line("one killed: all its servers served after", shown, f"within {promised:g} s on a free core", kept)


def identify_delay(plan: Plan) -> float:
    """Return the seconds that a process must wait until its last session may begin."""
    shards = plan.shards_of(0)
    buckets = {shard % plan.max_concurrency for shard in shards}
    return (-(-len(shards) // len(buckets)) - 1) * _SESSION_INTERVAL


def _rolling(rolling: Rolling) -> list[Line]:
    return [
        Line(
            "rolling restart: servers of a process not served for",
            f"{min(rolling.away):.1f} to {max(rolling.away):.1f} s",
        ),
        _exactly(f"rolling restart: settings lost of {rolling.saved} saved", rolling.lost, 0),
        _exactly("rolling restart: messages with two reactions", rolling.doubled, 0),
    ]


def _exactly(what: str, number: int, promised: int) -> Line:
    return Line(what, f"{number}", f"{promised}", number == promised)


def _within(what: str, seconds: float, promised: float) -> Line:
    shown = f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    return Line(what, shown, f"within {promised:g} s", seconds <= promised)


def _milliseconds(latency: Latency) -> str:
    return f"{1000 * latency.median:.1f} ms, 99th percentile {1000 * latency.high:.1f} ms ({latency.reactions})"
