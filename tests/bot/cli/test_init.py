from __future__ import annotations

import asyncio
import errno
import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord, refused
from bot.cli import main
from tests.bot.cli.support import TOKEN, Terminal, environment, error_sentence

EXAMPLE = Path(__file__).parents[3] / ".env.example"
ENV = Path(".env")


def env_content() -> str:
    return ENV.read_text()


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> list[str | type[BaseException]]:
    """The lines typed at the question for the token; exceptions among them are raised."""
    lines: list[str | type[BaseException]] = []

    def answer(_prompt: str) -> str:
        line = lines.pop(0)
        if isinstance(line, str):
            return line
        raise line

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("click.termui.hidden_prompt_func", answer)
    return lines


@pytest.fixture
def new_bot(loopback: LoopbackDiscord, small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in for Discord, no token in the environment, and small models to check."""
    del loopback
    monkeypatch.delenv("DISCORD_TOKEN")
    monkeypatch.setenv("EMOBOT_MODELS", str(small_models))


@pytest.mark.usefixtures("new_bot")
async def test_init_writes_the_token_and_checks_everything(
    tmp_path: Path,
    typed: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    typed += ["123456789012345678", f" {TOKEN} "]
    assert await asyncio.to_thread(main, ["init"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\nDISCORD_TOKEN must be the token of your bot, not the id of the application: " in out
    assert f"\nWritten: {tmp_path / '.env'}, with all settings.\nSettings: in order, " in out
    assert "\nDiscord: the token is that of Emobot.\n" in out
    assert "client_id=2&" in out
    assert TOKEN not in out
    assert env_content() == EXAMPLE.read_text().replace("DISCORD_TOKEN=\n", f"DISCORD_TOKEN={TOKEN}\n")


@pytest.mark.usefixtures("new_bot")
async def test_a_token_that_discord_refuses_is_reported(
    loopback: LoopbackDiscord,
    typed: list[str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    loopback.api.fault = refused(401)
    typed += [TOKEN]
    assert await asyncio.to_thread(main, ["init"]) == 2
    assert capsys.readouterr().err.startswith("Discord does not accept the DISCORD_TOKEN")


def test_init_without_a_terminal_writes_the_file_and_names_the_next_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{TOKEN}\n"))
    assert main(["init"], "python -m bot") == 0
    assert capsys.readouterr().out == (
        f"Written: {ENV.absolute()}, with all settings.\n"
        "Add the token of your bot after DISCORD_TOKEN= in it, then run `python -m bot check`.\n"
    )
    assert env_content() == EXAMPLE.read_text()
    assert not Path("emobot.db").exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link to nothing"])
def test_existing_env_file_is_left_unchanged(kind: str, typed: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    if kind == "file":
        ENV.write_text("mine")
    elif kind == "directory":
        ENV.mkdir()
    else:
        ENV.symlink_to("nowhere")
    before = ENV.lstat()
    typed += [TOKEN]
    assert main(["init"]) == 2
    assert error_sentence(capsys) == f"{ENV.absolute()} already exists: edit it, or move it away first."
    assert ENV.lstat() == before
    assert typed == [TOKEN]


@pytest.mark.parametrize(
    ("ended_by", "status", "sentence"), [(EOFError, 1, "Nothing was written.\n"), (KeyboardInterrupt, 130, "")]
)
def test_the_end_of_input_and_ctrl_c_write_nothing(
    typed: list[str | type[BaseException]],
    capsys: pytest.CaptureFixture[str],
    ended_by: type[BaseException],
    status: int,
    sentence: str,
) -> None:
    typed += [ended_by]
    assert main(["init"]) == status
    assert capsys.readouterr().err == sentence
    assert not ENV.exists()


def test_full_disk_leaves_no_partial_file(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(descriptor: int, mode: str, encoding: str) -> io.StringIO:
        os.close(descriptor)
        raise OSError(errno.ENOSPC, f"No space left on device for {mode} in {encoding}")

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("bot.cli.init.open", full, raising=False)
    assert main(["init"]) == 1
    assert error_sentence(capsys).startswith(f"{ENV.absolute()} cannot be used: No space left on device for w in utf-8")
    assert not ENV.exists()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Both ends of a terminal: that of the person and that of the program."""
    pty = pytest.importorskip("pty", reason="there is none on Windows: run `wsl python3 -m pytest`")
    person, program = pty.openpty()
    yield person, program
    for end in (person, program):
        os.close(end)


@pytest.mark.timeout(120)  # it would wait for ever if the question appeared elsewhere
def test_typed_token_is_not_shown_and_the_file_is_private(
    terminal: tuple[int, int],
) -> None:
    person, program = terminal
    started = subprocess.Popen(
        [sys.executable, "-m", "bot", "init"],
        stdin=program,
        stdout=subprocess.PIPE,
        stderr=program,
        env=environment(),
        start_new_session=True,  # so that no other terminal is used
    )
    shown = b""
    while b"Token" not in shown:
        shown += os.read(person, 1024)
    os.write(person, b"123456789012345678\n")
    while shown.count(b"Token") < 2:
        shown += os.read(person, 1024)
    os.write(person, b"\n")
    out, _ = started.communicate()
    assert started.returncode == 0
    assert b"not the id of the application" in out
    assert b"123456789012345678" not in shown + out
    assert out.endswith(b"after DISCORD_TOKEN= in it, then run `python -m bot check`.\n")
    assert ENV.stat().st_mode & 0o777 == 0o600
