from __future__ import annotations

import asyncio
import json
import logging
import socket

import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket

from benchmarks.gateway import LoopbackDiscord, World, refused, status
from bot.cli import main
from bot.store import PoolerError
from tests.bot.cli.support import error_sentence, requests
from tests.loopback import environment

pytestmark = pytest.mark.usefixtures("stub_models")


@pytest.fixture
def world() -> World:
    """A Discord in which the intent is not enabled, so that each bot is refused and ends by itself."""
    return World(application_flags=0)


async def test_a_wrong_token_is_reported_without_the_token(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.api.fault = refused(401)
    assert await asyncio.to_thread(main, []) == 2
    out, err = capsys.readouterr()
    assert err.splitlines()[-1].startswith("Discord does not accept the DISCORD_TOKEN")
    assert "Traceback" not in err
    assert "s3cr3t" not in out + err


@pytest.mark.parametrize("command", [[], ["check"]])
async def test_transaction_pooler_is_refused_at_the_start(
    loopback: LoopbackDiscord,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    command: list[str],
) -> None:
    async def look(*_: object) -> bool:
        raise PoolerError

    monkeypatch.setattr("bot.store.sync.migrate", look)
    assert await asyncio.to_thread(main, command) == 2
    err = capsys.readouterr().err
    assert err.splitlines()[-1].startswith("The database cannot be used: a pooler gives each transaction another")
    assert "Traceback" not in err
    assert "GET /gateway/bot" not in requests(loopback)  # so it did not connect


async def test_garbage_collection_skips_objects_loaded_at_the_start(
    loopback: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise a full collection takes a quarter of a second, in which no heartbeat is sent."""
    frozen: list[list[str]] = []
    monkeypatch.setattr("gc.freeze", lambda: frozen.append(requests(loopback)))
    await asyncio.to_thread(main, [])
    assert frozen == [[]]  # once, before the first request to Discord


async def test_missing_voice_libraries_are_not_mentioned(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.VoiceClient, "warn_nacl", True)
    monkeypatch.setattr(discord.VoiceClient, "warn_dave", True)
    loopback.api.fault = refused(401)
    await asyncio.to_thread(main, [])
    err = capsys.readouterr().err
    assert "DISCORD_TOKEN" in err
    assert "voice" not in err


async def test_a_missing_message_content_intent_is_reported(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    assert await asyncio.to_thread(main, []) == 2
    err = capsys.readouterr().err
    assert "switch on Message Content Intent under Privileged Gateway Intents" in err.splitlines()[-1]
    assert "Traceback" not in err
    assert "GET /gateway/bot" in requests(loopback)  # the bot asks Discord for the number of shards


async def test_other_close_codes_are_reported_with_status_1(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.gateway.close_code = 4013
    assert await asyncio.to_thread(main, []) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "Discord closed the connection (code 4013): try again."


async def test_a_token_that_the_gateway_refuses_is_reported(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.gateway.close_code = 4004
    assert await asyncio.to_thread(main, []) == 2
    assert capsys.readouterr().err.splitlines()[-1].startswith("Discord does not accept the DISCORD_TOKEN")


async def test_a_failure_of_discord_is_reported_with_status_1(
    loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    loopback.api.fault = status(418)
    assert await asyncio.to_thread(main, []) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "Discord answered with HTTP 418: try again later."


async def test_debug_log_contains_no_messages_of_people(
    monkeypatch: pytest.MonkeyPatch, loopback: LoopbackDiscord
) -> None:
    monkeypatch.setenv("EMOBOT_LOG_LEVEL", "DEBUG")
    await asyncio.to_thread(main, [])
    assert loopback.api.requests
    assert logging.getLogger("bot").isEnabledFor(logging.DEBUG)
    assert not logging.getLogger("discord.gateway").isEnabledFor(logging.DEBUG)
    assert logging.getLogger("discord.gateway").isEnabledFor(logging.INFO)


async def test_log_is_json_if_configured(
    monkeypatch: pytest.MonkeyPatch, loopback: LoopbackDiscord, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {**environment(loopback), "EMOBOT_LOG_FORMAT": "json"}.items():
        monkeypatch.setenv(name, value)
    loopback.gateway.close_code = 4013
    assert await asyncio.to_thread(main, []) == 1
    *logged, sentence = capsys.readouterr().err.splitlines()
    assert {"bot.cli.run", "discord.client"} <= {json.loads(line)["logger"] for line in logged}
    assert sentence == "Discord closed the connection (code 4013): try again."


async def test_custom_discord_addresses_are_used_and_logged(
    loopback: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1")  # a closed port
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", yarl.URL("ws://127.0.0.1:1"))
    for name, value in environment(loopback).items():
        monkeypatch.setenv(name, value)
    assert await asyncio.to_thread(main, []) == 2
    err = capsys.readouterr().err
    assert f"Discord's gateway: {loopback.gateway.url}, because DISCORD_GATEWAY_URL says so." in err
    assert "switch on Message Content Intent" in err.splitlines()[-1]  # so it asked the gateway as well


def test_port_in_use_is_reported_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "MQ.a.b")
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        monkeypatch.setenv("EMOBOT_HEALTH_PORT", str(port))
        assert main([]) == 2
    assert error_sentence(capsys).startswith(
        f"Port {port} of 127.0.0.1 is in use already: choose another EMOBOT_HEALTH_PORT"
    )
