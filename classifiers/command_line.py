"""Provide what the command lines share: options within bounds, grouped help, and errors in one sentence."""

from __future__ import annotations

import errno
import io
import math
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
from typing import Any

import click

from classifiers.errors import ClassifiersError

version_option = click.version_option(package_name="emobot", message="Emobot %(version)s")
"""The option --version of every command line."""


_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class WholeNumber(click.IntRange):
    """Whole numbers from `min` to `max`; other values are refused in a sentence that names both."""

    name = "whole number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number.

        Raises:
            click.BadParameter: it is none, or out of bounds.
        """
        try:
            return int(super().convert(value, param, ctx))
        except click.BadParameter:
            sentence = f"{str(value)[:40]!r} is not a whole number from {self.min} to {self.max:,}."
            raise click.BadParameter(sentence, ctx, param) from None


class Number(click.FloatRange):
    """Numbers from `min` to `max`, or between them if open; other values are refused in a sentence that names both."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the number.

        Raises:
            click.BadParameter: it is none, or out of bounds.
        """
        try:
            number = float(super().convert(value, param, ctx))
        except click.BadParameter:
            number = math.nan
        if not math.isnan(number):
            return number
        least = f"above {self.min}" if self.min_open else f"from {self.min}"
        most = f"and below {self.max}" if self.max_open else f"to {self.max}"
        raise click.BadParameter(f"{str(value)[:40]!r} is not a number {least} {most}.", ctx, param)


class GroupedOption(click.Option):
    """An option that is listed under a heading of its group in the help of a `GroupedCommand`."""

    def __init__(self, *args: Any, group: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.group = group


class GroupedCommand(click.Command):
    """A command whose help shows its options by group, in the order of their declaration."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group, and one for the options without a group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record:
                groups.setdefault(getattr(param, "group", "Options"), []).append(record)
        for title, records in groups.items():
            with formatter.section(title):
                formatter.write_dl(records)


def repeated(option: str, words: Sequence[str]) -> list[str]:
    """Return a command line in which the option is repeated before each of its values, as click requires.

    >>> repeated("--model", ["--model", "rnn", "gru", "--resume"])
    ['--model', 'rnn', '--model', 'gru', '--resume']
    """
    result: list[str] = []
    takes_values = False  # whether the next word would be a value of the option
    for previous, word in pairwise(["", *words]):
        if word.startswith("-"):
            takes_values = word == option
        elif takes_values and previous != option:
            result.append(option)
        result.append(word)
    return result


def invoke(command: click.Command, words: Sequence[str], name: str) -> int:
    """Run a click command and return the exit status that its function returns; 0 after --help.

    Wrong arguments lead to one sentence on standard error and status 2. The words become the context's `obj`.
    """
    try:
        with command.make_context(name, list(words), obj=tuple(words)) as context:
            status: int = command.invoke(context)
            return status
    except click.exceptions.Exit as end:  # after --help
        return end.exit_code
    except click.UsageError as error:
        return tell(_describe_usage(error, error.ctx.command_path if error.ctx else name), error.exit_code)


def with_suggestion(sentence: str, word: str, known: Iterable[str]) -> str:
    """Return a sentence about an unknown word, followed by a question with the known words that are like it.

    >>> with_suggestion("No such command 'chek'.", "chek", ["run", "check"])
    "No such command 'chek'. Did you mean check?"
    """
    names = {each.lstrip("-"): each for each in known}  # which would make all options similar
    close = [names[name] for name in get_close_matches(word.lstrip("-"), names)]
    return f"{sentence} Did you mean {' or '.join(close)}?" if close else sentence


def finish(work: Callable[[], int]) -> int:
    """Do the work of a command and return the exit status.

    That is the result of `work`, 2 after a user error, 1 if the machine failed (such as a full disk), and 130 after
    Ctrl-C. Errors are printed as one sentence on standard error. It is not an error if nobody reads the output to its
    end.
    """
    _set_up_streams()
    try:
        status = work()
        sys.stdout.flush()
    except ClassifiersError as error:
        return tell(str(error), 2)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # the reader of our output has seen enough, as in `... | head`
        _discard_output()
        return 0
    except MemoryError:
        return tell("There is not enough memory for this: try something smaller.", 1)
    except OSError as error:
        _discard_output()
        return tell(_describe(error), 1)
    return status


def tell(sentence: str, status: int) -> int:
    """Print a sentence on one line of standard error, with escapes for control characters, and return the status.

    A sentence may quote a file's name, which may have any characters.
    """
    shown = _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), sentence)
    print(shown, file=sys.stderr)  # noqa: T201 - for who runs the command
    return status


def _describe_usage(error: click.UsageError, command_path: str) -> str:
    """Return what is wrong with the arguments, what may have been meant, and where to read more."""
    if isinstance(error, click.BadParameter) and isinstance(error.param, click.Argument) and error.param_hint is None:
        error.param_hint = [error.param.human_readable_name.strip("[].")]  # `[NUMBER]` means that it may be left out
    sentence = error.format_message()
    if possibilities := getattr(error, "possibilities", None):  # click's own question is in brackets if it has several
        word = error.option_name if isinstance(error, click.NoSuchOption) else getattr(error, "command_name", "")
        sentence = with_suggestion(error.message, word, possibilities)
    if sentence.endswith("?"):
        return f"{sentence} See `{command_path} --help`."
    return f"{sentence.rstrip('.')}: see `{command_path} --help`."


def _describe(error: OSError) -> str:
    """Return a sentence that says what cannot be used and, where that is known, what to do."""
    if error.filename is None and _in_deleted_folder():
        return "The current folder no longer exists: change to another one."
    what = f"{error.filename} cannot be used" if error.filename else "Something could not be read or written"
    remedy = ", so make room on the disk and try again" if error.errno == errno.ENOSPC else ""
    return f"{what}: {error.strerror or error}{remedy}."


def _in_deleted_folder() -> bool:
    try:
        Path.cwd()
    except OSError:
        return True
    return False


def _set_up_streams() -> None:
    """Make output accept all characters, whatever the locale, and replace closed streams with empty ones."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, mode, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115 - until the end
            setattr(sys, name, stream)
        elif mode == "w" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard_output() -> None:
    """Discard what standard output still buffers, which would otherwise fail again at exit."""
    with suppress(OSError):  # in tests it is not a file
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
