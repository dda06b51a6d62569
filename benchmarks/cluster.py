"""Measure a bot in several processes: at the start, under load, with one killed, and during a rolling restart.

    python benchmarks/cluster.py [--servers SERVERS] [--processes PROCESSES] [--rows ROW ...] [--json]

All processes run on this machine, connected to one fake Discord with realistic servers, see `benchmarks.gateway`, and
share a PostgreSQL server that is started for them. The table says whether each promise is kept; if one is not, the exit
status is 1. With `--servers 64 --seconds 4` it takes some minutes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that `benchmarks` can be imported

import argparse
import asyncio
import json
import os
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from benchmarks.fault_injection.postgres import PostgresServer, find_programs
from benchmarks.load import cluster_measurements as measurements
from benchmarks.load.cluster import Cluster, Plan, cluster
from benchmarks.load.cluster_table import ROWS, Results, table


async def measure(plan: Plan, arguments: argparse.Namespace) -> Results:
    """Start a cluster, and return the requested figures."""
    results = Results(plan)
    async with cluster(plan) as (running, server):
        _print_progress("start")
        results.start = await measurements.measure_start(running)
        for row in ROWS:
            if row in arguments.rows:
                _print_progress(row)
                await _measure(row, running, server, results, arguments)
    return results


async def _measure(
    row: str, running: Cluster, server: PostgresServer, results: Results, arguments: argparse.Namespace
) -> None:
    rate, seconds = arguments.rate, arguments.seconds
    match row:
        case "memory":
            results.memory = await measurements.measure_memory(running)
        case "load":
            results.load = await measurements.measure_load(running, rate, seconds)
        case "most":
            results.most = await measurements.find_highest_rate(running, seconds, 2 * rate)
        case "saves":
            results.saves = await measurements.measure_saves(running, server)
        case "kill":
            results.kill = await measurements.measure_kill(running, rate, seconds)
        case "rolling":
            results.rolling = await measurements.measure_rolling_restart(running, rate)
        case "restart":
            results.restart = await measurements.measure_start(running)


def _print_progress(row: str) -> None:
    """Print what is measured now, since all of it takes minutes, and how busy the machine is."""
    print(f"{row}, at a load of {os.getloadavg()[0]:.1f} ...", file=sys.stderr)


def main() -> None:
    """Parse the arguments, measure, print."""
    parser = argparse.ArgumentParser(description="Measure a bot in several processes.")
    parser.add_argument("--servers", type=int, default=20_000, help="number of servers (default: 20000)")
    parser.add_argument("--shards", type=int, default=16, help="shards of all processes together (default: 16)")
    parser.add_argument("--processes", type=int, default=4, help="number of processes (default: 4)")
    parser.add_argument(
        "--max-concurrency", type=int, default=16, help="sessions that may begin at the same time (default: 16)"
    )
    parser.add_argument("--rate", type=float, default=100.0, help="messages a second under load (default: 100)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each measurement (default: 20)")
    parser.add_argument("--rows", nargs="+", choices=ROWS, default=list(ROWS), help="what to measure; all by default")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    plan = Plan(arguments.servers, arguments.shards, arguments.processes, arguments.max_concurrency)
    if error := plan.error():
        parser.error(error)
    if find_programs() is None:
        sys.exit("This needs PostgreSQL: install it (on Debian: apt install postgresql).")
    results = asyncio.run(measure(plan, arguments))
    lines = table(results)
    if arguments.json:
        print(json.dumps(asdict(results)))
    else:
        shown = Table("", "measured", "promised", title=results.title)
        for line in lines:
            shown.add_row(line.what, line.measured, line.promised, style=None if line.kept else "bold red")
        Console().print(shown)
    if broken := [line.what for line in lines if not line.kept]:
        sys.exit(f"Promises not kept: {'; '.join(broken)}.")


if __name__ == "__main__":
    main()
