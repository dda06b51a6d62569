"""Time what the bot does with a message before a network reads it, for the slowest known texts.

    python benchmarks/hostile_text.py [--rounds 5] [--most 12] [--json]

Each text repeats one of the pieces in `tests/hostile.py`, up to Discord's limit. All take turns with an ordinary text
of the same length; "times ordinary" is the ratio to it. "doubled" is the ratio for a text of twice the length: 2 means
that the time grows with the length, 4 that it grows with its square.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.markup import escape
from rich.table import Table

sys.path[0] = str(Path(__file__).parents[1])  # otherwise `bot.py` in this folder would be imported as the package `bot`

from benchmarks.cpu_time import median_cpu_times
from bot.reactions.grave_topics import is_grave
from bot.reactions.irony import is_ironic
from classifiers import load_models
from tests.hostile import PIECES

LENGTH = 4000
"""Discord's limit on the characters of a message."""

ORDINARY = "I am so happy for you, it is great! Why don't we celebrate tonight? "


class Timing(NamedTuple):
    """The time that a step takes for a text, and two ratios; they are explained at the top of this file."""

    piece: str
    milliseconds: float
    times_ordinary: float
    doubled: float


def repeat(piece: str, length: int) -> str:
    """Return a piece repeated up to a length."""
    return (piece * (length // len(piece) + 1))[:length]


def slowest_texts(step: Callable[[str], object], rounds: int, most: int) -> list[Timing]:
    """Return the timings of the pieces for which a step takes longest, the slowest first."""
    texts = {piece: repeat(piece, LENGTH) for piece in PIECES}
    runs = {piece: partial(step, text) for piece, text in texts.items()} | {"": partial(step, repeat(ORDINARY, LENGTH))}
    times = median_cpu_times(runs, rounds)
    slowest = sorted(texts, key=lambda piece: -times[piece])[:most]
    longer = median_cpu_times({piece: partial(step, repeat(piece, 2 * LENGTH)) for piece in slowest}, rounds)
    return [Timing(piece, times[piece], times[piece] / times[""], longer[piece] / times[piece]) for piece in slowest]


def main() -> None:
    """Measure, and print a table for each step, or JSON."""
    parser = argparse.ArgumentParser(description="Time what the bot does with hostile texts.")
    parser.add_argument("--rounds", type=int, default=5, help="turns, of which the median counts (default: 5)")
    parser.add_argument("--most", type=int, default=12, help="how many texts to show for each step (default: 12)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    tokenizer = load_models()["rnn"].tokenizer
    steps: dict[str, Callable[[str], object]] = {
        "token numbers": tokenizer.read,
        "grave messages": is_grave,
        "irony": is_ironic,
        "words read (panels)": tokenizer.words_read,
    }
    found = {name: slowest_texts(step, arguments.rounds, arguments.most) for name, step in steps.items()}
    if arguments.json:
        print(json.dumps({name: [timing._asdict() for timing in timings] for name, timings in found.items()}))
        return
    for name, timings in found.items():
        table = Table("text", title=f"{name}: {LENGTH:,} characters")
        for title in ("ms", "times ordinary", "doubled"):
            table.add_column(title, justify="right")
        for timing in timings:
            table.add_row(
                escape(ascii(timing.piece)),
                f"{timing.milliseconds:.1f}",
                f"{timing.times_ordinary:.1f}",
                f"{timing.doubled:.1f}",
            )
        Console().print(table)


if __name__ == "__main__":
    main()
