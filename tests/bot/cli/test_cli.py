"""`emobot`, or `python -m bot`: its help, its errors, and how it starts."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bot.cli import cli, main
from tests.bot.cli.support import environment, error_sentence

COMMANDS = ["init", "run", "check", "invite", "dry-run", "data", "demo"]


@pytest.mark.parametrize("program", ["emobot", "python -m bot"])
@pytest.mark.parametrize("command", [[], ["run"], ["invite"]])
def test_a_missing_token_is_reported_with_what_to_do(
    capsys: pytest.CaptureFixture[str], command: list[str], program: str
) -> None:
    assert main(command, program) == 2
    sentence = error_sentence(capsys)
    assert f"in {Path.cwd() / '.env'}: run `{program} init`, which asks for it, or " in sentence
    assert f"`{program} demo`" in sentence
    Path(".env").touch()
    assert main(command, program) == 2
    assert f"in {Path.cwd() / '.env'}: write yours there after DISCORD_TOKEN=, or " in error_sentence(capsys)


def test_messages_name_the_program_as_it_was_called(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--loud"], "python -m bot") == 2
    assert error_sentence(capsys) == "No such option '--loud': see `python -m bot data --help`."


@pytest.mark.parametrize("command", [[], ["run"], ["check"], ["invite"], ["demo"], ["dry-run", "--file", "-"]])
def test_a_broken_setting_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "high")
    assert main(command) == 2
    assert error_sentence(capsys) == "EMOBOT_MIN_CERTAINTY must be a number from 0 to 1."


@pytest.mark.parametrize("command", [[], ["check"], ["demo"]])
def test_an_unknown_setting_stops_every_command(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    Path(".env").write_text("EMOBOT_REACT_WITH=rnn\n")
    assert main(command) == 2
    assert error_sentence(capsys) == "EMOBOT_REACT_WITH is not a setting (did you mean EMOBOT_REACTS_WITH?)."


def test_unreadable_line_of_the_env_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("EMOBOT_MOOD_DAYS=7\nDISCORD_TOKEN: secret\n")
    assert main(["check"]) == 2
    assert error_sentence(capsys).startswith("Line 2 of your .env cannot be read: write it as NAME=VALUE,")


def test_binary_env_file_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_bytes(b"\xff")
    assert main([]) == 2
    assert error_sentence(capsys) == "Your .env is not plain text: save it again as UTF-8."


def test_missing_models_are_reported_before_discord_is_asked(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", "nowhere")
    monkeypatch.setenv("DISCORD_TOKEN", "MQ.s3cr3t.s3cr3t")
    assert main([]) == 2
    assert "nowhere" in error_sentence(capsys)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["chat"], "No such command 'chat': see `emobot --help`."),
        (["chek"], "No such command 'chek'. Did you mean check? See `emobot --help`."),
        (["--", "--loud"], "No such option '--loud': see `emobot --help`."),
        (["--loud"], "No such option '--loud': see `emobot --help`."),
        (["check", "now"], "Got unexpected extra argument (now): see `emobot check --help`."),
        (["data"], "Missing command: see `emobot data --help`."),
        (["dry-run"], "Missing option '--file': see `emobot dry-run --help`."),
        (
            ["demo", "--port", "80000"],
            "Invalid value for '--port': '80000' is not a whole number from 0 to 65,535: see `emobot demo --help`.",
        ),
        (
            ["demo", "--port", "x"],
            "Invalid value for '--port': 'x' is not a whole number from 0 to 65,535: see `emobot demo --help`.",
        ),
    ],
)
def test_wrong_arguments_are_reported_in_one_sentence_with_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], sentence: str
) -> None:
    assert main(arguments) == 2
    assert error_sentence(capsys) == sentence


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"Emobot {metadata.version('emobot')}\n"


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS), ["data", "export"], ["data", "erase"]])
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    assert main([*command, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: {' '.join(['emobot', *command])} ")


def test_help_lists_every_command() -> None:
    result = CliRunner().invoke(cli, ["--help"])
    assert re.findall(r"^  ([a-z][a-z-]+)  ", result.output, re.MULTILINE) == COMMANDS
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command
        assert command.name == name


@pytest.mark.parametrize(
    ("words", "completed"),
    [("emobot d", {"dry-run", "data", "demo"}), ("emobot data ", {"export", "erase"}), ("emobot demo --p", {"--port"})],
)
def test_shells_complete_commands_and_options(
    words: str, completed: set[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_EMOBOT_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split(" ")) - 1))
    assert main() == 0
    assert {line.removeprefix("plain,") for line in capsys.readouterr().out.splitlines()} == completed


def test_help_and_wrong_arguments_import_neither_discord_nor_the_models() -> None:
    program = (
        "import sys\n"
        "from bot.cli import main\n"
        "print(main(['--help']), main(['no-such-command']))\n"
        "late = {'bot.client', 'classifiers.text', 'discord', 'numpy', 'pydantic', 'sqlalchemy'}\n"
        "print(sorted(late & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment()
    )
    assert done.stdout.splitlines()[-2:] == ["0 2", "[]"]


def test_ctrl_c_while_a_command_is_imported_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_name: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("importlib.import_module", interrupted)
    assert main(["check"]) == 130
