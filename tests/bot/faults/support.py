"""Helpers shared by the tests of faults."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.gateway import LoopbackDiscord
from bot import Emobot
from bot.logs import _CONNECTION_ERRORS
from bot.store import Store
from tests.bot.support import reactions_of
from tests.loopback import Skipper, until


def messages_with_reactions(loopback: LoopbackDiscord) -> list[int]:
    """Return the ids of all messages with a reaction of the bot, in the order of the reactions."""
    return [reaction.message_id for reaction in loopback.routes.reactions]


async def wait_for_reaction(loopback: LoopbackDiscord, channel: int = 39, skipper: Skipper | None = None) -> None:
    """Write messages until the bot has reacted to one of them."""
    written: list[int] = []
    for _ in range(200):
        written.append(await loopback.say("happy", channel))
        for _ in range(50):
            if set(written) & set(messages_with_reactions(loopback)):
                return
            await asyncio.sleep(0.002)
        if skipper:
            skipper.skip(5)
    raise AssertionError(f"The bot did not react again to any of {len(written)} messages.")


async def outcomes_after(bot: Emobot, messages: int, skipper: Skipper | None = None) -> dict[str, int]:
    """Wait until the bot has handled so many messages; return their outcomes."""
    outcomes = reactions_of(bot).outcomes
    await until(lambda: outcomes.total() >= messages, skipper)
    return {outcome.value: number for outcome, number in outcomes.items()}


async def counted_moods(bot: Emobot, loopback: LoopbackDiscord) -> int:
    """Return the number of messages counted for the moods of all servers, written or waiting."""
    return await _counted(bot.store, loopback)


async def stored_moods(database: Path, loopback: LoopbackDiscord) -> int:
    """Return the number of messages in the moods of all servers in a file."""
    store = Store(f"sqlite+aiosqlite:///{database}")
    await store.refresh()
    counted = await _counted(store, loopback)
    await store.close()
    return counted


async def _counted(store: Store, loopback: LoopbackDiscord) -> int:
    total = 0
    for guild_id in loopback.world.guild_ids():
        total += sum(count.messages for count in await store.moods(guild_id, datetime.fromtimestamp(0, UTC)))
    return total


def unclean_log_records(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the log records with a traceback or with the text of a message."""
    return [r.getMessage() for r in caplog.records if _has_traceback(r) or "happy" in r.getMessage()]


def _has_traceback(record: logging.LogRecord) -> bool:
    """Return whether the bot's handler would print a traceback: for expected failures it prints only the name."""
    kind = record.exc_info[0] if record.exc_info else None
    return kind is not None and not issubclass(kind, _CONNECTION_ERRORS)


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return the warnings of the bot itself."""
    return [r.getMessage() for r in caplog.records if r.levelname == "WARNING" and r.name.startswith("bot")]
