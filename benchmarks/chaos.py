"""Run the whole bot under random faults, and check that it keeps its promises.

    python benchmarks/chaos.py [--minutes MINUTES] [--seed SEED] [--rate RATE] [--faults NAME ...] [--postgres]
                               [--shards SHARDS] [--log FILE]

The bot runs in its own process, connected to a fake Discord in this one, see `benchmarks.gateway`, and is restarted
when it exits, as by a service manager. People write texts of our own chat set all the time, in 200 channels of 20
servers, and edit or delete some of them soon afterwards. One person has opted out, and one server has switched the bot
off. Again and again, Discord, the process, its clock or its database has a fault, or two of them at once. After each,
the bot must react again by itself and become idle, with hardly more tasks, threads, open files and memory than at the
start, and the mood counts must add up. At the end, no message may have two reactions, nobody who opted out may have
any, few requests may have been refused, and the log must not contain a traceback or the text of a message.

It prints a table, and exits with status 1 if any of this is violated. The same seed gives the same faults, but not at
the same times. It needs Linux.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # otherwise this file would be imported as the package `bot`

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack

from rich.console import Console
from rich.table import Table

from benchmarks.fault_injection.databases import Database, PostgresDatabase, SQLiteFile
from benchmarks.fault_injection.faults import faults
from benchmarks.fault_injection.postgres import find_programs, postgres
from benchmarks.fault_injection.run import FaultPlan, FaultResult, Report, run_faults


async def run(arguments: argparse.Namespace, console: Console) -> Report:
    """Inject faults according to the arguments, and print the result of each."""

    def print_result(result: FaultResult) -> None:
        recovered = "never" if result.recovered_after is None else f"after {result.recovered_after:.1f} s"
        faults = f"{result.ended_at:%H:%M:%S} {' and '.join(result.faults)}"
        console.print(f"{faults}: recovered {recovered}, {result.lost} of {result.written} messages lost")
        for sentence in result.broken:
            console.print(f"  broken: {sentence}")

    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database: Database = SQLiteFile(folder / "emobot.db")
        if arguments.postgres:
            database = PostgresDatabase(await stack.enter_async_context(postgres()))
        chosen = [fault for fault in faults(type(database)) if not arguments.faults or fault.name in arguments.faults]
        plan = FaultPlan(chosen, 60 * arguments.minutes, arguments.seed, arguments.rate, arguments.shards)
        return await run_faults(folder, database, plan, print_result)


def tables(report: Report) -> list[Table]:
    """Return a table of the faults and one of the whole run."""
    each = Table("fault", title="Faults", caption="lost: missing from the mood counts")
    for title in ("recovered after", "written", "lost", "may be lost"):
        each.add_column(title, justify="right")
    for result in report.results:
        each.add_row(
            " and ".join(result.faults),
            "never" if result.recovered_after is None else f"{result.recovered_after:.1f} s",
            f"{result.written:,}",
            f"{result.lost:,}",
            f"{result.may_be_lost:,}" + (f" ± {result.sampling_error:.0f}" if result.sampling_error else ""),
            style="red" if result.broken else None,
        )
    whole = Table("", title="The whole run")
    whole.add_column("", justify="right")
    refusals, sizes = report.refusals, [result.size for result in report.results if result.size]
    for name, value in (
        ("messages written", f"{report.written:,}"),
        ("of them edited", f"{report.edited:,}"),
        ("of them deleted", f"{report.deleted:,}"),
        ("messages with a reaction", f"{report.reacted:,}"),
        ("messages in the mood counts", f"{report.counted:,}"),
        ("requests refused in a row", f"{refusals.in_a_row}"),
        ("requests refused in the worst ten minutes", f"{refusals.in_ten_minutes}"),
        ("MB of memory when idle", _range([size.memory // 2**20 for size in sizes])),
        ("tasks when idle", _range([size.tasks for size in sizes])),
        ("threads when idle", _range([size.threads for size in sizes])),
        ("open files when idle", _range([size.files for size in sizes])),
        ("processes", f"{report.starts}"),
        ("promises broken", f"{len(report.broken)}"),
    ):
        whole.add_row(name, value)
    return [each, whole]


def _range(numbers: Sequence[int]) -> str:
    return f"{min(numbers)} to {max(numbers)}" if numbers else "never"


def main() -> int:
    """Run, print tables, and return the exit status."""
    known = sorted({fault.name for database in (SQLiteFile, PostgresDatabase) for fault in faults(database)})
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="how long to inject faults (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="of the random choices (default: 0)")
    parser.add_argument("--rate", type=float, default=20.0, help="messages a second (default: 20)")
    parser.add_argument("--faults", nargs="+", choices=known, metavar="NAME", help=f"some of: {', '.join(known)}")
    parser.add_argument("--postgres", action="store_true", help="use a new PostgreSQL server instead of SQLite")
    parser.add_argument("--shards", type=int, default=1, help="how many shards the bot has (default: 1)")
    parser.add_argument("--log", type=Path, metavar="FILE", help="where to write the bot's log")
    arguments = parser.parse_args()
    if arguments.postgres and find_programs() is None:
        parser.error("PostgreSQL is not installed")
    console = Console()
    report = asyncio.run(run(arguments, console))
    if arguments.log:
        arguments.log.write_text("".join(f"{line}\n" for line in report.log))
    for table in tables(report):
        console.print(table)
    for sentence in report.broken:
        console.print(f"broken: {sentence}")
    return 1 if report.broken else 0


if __name__ == "__main__":
    sys.exit(main())
