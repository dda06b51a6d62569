"""Measure the bot under load, compared with an empty discord.py bot with the same intents.

    python benchmarks/bot.py [--rows ROW ...] [--seconds SECONDS] [--json]

Both bots run in processes of their own, in a loopback Discord in this one, see `benchmarks.gateway`, and hear the same
messages: texts of our own chat set, in 200 channels of 20 servers. They take turns, so that other work on the machine
distorts the comparison less; compare the ratios. With `--seconds 2` each measurement is short and coarse.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # otherwise this file would be imported as the package `bot`

import argparse
import asyncio
import json
from dataclasses import asdict, is_dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.load import measurements
from benchmarks.load.measurements import Latency

ROWS = ("most", "cost", "flood", "latency", "step", "memory", "busy")
RATES = (50.0, 200.0, 400.0)


async def measure(wanted: list[str], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the figures of each requested row, in seconds and bytes."""
    seconds = arguments.seconds
    measured: dict[str, Any] = {}
    for row in wanted:
        match row:
            case "most":
                measured[row] = await measurements.find_highest_rates(seconds)
            case "cost":
                measured[row] = await measurements.measure_cost(arguments.rate, seconds, arguments.rounds)
            case "flood":
                measured[row] = await measurements.measure_flood(arguments.flood, seconds)
            case "latency":
                measured[row] = await measurements.measure_latencies(RATES, 2 * seconds)
            case "step":
                measured[row] = await measurements.measure_latencies(RATES[-1:], 2 * seconds, abruptly=True)
            case "memory":
                measured[row] = await measurements.measure_memory(arguments.memory_rate, *arguments.memory)
            case "busy":
                measured[row] = await measurements.measure_busy_channel(3 * seconds)
    return measured


def lines(measured: dict[str, Any], arguments: argparse.Namespace) -> list[tuple[str, str, str, str]]:
    """Return the rows of the table: what was measured, of the full bot, of the empty bot, and the ratio."""
    found: list[tuple[str, str, str, str]] = []
    if most := measured.get("most"):
        ratio = most["full"] / most["empty"]
        rates = f"{most['full']:.0f}", f"{most['empty']:.0f}"
        found.append(("messages a second, none dropped", *rates, f"{ratio:.2f}"))
    if cost := measured.get("cost"):
        full, empty = cost["full"], cost["empty"]
        for name in ("main_thread", "process"):
            times = getattr(full, name), getattr(empty, name)
            found.append(
                (
                    f"processor time per message at {arguments.rate:.0f}/s, {name.replace('_', ' ')}",
                    f"{1000 * times[0]:.2f} ms",
                    f"{1000 * times[1]:.2f} ms",
                    f"{times[0] / times[1]:.1f}",
                )
            )
    if flood := measured.get("flood"):
        found.append((f"dropped at {flood.rate:.0f}/s", f"{flood.dropped:.0%}", "", ""))
        found.append(("latency of its reactions", _milliseconds(flood.latency), "", ""))
        found.append(("growth of memory meanwhile", f"{flood.memory / 2**20:+.1f} MB", "", ""))
    for rate, latency in measured.get("latency", {}).items():
        found.append((f"from message to reaction at {rate:.0f}/s", _milliseconds(latency), "", ""))
    for rate, latency in measured.get("step", {}).items():
        name = f"from message to reaction after a step from {measurements.INITIAL_RATE:.0f}/s to {rate:.0f}/s"
        found.append((name, _milliseconds(latency), "", ""))
    if memory := measured.get("memory"):
        first, last = (size / 2**20 for size in memory)
        name = "memory from message {:,} to {:,}".format(*arguments.memory)
        found.append((name, f"{first:.1f} to {last:.1f} MB", "", ""))
        messages = arguments.memory[1] - arguments.memory[0]
        found.append(("the same per 100,000 messages", f"{(last - first) * 100_000 / messages:+.1f} MB", "", ""))
    if busy := measured.get("busy"):
        found.append(("busy channel: reactions a second", f"{busy.reactions_per_second:.2f}", "", ""))
        found.append(("busy channel: oldest message reacted to", f"{busy.oldest:.2f} s", "", ""))
        found.append(("quiet channels, without the busy one", _milliseconds(busy.alone), "", ""))
        ratio = busy.beside.median / busy.alone.median
        found.append(("quiet channels, with the busy one", _milliseconds(busy.beside), "", f"{ratio:.2f}"))
    return found


def _milliseconds(latency: Latency) -> str:
    """Return the median, the 99th percentile and the number of reactions for the table."""
    return f"{1000 * latency.median:.1f}, {1000 * latency.high:.1f} ms ({latency.reactions})"


def _as_json(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _as_json(each) for name, each in asdict(value).items()}
    if isinstance(value, Latency):
        return value._asdict()
    if isinstance(value, dict):
        return {str(name): _as_json(each) for name, each in value.items()}
    return value


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="what to measure; all by default")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of each measurement (default: 10)")
    parser.add_argument("--rounds", type=int, default=3, help="turns for processor time, for each bot (default: 3)")
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second in those turns (default: 100)")
    parser.add_argument("--flood", type=float, default=2000.0, help="messages a second in the flood (default: 2000)")
    parser.add_argument(
        "--memory",
        type=int,
        nargs=2,
        default=(25_000, 50_000),
        metavar=("FIRST", "LAST"),
        help="messages after which memory is measured; memory grows up to about 20,000, since the bot keeps the "
        "outcomes of that many (default: 25000 50000)",
    )
    parser.add_argument("--memory-rate", type=float, default=400.0, help="messages a second for that (default: 400)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    measured = asyncio.run(measure(arguments.rows, arguments))
    if arguments.json:
        print(json.dumps(_as_json(measured)))
        return
    table = Table("", title="The bot under load; latency: median, 99th percentile (reactions)")
    for title in ("full bot", "empty bot", "ratio"):
        table.add_column(title, justify="right")
    for line in lines(measured, arguments):
        table.add_row(*line)
    Console().print(table)


if __name__ == "__main__":
    main()
