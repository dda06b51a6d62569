"""Fixtures of the command line's tests."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator

import discord
import pytest
import yarl
from aiohttp import web
from discord.gateway import DiscordWebSocket

from bot.logs import OWN
from tests.bot.cli.fake_discord import FakeDiscord
from tests.bot.scripted import SCRIPT, ScriptedClassifier


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
    monkeypatch.setenv("DISCORD_TOKEN", "MQ.s3cr3t.s3cr3t")
    yield fake
    await runner.cleanup()
