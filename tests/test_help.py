"""The help of every command line is right."""

import re
import shlex
from collections.abc import Callable, Iterator

import click
import pytest

import train
from bot.cli import cli as bot_cli
from bot.cli import main as bot_main
from classifiers.cli import cli as classifiers_cli
from classifiers.cli import main as classifiers_main
from classifiers.study.command import study

MAINS = {
    "python train.py": train.main,
    "python -m bot": bot_main,
    "emobot": bot_main,
    "python -m classifiers": classifiers_main,
}
_EXAMPLE = re.compile(rf"^ *({'|'.join(map(re.escape, MAINS))})((?: \S+)*)", re.MULTILINE)


def contexts(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[click.Context]:
    """Yield the context of a command and of those below it."""
    context = click.Context(command, info_name=name, parent=parent, **command.context_settings)
    yield context
    if isinstance(command, click.Group):
        for each in command.list_commands(context):
            inner = command.get_command(context, each)
            assert inner
            yield from contexts(inner, each, context)


def recorder(record: list[str | None], name: str | None) -> Callable[..., int]:
    """Return a function that stands for a command and only records its name."""

    def note(*_: object, **__: object) -> int:
        record.append(name)
        return 0

    return note


def test_examples_are_accepted_by_the_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    roots = (train.train, "python train.py"), (study, "study"), (bot_cli, "emobot"), (classifiers_cli, "classifiers")
    all_of_them = [context for command, name in roots for context in contexts(command, name)]
    examples = [match.groups() for each in all_of_them for match in _EXAMPLE.finditer(each.get_help())]
    carried_out: list[str | None] = []
    for context in all_of_them:
        if not isinstance(context.command, click.Group):
            monkeypatch.setattr(context.command, "callback", recorder(carried_out, context.info_name))
    statuses = {program + words: MAINS[program](shlex.split(words)) for program, words in examples}
    assert set(statuses.values()) == {0}, statuses
    assert len(carried_out) == len(examples)
    assert carried_out.count("python train.py") >= 5
    assert "study" in carried_out


def test_no_list_of_commands_cuts_a_line() -> None:
    groups = [
        context
        for command in (bot_cli, classifiers_cli)
        for context in contexts(command, "x")
        if isinstance(context.command, click.Group)
    ]
    assert len(groups) == 3
    assert [
        line for group in groups for line in group.get_help().splitlines() if re.search(r"[^\]]\.\.\.$", line)
    ] == []
