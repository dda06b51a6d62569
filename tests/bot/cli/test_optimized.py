"""The bot without docstrings and assertions, as the files in deploy/ start it, which takes 7 MB less memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bot.cli.support import environment
from tests.bot.cli.texts import discord_commands, helps


def run(*arguments: str, text: str | None = None) -> str:
    command = [sys.executable, "-OO", *arguments]
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, check=False, env=environment(PYTHONIOENCODING="utf-8")
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.slow
async def test_help_and_commands_are_the_same_without_docstrings() -> None:
    of_terminal, of_discord = json.loads(run("-m", "tests.bot.cli.texts"))
    assert of_terminal == helps()
    assert of_discord == await discord_commands()


@pytest.mark.slow
def test_check_and_dry_run_work_with_assertions_stripped() -> None:
    program = (
        "import sys; from bot.cli import main; "
        "sys.exit(main(['check']) or main(['check']) or main(['dry-run', '--file', '-']))"
    )
    lines = run("-c", program, text="I am so happy for you!").splitlines()
    in_order = f"Database: {Path.cwd() / 'emobot.db'}, in order."
    assert lines.count(in_order) == 2
    assert lines[-1].split()[1] == "joy"
