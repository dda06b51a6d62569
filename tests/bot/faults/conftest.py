"""Fixtures of the tests of faults: a loopback Discord with many servers, and a bot that reacts whenever it can."""

from __future__ import annotations

import logging
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord, World
from bot import Emobot, create_bot
from bot.reactions.pace import PROFILES, Profile
from bot.server_settings import Liveliness
from classifiers import Classifier
from tests.bot.faults.support import unclean_log_records
from tests.loopback import (  # noqa: F401 - fixtures
    Skipper,
    configured,
    connected,
    description,
    loopback,
    loopback_options,
    skipper,
    until,
)

EARLIER_COMMAND = {"name": "earlier", "description": "Of an earlier version"}
"""Where Discord knows of one, a bot that starts asks none of the servers for commands that it might have there."""


@pytest.fixture(autouse=True)
def _no_pace_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Switch off the pause and the highest share of reactions, and give the database as much time as it needs."""
    monkeypatch.setattr("bot.store.sync._LOCK_TIMEOUT", 10_000)
    monkeypatch.setitem(PROFILES, Liveliness.NORMAL, Profile(strictness=0, share=1, free=1000, cooldown=0))


@pytest.fixture
def world() -> World:
    """Forty servers with one channel each."""
    return World(servers=40)


@pytest.fixture
def database(tmp_path: Path, migrated: Path) -> Path:
    """The file of the bot's database."""
    return Path(shutil.copy(migrated, tmp_path / "emobot.db"))


@pytest.fixture
def bot(loopback: LoopbackDiscord, models: dict[str, Classifier], database: Path) -> Emobot:  # noqa: F811 - the fixture
    """A bot that is not started."""
    del database
    return create_bot(configured(loopback), models=models)


@pytest.fixture
async def running(
    bot: Emobot,
    loopback: LoopbackDiscord,  # noqa: F811 - the fixture
    skipper: Skipper,  # noqa: F811 - the fixture
    caplog: pytest.LogCaptureFixture,
) -> AsyncIterator[Emobot]:
    """The bot in all servers; afterwards, check that its log has no traceback and no text of a message."""
    caplog.set_level(logging.INFO)
    loopback.routes.commands[None] = [EARLIER_COMMAND]
    async with connected(bot, loopback, skipper):
        yield bot
    assert unclean_log_records(caplog) == []
