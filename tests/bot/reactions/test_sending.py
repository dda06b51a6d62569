from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

import aiohttp
import discord
import pytest
import simcord
from simcord.backend import serializers

from classifiers.classifier import Prediction
from tests.bot.support import World

CHANNEL_ERRORS = [(403, 50013, "forbidden"), (403, 50001, "no access")]
MESSAGE_ERRORS = [
    (404, 10008, "message gone"),
    (400, 10014, "unknown emoji"),
    (403, 30010, "too many reactions"),
    (403, 90001, "blocked by the author"),
]
FAILURES = [(500, 0, "Discord failed"), (503, 0, "Discord failed")]
REFUSALS = [(400, 50035, "refused"), (403, 50278, "refused")]


@pytest.mark.parametrize(("status", "code", "outcome"), CHANNEL_ERRORS + MESSAGE_ERRORS + FAILURES + REFUSALS)
async def test_error_of_discord_is_counted_and_not_raised(
    world: World, caplog: pytest.LogCaptureFixture, status: int, code: int, outcome: str
) -> None:
    caplog.set_level(logging.DEBUG)
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=status, code=code)
    message = await world.alice.send(world.channel, "I am so happy today")
    assert (world.emoji_of(message), world.outcomes) == ([], {outcome: 1})
    assert world.env.errors == []
    warnings = [record for record in caplog.records if record.levelno > logging.INFO]
    assert len(warnings) == (status >= 500)  # a refusal is not a failure of Discord
    assert "happy" not in caplog.text


@pytest.mark.usefixtures("no_pace_limits")
@pytest.mark.parametrize(("status", "code", "outcome"), MESSAGE_ERRORS)
async def test_error_about_a_message_does_not_pause_the_channel(
    world: World, bob: simcord.MemberActor, status: int, code: int, outcome: str
) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=status, code=code)
    await world.alice.send(world.channel, "happy")
    message = await bob.send(world.channel, "happy")
    assert (world.emoji_of(message), world.outcomes) == (["😃"], {outcome: 1, "reacted": 1})


@pytest.mark.usefixtures("no_pace_limits")
async def test_person_who_blocked_the_bot_costs_one_refusal_per_hour(world: World) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=90001)
    await world.alice.send(world.channel, "happy")
    requests = world.reaction_requests()
    await world.rest(3599)
    await world.alice.send(world.channel, "happy")
    assert world.reaction_requests() == requests
    assert world.outcomes == {"blocked by the author": 2}
    await world.rest(1)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]


@pytest.mark.usefixtures("no_pace_limits")
async def test_backoff_of_a_channel_doubles_after_each_403(world: World) -> None:
    other = world.guild.create_text_channel("other")
    for pause in (60, 120, 240):
        world.env.inject_error("PUT", "/channels/*/reactions/*", status=403, code=50013)
        await world.alice.send(world.channel, "happy")
        requests = world.reaction_requests()
        await world.env.advance_time(pause - 1)
        message = await world.alice.send(world.channel, "happy")
        assert world.emoji_of(message) == []
        assert world.reaction_requests() == requests
        elsewhere = await world.alice.send(other, "happy")
        assert world.emoji_of(elsewhere, other) == ["😃"]
        await world.env.advance_time(1)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.outcomes == {"forbidden": 3, "backing off": 3, "reacted": 4}


@pytest.mark.usefixtures("no_pace_limits")
async def test_pause_after_other_refusals_is_short(world: World) -> None:
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=400, code=50035)
    await world.alice.send(world.channel, "happy")
    await world.alice.send(world.channel, "happy")
    await world.env.advance_time(5)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.outcomes == {"refused": 1, "backing off": 1, "reacted": 1}


@pytest.mark.usefixtures("no_pace_limits")
async def test_all_requests_pause_after_a_failure_of_discord_longer_each_time(world: World) -> None:
    other = world.guild.create_text_channel("other")
    for pause in (1, 2, 4):
        world.env.inject_error("PUT", "/channels/*/reactions/*", status=503)
        await world.alice.send(world.channel, "happy")
        await world.env.advance_time(pause - 0.1)
        await world.alice.send(other, "happy")
        await world.env.advance_time(0.1)
    message = await world.alice.send(world.channel, "happy")
    assert world.emoji_of(message) == ["😃"]
    assert world.outcomes == {"Discord failed": 3, "held back": 3, "reacted": 1}
    world.env.inject_error("PUT", "/channels/*/reactions/*", status=503)
    await world.alice.send(other, "happy")
    await world.env.advance_time(1)
    message = await world.alice.send(other, "happy")
    assert world.emoji_of(message, other) == ["😃"]


@pytest.mark.parametrize("error", [aiohttp.ServerDisconnectedError(), ConnectionResetError(), ValueError("secret")])
async def test_a_broken_connection_is_counted_and_not_raised(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    async def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(world.bot.http, "add_reaction", fail)
    await world.alice.send(world.channel, "happy")
    assert world.outcomes == {"Discord failed": 1}
    assert [record.getMessage() for record in caplog.records] == [
        f"Discord failed ({type(error).__name__}): the bot pauses after each failure in a row, each time longer."
    ]


def emit(world: World, message: discord.Message, text: str) -> None:
    """Send a message to the bot once more, as if it had other words."""
    stored = world.env.backend.get_message(message.channel.id, message.id)
    payload = dict(serializers.message_payload(world.env.backend, stored))
    world.env.backend.emit("MESSAGE_CREATE", payload | {"content": text})


async def test_late_messages_get_no_reaction(world: World) -> None:
    """As after a lost connection, when Discord sends the missed messages."""
    message = await world.alice.send(world.channel, "nothing")
    await world.env.advance_time(16)
    emit(world, message, "happy")
    await world.env.settle()
    assert world.outcomes == {"neutral": 1, "stale": 1}


async def test_deadlines_of_reading_and_reacting_depend_on_the_age_of_the_message(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    left: list[float] = []
    ask, classify = world.bot.requests.ask, world.bot.analyzer.classify

    async def note_and_classify(*text: Any, within: float, **more: Any) -> Prediction:
        left.append(within)
        return await classify(*text, within=within, **more)

    async def note_and_ask(request: Awaitable[None], within: float, *more: Any) -> None:
        left.append(within)
        await ask(request, within, *more)

    message = await world.alice.send(world.channel, "nothing")
    await world.env.advance_time(11)
    monkeypatch.setattr(world.bot.analyzer, "classify", note_and_classify)
    monkeypatch.setattr(world.bot.requests, "ask", note_and_ask)
    emit(world, message, "happy")
    await world.env.settle()
    assert world.emoji_of(message) == ["😃"]
    assert left == [pytest.approx(15 - 11, abs=1)] * 2


@pytest.mark.usefixtures("no_pace_limits")
async def test_at_most_four_reactions_of_a_channel_are_in_flight(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    message = await world.alice.send(world.channel, "nothing")
    started = asyncio.Semaphore(0)
    granted = asyncio.Event()

    async def wait(*_: object) -> None:
        started.release()
        await granted.wait()

    monkeypatch.setattr(world.bot.http, "add_reaction", wait)
    for _ in range(10):
        emit(world, message, "happy")
    for _ in range(4):
        await started.acquire()
    granted.set()
    await world.env.settle()
    assert world.outcomes == {"neutral": 1, "crowded": 6, "reacted": 4}
