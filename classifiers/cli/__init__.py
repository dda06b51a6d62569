"""The command line `python -m classifiers`: one command in each module."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from classifiers.cli.chat import chat
from classifiers.cli.compare import compare
from classifiers.cli.evaluate import evaluate
from classifiers.cli.exercise import exercise
from classifiers.command_line import finish, invoke, version_option

PROGRAM = "python -m classifiers"


@click.group(no_args_is_help=False, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def cli() -> None:
    """Ask the emotion models from a terminal."""


for _command in (compare, chat, evaluate, exercise):
    cli.add_command(_command)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status: 2 for wrong arguments, 130 after Ctrl-C."""
    return finish(lambda: invoke(cli, list(sys.argv[1:] if argv is None else argv), PROGRAM))
