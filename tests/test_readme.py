"""The README keeps its word."""

import re
import shlex
from contextlib import suppress
from pathlib import Path

import pytest

import train
from bot.cli import main as bot_main
from classifiers.cli import main as classifiers_main
from classifiers.model_directory import PRETRAINED, read_manifest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_two_commands_set_everything_up() -> None:
    commands = re.findall(r"^python3 -m venv .*$", README, re.MULTILINE)
    assert [command.split(" && ")[-1] for command in commands] == [
        ".venv/bin/python -m bot demo",
        ".venv/bin/python -m pytest",
    ]
    assert "grep -m 1 'pytest$' README.md" in (ROOT / ".ci" / "run").read_text()
    assert re.search(r"pytest$", README, re.MULTILINE)


def test_the_command_that_made_the_shipped_weights_is_told() -> None:
    assert f"`{read_manifest(PRETRAINED).command}`" in README


def test_every_option_exists(capsys: pytest.CaptureFixture[str]) -> None:
    helps = ""
    for main, words in (
        (bot_main, ["--help"]),
        (bot_main, ["demo", "--help"]),
        (bot_main, ["dry-run", "--help"]),
        (bot_main, ["data", "export", "--help"]),
        (classifiers_main, ["compare", "--help"]),
        (classifiers_main, ["evaluate", "--help"]),
        (train.main, ["--help"]),
    ):
        with suppress(SystemExit):
            main(words)
        helps += capsys.readouterr().out
    options = set(re.findall(r"(?<=[ `])--[a-z][a-z-]+", README))
    assert len(options) > 4
    assert [option for option in options if option not in helps] == []


def test_the_comparison_runs_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    for command in re.findall(r"python -m classifiers (compare [^`]*)`", README):
        assert classifiers_main(shlex.split(command)) == 0
        assert re.search("not (bad at all|happy)", capsys.readouterr().out)


def test_the_tree_has_every_package() -> None:
    _, tree, _ = README.partition("## How it is built")[2].split("```\n", 2)
    folders = [file.parent.name for root in ("bot", "classifiers") for file in (ROOT / root).glob("*/__init__.py")]
    assert len(folders) > 8
    assert [folder for folder in folders if not re.search(rf"(^|\s){folder}/", tree)] == []


def test_files_that_are_pointed_to_exist() -> None:
    targets = re.findall(r'(?:\]\(|src="|srcset=")(?!http)([^)"]+)[)"]', README)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []
