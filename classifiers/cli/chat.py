"""`python -m classifiers chat`: show both models' answers to each line that is typed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import click

from classifiers.classifier import compare
from classifiers.cli.insight import explain_answer
from classifiers.cli.lines import read_lines
from classifiers.cli.options import models_option
from classifiers.errors import require
from classifiers.model_directory import load_models


@click.command(short_help="Show both models' emotions for each line that you type.")
@models_option
def chat(directory: Path) -> int:
    """Show both models' emotions, and the words that counted most, for each line that you type.

    The arrow keys recall earlier lines, which are kept in memory only. Input need not come from a terminal.
    """
    require("Chatting in a terminal", "cli", "rich", "prompt_toolkit")
    from rich.text import Text  # noqa: PLC0415 - only now is it known to be installed

    from classifiers.cli.tables import comparison_table, legend, terminal  # noqa: PLC0415 - likewise

    models = load_models(directory)
    console = terminal()
    at_keyboard = sys.stdin.isatty() and sys.stdout.isatty()
    if at_keyboard:
        ends = Text.assemble("Type a line to see its emotions; end with Ctrl-D or ", ("exit", "bold"), ".")
        console.print(ends)
        console.print("The arrow keys bring lines back until then. Nothing you type is stored.", style="dim")
    console.print(legend(marked=console.is_terminal))
    for line in _typed_lines() if at_keyboard else read_lines(Path("-")):
        if line.strip() == "exit":
            break
        if line.strip():
            answers = compare(models, line)
            insights = {name: explain_answer(name, model, line) for name, model in models.items()}
            console.print(comparison_table(line, answers, 3, insights))
    return 0


def _typed_lines() -> Iterator[str]:
    """Yield lines from the keyboard, with a history that is kept only in memory, for privacy."""
    from prompt_toolkit import PromptSession  # noqa: PLC0415 - only this needs it, and it takes a tenth of a second
    from prompt_toolkit.history import InMemoryHistory  # noqa: PLC0415 - likewise
    from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent  # noqa: PLC0415 - likewise

    keys = KeyBindings()

    @keys.add("c-c")
    def _clear(event: KeyPressEvent) -> None:
        event.current_buffer.reset()

    session: PromptSession[str] = PromptSession(history=InMemoryHistory(), key_bindings=keys)
    with suppress(EOFError):  # Ctrl-D
        while True:
            yield session.prompt([("bold ansicyan", "> ")])
