from __future__ import annotations

import asyncio
import errno
import io
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.cli import data, main
from bot.configuration import load_configuration
from bot.server_settings import ServerSettings
from bot.store import Store
from tests.bot.cli.support import Terminal, error_sentence

GUILD, OTHER_GUILD, USER, OTHER_USER = 111, 222, 333, 444
PAIR = ("rnn", "bilstm")


def with_store(work: Callable[[Store], Awaitable[Any]]) -> Any:
    """Do something with the store in the database of the command line."""

    async def do() -> Any:
        store = Store(load_configuration().database_url)
        await store.refresh()
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(do())


@pytest.fixture
def filled() -> None:
    """A database with data about two servers and two people."""

    async def fill(store: Store) -> None:
        for guild in (GUILD, OTHER_GUILD):
            await store.save_settings(guild, ServerSettings(emoji={"joy": "🎈"}))
            await store.add_correction(guild, "joy", "love")
            await store.add_verdict(guild, PAIR, "neither")
        for user in (USER, OTHER_USER):
            await store.opt_out(user)

    with_store(fill)


def kept_of(**subject: int) -> dict[str, Any]:
    kept: dict[str, Any] = with_store(
        lambda store: data.export(store, guild=subject.get("guild"), user=subject.get("user"))
    )
    return kept


@pytest.mark.usefixtures("filled")
def test_export_of_a_person_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "export", "--user", str(USER)]) == 0
    assert json.loads(capsys.readouterr().out) == {"user_id": USER, "opted_out": True}


@pytest.mark.usefixtures("filled")
def test_export_of_a_server_has_only_its_own_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "export", "--guild", str(GUILD)]) == 0
    out = capsys.readouterr().out
    assert json.loads(out) == kept_of(guild=GUILD)
    assert '"love"' in out
    assert "🎈" in out
    assert '"neither"' in out
    assert str(OTHER_GUILD) not in out


@pytest.mark.usefixtures("filled")
def test_export_of_an_unknown_person_says_not_opted_out(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "export", "--user", "5"]) == 0
    assert json.loads(capsys.readouterr().out) == {"user_id": 5, "opted_out": False}


@pytest.mark.usefixtures("filled")
def test_erasing_a_person_keeps_everybody_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "erase", "--user", str(USER), "--yes"]) == 0
    assert capsys.readouterr().out == f"Nothing is kept about the user {USER} any more.\n"
    assert not kept_of(user=USER)["opted_out"]
    assert kept_of(user=OTHER_USER)["opted_out"]
    assert kept_of(guild=GUILD) != kept_of(guild=1)


@pytest.mark.usefixtures("filled")
def test_erasing_a_server_keeps_all_others(capsys: pytest.CaptureFixture[str]) -> None:
    before = kept_of(guild=OTHER_GUILD)
    assert main(["data", "erase", "--guild", str(GUILD), "--yes"]) == 0
    assert capsys.readouterr().out == f"Nothing is kept about the server {GUILD} any more.\n"
    assert not with_store(lambda store: store.corrections(GUILD))
    assert not with_store(lambda store: store.verdicts(PAIR, GUILD))
    assert set(with_store(lambda store: store.known_guilds())) == {OTHER_GUILD}
    assert kept_of(guild=OTHER_GUILD) == before
    assert kept_of(user=USER)["opted_out"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("answer", ["y\n", " YES \n"])
def test_erase_asks_for_confirmation_at_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["data", "erase", "--user", str(USER)]) == 0
    assert capsys.readouterr().out.startswith(f"Erase all that is kept about the user {USER}, permanently? [y/N]: ")
    assert not kept_of(user=USER)["opted_out"]


@pytest.mark.usefixtures("filled")
@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yesterday\n"])
def test_any_answer_but_yes_erases_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    monkeypatch.setattr("sys.stdin", Terminal(answer))
    assert main(["data", "erase", "--user", str(USER)]) == 1
    assert capsys.readouterr().err == "Nothing was erased.\n"
    assert kept_of(user=USER)["opted_out"]


@pytest.mark.usefixtures("filled")
def test_ctrl_c_at_the_question_erases_nothing_and_ends_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_prompt: str = "") -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("click.termui.visible_prompt_func", interrupted)
    assert main(["data", "erase", "--user", str(USER)]) == 130
    assert kept_of(user=USER)["opted_out"]


@pytest.mark.usefixtures("filled")
def test_erase_without_a_terminal_requires_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["data", "erase", "--user", str(USER)]) == 2
    assert "--yes" in error_sentence(capsys)
    assert kept_of(user=USER)["opted_out"]


@pytest.mark.parametrize("command", [["export"], ["erase", "--yes"]])
@pytest.mark.parametrize("subject", ["--user", "--guild"])
def test_unusable_database_is_reported_with_status_1(
    capsys: pytest.CaptureFixture[str], command: list[str], subject: str
) -> None:
    Path("emobot.db").write_text("no database" * 100)
    assert main(["data", *command, subject, "5"]) == 1
    assert error_sentence(capsys) == "The database emobot.db failed: file is not a database."


@pytest.mark.parametrize("command", [["data", "export", "--user", "5"], ["check"]])
def test_unopenable_database_is_reported_with_the_reason_not_with_missing_tables(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    async def migrate(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("bot.store.sync.migrate", migrate)
    Path("emobot.db").touch()
    assert main(command) == 1
    assert (
        capsys.readouterr().err == f"The database emobot.db failed: [Errno {errno.ENOSPC}] No space left on device.\n"
    )


@pytest.mark.parametrize("command", [["export"], ["erase", "--yes"], ["erase"]])
@pytest.mark.parametrize("subject", ["--user", "--guild"])
def test_missing_database_file_is_reported_instead_of_no_data(
    capsys: pytest.CaptureFixture[str], command: list[str], subject: str
) -> None:
    assert main(["data", *command, subject, "5"]) == 2
    assert error_sentence(capsys) == (
        f"There is no database at {Path('emobot.db').absolute()}: run this in the folder in which you start the "
        "bot, or give the full path in DATABASE_URL."
    )
    assert not list(Path().iterdir())


@pytest.mark.parametrize("wrong", ["0", "-5", "x", "1.5", "²", "9223372036854775808", ""])
@pytest.mark.parametrize("subject", ["--user", "--guild"])
def test_a_wrong_id_is_refused(capsys: pytest.CaptureFixture[str], subject: str, wrong: str) -> None:
    assert main(["data", "export", f"{subject}={wrong}"]) == 2
    assert error_sentence(capsys).startswith(f"Invalid value for '{subject}': ")


@pytest.mark.parametrize("arguments", [["export"], ["erase", "--yes"], ["export", "--user", "5", "--guild", "6"]])
def test_exactly_one_of_guild_and_user_is_required(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    assert main(["data", *arguments]) == 2
    assert error_sentence(capsys) == f"Give either --guild or --user: see `emobot data {arguments[0]} --help`."
