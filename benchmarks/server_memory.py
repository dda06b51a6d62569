"""Measure how much memory each server takes in the bot, compared with an empty discord.py bot, and for which data.

    python benchmarks/server_memory.py [--servers SERVERS] [--json]

Each row is a new process in a loopback Discord with realistic servers of 20 channels. The memory of a process in a
single server is subtracted, and the rest divided by the number of the other servers. In the last rows, the loopback
Discord leaves out one part of the servers' data, to show how much memory that part takes; no option of discord.py can
leave it out.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that `benchmarks` can be imported

import argparse
import asyncio
import json

from rich.console import Console
from rich.table import Table

from benchmarks.gateway.communities import PARTS
from benchmarks.load.servers import measure_server_memory


async def measure(servers: int) -> dict[str, float]:
    """Return the bytes per server, by row: of each bot, then of the empty bot without each part."""
    costs = {}
    for which in ("full", "empty"):
        base = await measure_server_memory(which, 1)
        costs[which] = (await measure_server_memory(which, servers) - base) / (servers - 1)
    for part in PARTS:  # `base` is that of the empty bot
        costs[f"without {part}"] = (await measure_server_memory("empty", servers, part) - base) / (servers - 1)
    return costs


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Measure how much memory each server takes in the bot.")
    parser.add_argument("--servers", type=int, default=1000, help="number of servers (default: 1000)")
    parser.add_argument("--json", action="store_true", help="print the bytes as JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.servers < 2:
        parser.error("--servers must be at least 2, since the others are compared with the first")
    costs = asyncio.run(measure(arguments.servers))
    if arguments.json:
        print(json.dumps(costs))
        return
    table = Table("bot", "MB per 1,000 servers", "compared with the empty bot")
    for name, cost in costs.items():
        table.add_row(name, f"{cost / 1000:.1f}", f"{cost / costs['empty']:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
