from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from pathlib import Path

import discord
import msgspec
import numpy as np
import pytest
from safetensors.numpy import load, save

from benchmarks.gateway import Fault, LoopbackDiscord, garbled, no_text, refused, status
from bot.cli import main
from classifiers.model_directory import MANIFEST, read_manifest, write_manifest
from tests.bot.cli.support import error_sentence, requests


def test_without_a_token_all_but_discord_is_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    settings, models, rnn, bilstm, database, new, token = out.splitlines()
    assert settings == f"Settings: in order, from the environment only, since there is no {Path.cwd() / '.env'}."
    assert models.startswith("Models: ")
    assert models.endswith(", trained on GoEmotions, chat and people.")
    assert rnn.startswith("  RNN: ")
    assert bilstm.startswith("  BiLSTM: ")
    assert "macro-F1 0." in bilstm
    assert "calibration error 0." in bilstm
    assert bilstm.endswith("reacts to messages.")
    assert database == f"Database: {Path.cwd() / 'emobot.db'}, in order."
    assert new.startswith("  That file is new. If the bot has kept anything before, it is in another one: ")
    assert token.startswith("Discord: not checked. There is no DISCORD_TOKEN")


def test_help_says_that_the_database_is_created(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--help"]) == 0
    assert "a missing database is created" in " ".join(capsys.readouterr().out.split())


def test_env_file_and_database_are_looked_up_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        monkeypatch.chdir(folder)
        (folder / ".env").write_text(f"DATABASE_URL=sqlite:///{name}.db\n")
        for new in (True, False):
            assert main(["check"]) == 0
            out = capsys.readouterr().out
            assert out.startswith(f"Settings: in order, from the environment and {folder / '.env'}.\n")
            assert f"\nDatabase: {folder / name}.db, in order.\n" in out
            assert ("That file is new." in out) == new
    assert {file.name for file in (tmp_path / "first").glob("*.db")} == {"first.db"}


def test_labels_without_emoji_are_listed(
    small_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", str(small_models))
    write_manifest(
        small_models, msgspec.structs.replace(read_manifest(small_models), labels=("happy", "guilt", "neutral"))
    )
    assert main(["check"]) == 0
    assert (
        "There is no emoji for happy, guilt, so the bot does not react to them: give each one in the entry "
        f'"emoji" of {small_models / MANIFEST}, as {{"happy": "😊"}}, or in /settings'
    ) in capsys.readouterr().out
    edited = msgspec.structs.replace(read_manifest(small_models), emoji={"happy": "😊", "guilt": "🫥"})
    write_manifest(small_models, edited)
    assert main(["check"]) == 0
    assert "no emoji" not in capsys.readouterr().out


def test_a_model_with_numbers_that_are_not_finite_is_refused(
    small_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = small_models / "rnn.safetensors"
    arrays = load(weights.read_bytes())
    arrays["0.embeddings"][3] = np.nan
    weights.write_bytes(save(arrays))
    write_manifest(small_models, read_manifest(small_models))
    monkeypatch.setenv("EMOBOT_MODELS", str(small_models))
    assert main(["check"]) == 2
    out, err = capsys.readouterr()
    assert out.startswith("Settings: in order, ")
    assert out.count("\n") == 1
    assert err.startswith(
        f"The file rnn.safetensors in {small_models} cannot be used: it holds numbers that are not fin"
    )
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions: run `wsl python3 -m pytest`")
def test_files_that_others_can_read_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    def warnings() -> list[str]:
        assert main(["check"]) == 0
        return [line for line in capsys.readouterr().out.splitlines() if "chmod" in line]

    Path(".env").write_text("EMOBOT_MIN_CERTAINTY=0.5")
    Path(".env").chmod(0o600)
    assert warnings() == []
    for file, mode in ((".env", 0o604), ("emobot.db", 0o640)):
        Path(file).chmod(mode)
        assert warnings() == [f"  Other users of this computer can read {file}: run `chmod 600 {file}`."]
        Path(file).chmod(0o600)


def test_an_unreachable_database_is_reported_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/emobot.db")
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert "Database" not in out
    assert err.startswith("The database /no/such/folder/emobot.db failed: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("flag", ["gateway_message_content", "gateway_message_content_limited"])
async def test_invite_link_is_printed_if_everything_is_in_order(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    loopback.world.application_flags = discord.ApplicationFlags(**{flag: True}).value
    assert await asyncio.to_thread(main, ["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Discord: the token is that of Emobot.\nMessage content intent: on.\n" in out
    assert "client_id=2&" in out
    assert {asked.split()[0] for asked in requests(loopback)} == {"GET"}  # the check changes nothing


@pytest.mark.parametrize(("ahead", "expected"), [(-16, "1[67] fast"), (16, "1[56] slow"), (3, None)])
async def test_a_wrong_clock_is_reported(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str], ahead: int, expected: str | None
) -> None:
    loopback.ahead = timedelta(seconds=ahead)
    assert await asyncio.to_thread(main, ["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if expected:
        assert re.search(f"\nThis computer's clock is 0:00:{expected}: set it right.", out)
    else:
        assert "This computer's clock" not in out


async def test_a_missing_intent_is_reported(loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]) -> None:
    loopback.world.application_flags = 0
    assert await asyncio.to_thread(main, ["check"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "switch on Message Content Intent" in err


async def test_a_wrong_token_is_reported(loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]) -> None:
    loopback.api.fault = refused(401)
    assert await asyncio.to_thread(main, ["check"]) == 2
    assert capsys.readouterr().err.startswith("Discord does not accept the DISCORD_TOKEN")


@pytest.mark.parametrize("command", ["check", "invite"])
@pytest.mark.parametrize(
    "fault",
    [
        status(200, b"<html>Log in to our network</html>"),
        garbled(200),
        no_text(200),
        status(200, b"[1]", "application/json"),
    ],
)
async def test_answer_that_is_not_from_discord_is_reported_in_one_sentence(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str], command: str, fault: Fault
) -> None:
    loopback.api.fault = fault
    assert await asyncio.to_thread(main, [command]) == 1
    [sentence] = capsys.readouterr().err.splitlines()
    assert sentence.startswith("Something other than Discord answered: ")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        ("123456789012345678", "DISCORD_TOKEN must be the token of your bot, not the id of the application: "),
        ('"MQ.s3cr3t.s3cr3t"', "DISCORD_TOKEN must have no quotation marks around it."),
        ("Bot MQ.s3cr3t.s3cr3t", 'DISCORD_TOKEN must not have the word "Bot" before it.'),
    ],
)
async def test_malformed_token_is_reported_without_asking_discord(
    loopback: LoopbackDiscord,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    token: str,
    sentence: str,
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", token)
    assert await asyncio.to_thread(main, ["check"]) == 2
    assert error_sentence(capsys).startswith(sentence)
    assert loopback.api.requests == []


async def test_custom_discord_addresses_are_used_and_named(
    loopback: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1")  # a closed port
    monkeypatch.setenv("DISCORD_API_BASE", loopback.api_base)
    monkeypatch.setenv("DISCORD_GATEWAY_URL", "wss://gateway.example")
    assert await asyncio.to_thread(main, ["check"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert f"Discord's API: {loopback.api_base}, because DISCORD_API_BASE says so." in lines
    assert "Discord's gateway: wss://gateway.example, because DISCORD_GATEWAY_URL says so." in lines
    assert "GET /oauth2/applications/@me" in requests(loopback)
