"""`python -m bot` as its users meet it: what it prints, and the status it ends with."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import discord
import msgspec
import numpy as np
import pytest
import yarl
from aiohttp import WSMsgType, web
from discord.gateway import DiscordWebSocket
from safetensors.numpy import load, save

from bot.__main__ import HASTE, _stoppable, main
from bot.logs import OWN
from classifiers.model_directory import MANIFEST, read_manifest, write_manifest
from tests.bot.scripted import SCRIPT, ScriptedClassifier

ROOT = Path(__file__).parents[2]
MESSAGES = "I am happy\nhmm\n\nhttps://example.com\nplain\r\n\u2028thanks\x1b[31m"


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scripted models in place of those of the model directory."""
    models = {"rnn": ScriptedClassifier(SCRIPT), "bilstm": ScriptedClassifier(SCRIPT)}
    monkeypatch.setattr("bot.client.load_models", lambda _directory: models)


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in ("", *OWN)]
    handlers, levels = list(loggers[0].handlers), [logger.level for logger in loggers]
    yield
    loggers[0].handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def environment(**variables: str) -> dict[str, str]:
    """The environment of a process of its own, without settings but those given."""
    return {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **variables}


def told(capsys: pytest.CaptureFixture[str]) -> str:
    """The one sentence on standard error."""
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err.rstrip("\n")


# ---------------------------------------------------------------- settings


def test_without_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    sentence = told(capsys)
    assert ".env" in sentence
    assert "`python -m bot demo`" in sentence


@pytest.mark.parametrize("command", [[], ["check"], ["demo"], ["dry-run", "--file", "-"]])
def test_a_broken_setting_stops_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str]
) -> None:
    monkeypatch.setenv("EMOBOT_MIN_CERTAINTY", "high")
    assert main(command) == 2
    assert told(capsys) == "EMOBOT_MIN_CERTAINTY must be a number from 0 to 1."


def test_a_broken_env_file(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_bytes(b"\xff")
    assert main([]) == 2
    assert told(capsys) == "Your .env is not plain text: save it again as UTF-8."


def test_missing_models(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", "nowhere")
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    assert main([]) == 2
    assert "nowhere" in told(capsys)


@pytest.mark.parametrize("arguments", [["--port", "80000"], ["--port", "x"]])
def test_a_port_must_be_one(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["demo", *arguments])
    assert ended.value.code == 2
    assert f"argument --port: {arguments[1]!r} is no port" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command", [[], ["check"], ["demo"], ["invite"], ["dry-run"], ["data"], ["data", "export"], ["data", "erase"]]
)
def test_every_command_has_help(capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: {' '.join(['python -m bot', *command])} ")


# ---------------------------------------------------------------- dry-run


@pytest.mark.usefixtures("scripted")
def test_a_dry_run_in_json(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_bytes(MESSAGES.encode())
    assert main(["dry-run", "--file", "messages.txt", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.split("\n")[:-1]]
    assert [tuple(row.values()) for row in rows] == [
        ("I am happy", "😃", "joy", 0.9, None),
        ("hmm", None, "joy", 0.45, "unsure"),
        ("", None, None, None, "empty"),
        ("https://example.com", None, None, None, "markup"),
        ("plain", None, "neutral", 0.8, "neutral"),
        ("\u2028thanks\x1b[31m", "🙏", "gratitude", 0.95, None),
    ]
    assert all(list(row) == ["text", "emoji", "emotion", "certainty", "reason"] for row in rows)


@pytest.mark.usefixtures("scripted")
def test_a_dry_run_for_the_eye(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_bytes(MESSAGES.encode())
    assert main(["dry-run", "--file", "messages.txt"]) == 0
    assert capsys.readouterr().out.split("\n") == [
        "😃\tjoy             90%                  I am happy",
        "-\tjoy             45%  unsure          hmm",
        "-\t                     empty",
        "-\t                     markup          https://example.com",
        "-\tneutral         80%  neutral         plain",
        "🙏\tgratitude       95%                   thanks [31m",
        "",
    ]


@pytest.mark.usefixtures("scripted")
def test_a_dry_run_shows_emoji_that_are_newer_than_python(capsys: pytest.CaptureFixture[str]) -> None:
    Path("messages.txt").write_text("happy 🩷\x1b[2J\u202e🫩", encoding="utf-8")
    assert main(["dry-run", "--file", "messages.txt"]) == 0
    assert capsys.readouterr().out.endswith("happy 🩷 [2J 🫩\n")


@pytest.mark.usefixtures("scripted")
@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("missing.txt", "missing.txt cannot be read: No such file or directory."),
        (".", ". cannot be read: Is a directory."),
        ("bytes.txt", "bytes.txt is not plain text: save it again as UTF-8."),
    ],
)
def test_a_file_that_cannot_be_read(capsys: pytest.CaptureFixture[str], path: str, sentence: str) -> None:
    Path("bytes.txt").write_bytes(b"\xff\xfe")
    assert main(["dry-run", "--file", path]) == 2
    assert told(capsys) == sentence


def test_a_dry_run_of_standard_input_with_the_shipped_weights() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "bot", "dry-run", "--file", "-", "--json"],
        input=b"Thank you so much, I really appreciate it!\n\nThe meeting is at ten on Thursday.\n",
        capture_output=True,
        check=True,
        env=environment(PYTHONIOENCODING="ascii"),
    )
    assert done.stderr == b""
    grateful, empty, neutral = map(json.loads, done.stdout.decode().splitlines())
    assert (grateful["emoji"], grateful["emotion"], grateful["reason"]) == ("🙏", "gratitude", None)
    assert grateful["certainty"] >= 0.5
    assert (empty["emoji"], empty["reason"]) == (None, "empty")
    assert (neutral["emoji"], neutral["reason"]) == (None, "neutral")


def test_a_closed_pipe_ends_quietly() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "bot", "dry-run", "--file", "-"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        process.stdin.write(b"\n" * 5000)
        process.stdin.close()
        assert process.wait(30) == 0
        assert process.stderr.read() == b""


# ---------------------------------------------------------------- Discord


class FakeDiscord:
    """Enough of Discord, over real HTTP and a real websocket, for a bot to log in or to be turned away."""

    def __init__(self) -> None:
        self.url = yarl.URL()
        self.login = 200
        self.application_flags = discord.ApplicationFlags(gateway_message_content_limited=True).value
        self.close_code = 4014
        self.ahead = timedelta()
        self.asked: list[str] = []

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/gateway", self.gateway)
        app.router.add_route("*", "/{path:.*}", self.answer)
        return app

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(f"{request.method} {request.path}")
        replies: dict[str, Any] = {
            "GET /users/@me": {"id": "1", "username": "Emobot", "discriminator": "0", "avatar": None},
            "GET /oauth2/applications/@me": {
                **{"id": "2", "name": "Emobot", "description": "", "icon": None, "bot_public": True},
                **{"bot_require_code_grant": False, "verify_key": "", "flags": self.application_flags},
                "owner": {"id": "3", "username": "alice", "discriminator": "0", "avatar": None},
            },
            "GET /gateway/bot": {
                "url": str(self.url),
                "shards": 1,
                "session_start_limit": {"total": 1, "remaining": 1, "reset_after": 0, "max_concurrency": 1},
            },
        }
        body = json.dumps(replies.get(self.asked[-1], [])).encode()
        date = format_datetime(datetime.now(UTC) + self.ahead, usegmt=True)
        return web.Response(body=body, content_type="application/json", status=self.login, headers={"Date": date})

    async def gateway(self, request: web.Request) -> web.WebSocketResponse:
        connection = web.WebSocketResponse()
        await connection.prepare(request)
        await connection.send_json({"op": 10, "d": {"heartbeat_interval": 40000}, "s": None, "t": None})
        async for message in connection:
            if message.type is WSMsgType.TEXT and message.json()["op"] == 2:
                await connection.close(code=self.close_code)
        return connection


@pytest.fixture
async def fake_discord(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeDiscord]:
    fake = FakeDiscord()
    runner = web.AppRunner(fake.app(), access_log=None)  # what it logs would stand among the words of the bot
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    fake.url = yarl.URL(f"http://127.0.0.1:{runner.addresses[0][1]}")
    monkeypatch.setattr(discord.http.Route, "BASE", str(fake.url))
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", fake.url.with_scheme("ws") / "gateway")
    monkeypatch.setenv("DISCORD_TOKEN", "s3cr3t")
    yield fake
    await runner.cleanup()


@pytest.mark.usefixtures("scripted")
class TestWithDiscord:
    async def test_a_wrong_token(self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]) -> None:
        fake_discord.login = 401
        assert await asyncio.to_thread(main, []) == 2
        out, err = capsys.readouterr()
        assert err.splitlines()[-1].startswith("Discord does not accept the DISCORD_TOKEN")
        assert "Traceback" not in err
        assert "s3cr3t" not in out + err

    async def test_nobody_is_told_to_install_what_voice_needs(
        self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(discord.VoiceClient, "warn_nacl", True)
        monkeypatch.setattr(discord.VoiceClient, "warn_dave", True)
        fake_discord.login = 401
        await asyncio.to_thread(main, [])
        assert "voice" not in capsys.readouterr().err

    async def test_the_message_content_intent_is_off(
        self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert await asyncio.to_thread(main, []) == 2
        err = capsys.readouterr().err
        assert "switch on Message Content Intent under Privileged Gateway Intents" in err.splitlines()[-1]
        assert "Traceback" not in err
        assert "GET /gateway/bot" in fake_discord.asked  # how many shards, the bot asks Discord

    async def test_another_end_of_the_connection(
        self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake_discord.close_code = 4013
        assert await asyncio.to_thread(main, []) == 1
        assert capsys.readouterr().err.splitlines()[-1] == "Discord closed the connection (code 4013): try again."

    async def test_the_gateway_does_not_accept_the_token(
        self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]
    ) -> None:
        fake_discord.close_code = 4004
        assert await asyncio.to_thread(main, []) == 2
        assert capsys.readouterr().err.splitlines()[-1].startswith("Discord does not accept the DISCORD_TOKEN")

    async def test_discord_fails(self, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]) -> None:
        fake_discord.login = 418
        assert await asyncio.to_thread(main, []) == 1
        assert capsys.readouterr().err.splitlines()[-1] == "Discord answered with HTTP 418: try again later."

    async def test_no_network(
        self, monkeypatch: pytest.MonkeyPatch, fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with socket.socket() as nobody_listens_there:
            nobody_listens_there.bind(("127.0.0.1", 0))
            port = nobody_listens_there.getsockname()[1]
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://127.0.0.1:{port}")
        assert await asyncio.to_thread(main, ["invite"]) == 1
        err = capsys.readouterr().err
        assert err.splitlines()[-1].startswith("Discord cannot be reached")
        assert "Traceback" not in err
        assert fake_discord.asked == []

    async def test_debugging_does_not_log_what_people_write(
        self, monkeypatch: pytest.MonkeyPatch, fake_discord: FakeDiscord
    ) -> None:
        monkeypatch.setenv("EMOBOT_LOG_LEVEL", "DEBUG")
        await asyncio.to_thread(main, [])
        assert fake_discord.asked
        assert logging.getLogger("bot").isEnabledFor(logging.DEBUG)
        assert not logging.getLogger("discord.gateway").isEnabledFor(logging.DEBUG)
        assert logging.getLogger("discord.gateway").isEnabledFor(logging.INFO)


# ---------------------------------------------------------------- check


def test_check_without_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    settings, models, rnn, bilstm, database, token = out.splitlines()
    assert settings == "Settings: in order."
    assert models.startswith("Models: ")
    assert rnn.startswith("  RNN: ")
    assert bilstm.startswith("  BiLSTM: ")
    assert bilstm.endswith("reacts to messages.")
    assert database == "Database: in order."
    assert token.startswith("Discord: not asked. There is no DISCORD_TOKEN")


def test_check_tells_which_labels_have_no_emoji(
    small_models: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOBOT_MODELS", str(small_models))
    write_manifest(
        small_models, msgspec.structs.replace(read_manifest(small_models), labels=("happy", "guilt", "neutral"))
    )
    assert main(["check"]) == 0
    assert (
        "There is no emoji for happy, guilt, so the bot does not react to them: give each one in the entry "
        f'"emoji" of {small_models / MANIFEST}, as {{"happy": "😊"}}, or by /settings'
    ) in capsys.readouterr().out
    edited = msgspec.structs.replace(read_manifest(small_models), emoji={"happy": "😊", "guilt": "🫥"})
    write_manifest(small_models, edited)
    assert main(["check"]) == 0
    assert "no emoji" not in capsys.readouterr().out


def test_check_finds_a_model_that_could_not_answer(
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
    assert out == "Settings: in order.\n"
    assert err.startswith(
        f"The file rnn.safetensors in {small_models} cannot be used: it holds numbers that are not fin"
    )
    assert err.count("\n") == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other permissions: run `wsl python3 -m pytest`")
def test_check_tells_what_others_on_the_computer_can_read(capsys: pytest.CaptureFixture[str]) -> None:
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


def test_check_finds_the_database_out_of_reach(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////no/such/folder/emobot.db")
    assert main(["check"]) == 1
    out, err = capsys.readouterr()
    assert "Database" not in out
    assert err.startswith("The database /no/such/folder/emobot.db failed: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("flag", ["gateway_message_content", "gateway_message_content_limited"])
async def test_check_with_all_in_order(
    fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    fake_discord.application_flags = discord.ApplicationFlags(**{flag: True}).value
    assert await asyncio.to_thread(main, ["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "Discord: the token is that of Emobot.\nMessage content intent: on.\n" in out
    assert "client_id=2&" in out
    assert {asked.split()[0] for asked in fake_discord.asked} == {"GET"}  # it only looks


@pytest.mark.parametrize(("ahead", "told"), [(-16, "1[67] fast"), (16, "1[56] slow"), (3, None)])
async def test_check_tells_when_the_clock_is_wrong(
    fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str], ahead: int, told: str | None
) -> None:
    fake_discord.ahead = timedelta(seconds=ahead)
    assert await asyncio.to_thread(main, ["check"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    if told:
        assert re.search(f"\nThis computer's clock is 0:00:{told}: set it right.", out)
    else:
        assert "clock" not in out


async def test_check_finds_the_intent_off(fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]) -> None:
    fake_discord.application_flags = 0
    assert await asyncio.to_thread(main, ["check"]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert "switch on Message Content Intent" in err


async def test_check_finds_the_token_wrong(fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]) -> None:
    fake_discord.login = 401
    assert await asyncio.to_thread(main, ["check"]) == 2
    assert capsys.readouterr().err.startswith("Discord does not accept the DISCORD_TOKEN")


# ---------------------------------------------------------------- invite


async def test_the_invitation_asks_for_what_is_needed_and_no_more(
    fake_discord: FakeDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, ["invite"]) == 0
    link = yarl.URL(capsys.readouterr().out.strip())
    assert link.query["client_id"] == "2"
    assert set(link.query["scope"].split()) == {"bot", "applications.commands"}
    needed = discord.Permissions(view_channel=True, read_message_history=True, add_reactions=True)
    assert int(link.query["permissions"]) == needed.value
    assert {asked.split()[0] for asked in fake_discord.asked} == {"GET"}


def test_there_is_no_invitation_without_a_token(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["invite"]) == 2
    assert "DISCORD_TOKEN" in told(capsys)


# ---------------------------------------------------------------- demo


def test_the_demo_needs_its_extra(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simcord", None)
    monkeypatch.delitem(sys.modules, "bot.cli.demo", raising=False)
    assert main(["demo"]) == 2
    assert told(capsys) == "The demo needs more packages: run `pip install '.[demo]'` in the project's folder."


@pytest.mark.usefixtures("scripted")
def test_the_demo_needs_its_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["demo", "--port", str(port)]) == 1
    assert told(capsys) == f"Port {port} is taken: choose another one by --port, or leave it out."


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_with_the_shipped_weights_until_it_is_stopped(stop: signal.Signals) -> None:
    """Also when a script started it in the background, which makes a process ignore SIGINT."""
    with subprocess.Popen(
        ["/bin/sh", "-c", 'trap "" INT; exec "$0" -m bot demo', sys.executable],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline().startswith("Emobot is waiting for you at http://127.0.0.1:")
        process.send_signal(stop)
        try:
            assert process.wait(20) == 0
        finally:
            process.kill()
        assert process.stderr.read() == ""


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
async def test_being_told_twice_to_stop_interrupts_no_writing(stop: signal.Signals) -> None:
    before = signal.getsignal(stop)
    written = False

    async def work() -> None:
        nonlocal written
        try:
            signal.raise_signal(stop)
            await asyncio.Event().wait()
        finally:
            for _ in range(3):
                signal.raise_signal(stop)
                await asyncio.sleep(0.01)
            written = True

    with pytest.raises(asyncio.CancelledError):
        await _stoppable(work())
    assert written
    assert signal.getsignal(stop) == before


ENDLESS = """
import asyncio, signal, threading
from bot import __main__ as cli

async def work():
    threading.Thread(target=threading.Event().wait).start()
    signal.raise_signal(signal.SIGTERM)
    try:
        await asyncio.Event().wait()
    finally:
        signal.raise_signal(signal.SIGTERM)
        await asyncio.Event().wait()

cli.HASTE = 0
asyncio.run(cli._stoppable(work()))
"""


def test_an_end_that_takes_for_ever_is_waited_for_for_three_seconds() -> None:
    assert HASTE == 3
    done = subprocess.run(
        [sys.executable, "-c", ENDLESS], capture_output=True, text=True, env=environment(), check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (1, "Stopped before all was written.\n")
