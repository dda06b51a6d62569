"""`python -m bot dry-run`: what the bot would do with each line of a file."""

from __future__ import annotations

import json
import sys
from typing import NamedTuple, TextIO

import click
import regex

from bot.analysis.models import load_configured_models
from bot.cli.errors import CommandError, reports_errors
from bot.configuration import load_configuration
from bot.reactions.gate import no_words_reason
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import Policy
from classifiers import Classifier

MAX_LINE = 1_000_000
"""The most characters of a line, so that a line without an end does not take all memory."""

# By regex's tables, since Python's own do not know emoji that are newer than the interpreter.
_INVISIBLE = regex.compile(r"(?!\p{Extended_Pictographic})[\p{C}\p{Z}]")


@click.command(
    name="dry-run",
    help="Print the reaction to each line of a file, or the reason for none; each line is one message.",
)
@click.option(
    "--file",
    "path",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    required=True,
    metavar="FILE",
    help="UTF-8 text, one message per line; - is standard input",
)
@click.option(
    "--json", "as_json", is_flag=True, help="print one JSON object per line: text, emoji, emotion, certainty, reason"
)
@reports_errors
def dry_run(path: str, as_json: bool) -> None:
    """Print what the bot would do with each line of a file."""
    configuration = load_configuration()
    model = load_configured_models(configuration)[configuration.reacts_with]
    show = _as_json if as_json else _as_row
    try:
        with _open(path) as lines:
            empty = True
            for line in iter(lambda: lines.readline(MAX_LINE + 1), ""):
                empty = False
                if len(line.removesuffix("\n")) > MAX_LINE:
                    sentence = f"{path} has a line of more than {MAX_LINE:,} characters: give one message per line."
                    raise CommandError(sentence, 2)
                click.echo(show(_decide(line.removesuffix("\n"), model, configuration.min_certainty)))
            if empty and path != "-":
                raise CommandError(f"{path} is empty.", 2)
    except UnicodeDecodeError:
        raise CommandError(f"{path} is not plain text: save it again as UTF-8.", 2) from None


class _Line(NamedTuple):
    """A line of the file and what the bot would do with it; the fields are those of the JSON object."""

    text: str
    emoji: str | None
    emotion: str | None
    certainty: float | None
    reason: Outcome | None


def _decide(text: str, model: Classifier, minimum_certainty: float | None) -> _Line:
    if reason := no_words_reason(text):
        return _Line(text, None, None, None, reason)
    [prediction] = model.predict([text])
    decision = Policy(minimum_certainty).choose(text, prediction)
    return _Line(text, decision.emoji, decision.emotion, decision.certainty, decision.reason)


def _open(path: str) -> TextIO:
    source: str | int = sys.stdin.fileno() if path == "-" else path
    return open(source, encoding="utf-8-sig", closefd=path != "-")


def _as_json(line: _Line) -> str:
    return json.dumps(line._asdict(), ensure_ascii=False)


def _as_row(line: _Line) -> str:
    sure = "" if line.certainty is None else f"{line.certainty:.0%}"
    shown = _INVISIBLE.sub(" ", line.text)
    return f"{line.emoji or '-'}\t{line.emotion or '':<14} {sure:>4}  {line.reason or '':<14}  {shown}".rstrip()
