"""`python -m classifiers exercise`: check an answer to an exercise of the course."""

from __future__ import annotations

from pathlib import Path

import click

from classifiers.command_line import WholeNumber
from classifiers.errors import ExerciseError
from classifiers.exercises import catalogue
from classifiers.exercises.attempt import Attempt
from classifiers.exercises.catalogue import EXERCISES


@click.command(short_help="Check your answer to an exercise of the course.")
@click.argument("number", type=WholeNumber(1, len(EXERCISES)), required=False)
@click.option(
    "--file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Check this file (default: that of the exercise, in docs/course/exercises).",
)
def exercise(number: int | None, file: Path | None) -> int:
    """Check your answer to exercise NUMBER of the course, or list the exercises.

    Each exercise is a Python file, which says what to do. Edit it, then check it with this command.
    """
    if number is None:
        if file is not None:
            raise click.UsageError("Give the number of the exercise before --file", click.get_current_context())
        _list()
        return 0
    chosen = EXERCISES[number - 1]
    click.echo(chosen.check(Attempt(file or _file_of(chosen.file))))
    return 0


def _list() -> None:
    width = max(len(one.title) for one in EXERCISES)
    for number, one in enumerate(EXERCISES, start=1):
        click.echo(f"{number}  {one.title:{width}}  {_file_of(one.file)}")
    click.echo("\nEdit a file as its first lines say, then check it: python -m classifiers exercise 1")


def _file_of(name: str) -> Path:
    """Return the path of an exercise's file, relative to the current folder if that is shorter.

    Raises:
        ExerciseError: the file does not exist.
    """
    folder = catalogue.FOLDER
    if not folder.is_dir():
        raise ExerciseError(
            "The exercises come with the repository, not with the installed package: clone "
            "https://github.com/emobot-project/emobot and run this command in its folder."
        )
    file = folder / name
    shown = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    if not file.is_file():
        raise ExerciseError(f"{shown} is missing: run `git checkout {shown}`.")
    return shown
