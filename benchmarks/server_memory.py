"""Measure what a server costs the bot in memory, beside an empty bot of discord.py, and what takes it.

    python benchmarks/server_memory.py [--servers SERVERS] [--json]

Each row is a fresh process in a loopback Discord with servers of 20 channels, as communities have them. What is left of
its memory after that of a process in one server is divided by their number. The last rows leave out parts of what
Discord says of a server, which no option of discord.py does: so much each part takes.
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
from benchmarks.load.servers import memory


async def measure(servers: int) -> dict[str, float]:
    """Return the bytes that a server costs, by row: each bot, then the empty bot without each part."""
    costs = {}
    for which in ("full", "empty"):
        base = await memory(which, 1)
        costs[which] = (await memory(which, servers) - base) / (servers - 1)
    for part in PARTS:  # `base` is that of the empty bot
        costs[f"without {part}"] = (await memory("empty", servers, part) - base) / (servers - 1)
    return costs


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Measure what a server costs the bot in memory.")
    parser.add_argument("--servers", type=int, default=1000, help="how many (default: 1000)")
    parser.add_argument("--json", action="store_true", help="print the bytes as JSON instead of a table")
    arguments = parser.parse_args()
    if arguments.servers < 2:
        parser.error("--servers must be at least 2, for the first one is what the others are compared with")
    costs = asyncio.run(measure(arguments.servers))
    if arguments.json:
        print(json.dumps(costs))
        return
    table = Table("bot", "MB for 1,000 servers", "of the empty bot's")
    for name, cost in costs.items():
        table.add_row(name, f"{cost / 1000:.1f}", f"{cost / costs['empty']:.0%}")
    Console().print(table)


if __name__ == "__main__":
    main()
