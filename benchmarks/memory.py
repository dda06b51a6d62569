"""Measure how much memory the bot takes before it connects, step by step.

    python benchmarks/memory.py [--json]

Each row is a fresh process that does all steps up to that one. RSS is everything in memory, including pages of library
files, which processes share and the system can drop; USS is what would be freed if the process ended.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

STEPS = {
    "Python": "",
    "discord.py, an empty bot": "import discord; from discord.ext import commands",
    "NumPy": "import numpy",
    "ONNX Runtime": "import classifiers.onnx_runtime",  # without its telemetry, which would take 2 MB
    "SQLAlchemy with aiosqlite": "import aiosqlite, sqlalchemy",
    "the bot's own modules": "import bot.cli.run",
    "both models": "from classifiers import load_models; models = load_models()",
    "bot created, database open": """
import asyncio
from bot.client import create_bot
from bot.configuration import Configuration

async def open_database():
    bot = create_bot(Configuration(database_url=f"sqlite+aiosqlite:///{FOLDER}/emobot.db"), models=models)
    await bot.store.refresh()

asyncio.run(open_database())""",
    "one message read": "[model.predict(['i am so happy for you']) for model in models.values()]",
}
"""The code of each step, by its name in the table; each step is run after all steps above it."""

_WAIT = """
import os
print(os.getpid(), flush=True)
input()
"""
"""Makes the process wait until it has been measured from outside; psutil inside it would take 4 MB."""


def measure() -> dict[str, tuple[float, float]]:
    """Return RSS and USS in MB after each step; the database has its tables already, as at any start but the first."""
    sizes = {}
    with tempfile.TemporaryDirectory() as folder:
        done = f"FOLDER = {Path(folder).as_posix()!r}\n"
        _memory_after(done + "\n".join(STEPS.values()))
        for name, step in STEPS.items():
            done += f"{step}\n"
            sizes[name] = _memory_after(done)
    return sizes


def _memory_after(code: str) -> tuple[float, float]:
    """Return RSS and USS in MB of a fresh process that has run the code.

    Raises:
        RuntimeError: the code failed; its traceback is on standard error.
    """
    command = [sys.executable, "-c", f"{code}\n{_WAIT}"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:  # noqa: S603 - our own code
        assert process.stdin  # noqa: S101 - a pipe, like stdout
        assert process.stdout  # noqa: S101 - as above
        pid = process.stdout.readline()
        if not pid:
            raise RuntimeError("a step failed")
        memory = psutil.Process(int(pid)).memory_full_info()
        process.stdin.write("\n")
    return memory.rss / 2**20, memory.uss / 2**20


def main() -> None:
    """Measure, and print a table or JSON."""
    parser = argparse.ArgumentParser(description="Measure the bot's memory before it connects, step by step.")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    sizes = measure()
    if arguments.json:
        print(json.dumps(sizes))
        return
    table = Table("step", title="Memory in MB; + is what the step adds")
    for title in ("RSS", "+", "USS", "+"):
        table.add_column(title, justify="right")
    before = (0.0, 0.0)
    for name, after in sizes.items():
        cells = [f"{figure:.0f}" for now, was in zip(after, before, strict=True) for figure in (now, now - was)]
        table.add_row(name, *cells)
        before = after
    Console().print(table)


if __name__ == "__main__":
    main()
