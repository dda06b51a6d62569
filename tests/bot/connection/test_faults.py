"""What becomes of the bot when Discord refuses, limits, fails or talks nonsense, over a real socket."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import statistics
import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import discord
import pytest
from aiohttp import web

from bot import Emobot, create_bot
from bot.configuration import Configuration
from bot.reactions.pace import PROFILES, Profile
from bot.server_settings import Liveliness
from bot.serving import serve
from classifiers import Classifier
from tests.bot.connection.loopback import GUILD, Fault, Loopback, Skipper, connected, limited, refusal, serving, until
from tests.bot.scripted import reactions_of

MANY = 200
Running = AbstractAsyncContextManager[asyncio.Task[None]]


@pytest.fixture(autouse=True)
def _unrestrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause and no highest share, so that the same channel serves again, and all the time for the database."""
    monkeypatch.setattr("bot.store.sync._TURN", 10_000)
    monkeypatch.setitem(PROFILES, Liveliness.NORMAL, Profile(strictness=0, share=1, free=1000, cooldown=0))


@pytest.fixture
async def skipper(monkeypatch: pytest.MonkeyPatch) -> Skipper:
    return Skipper(monkeypatch)


@pytest.fixture
def servers() -> int:
    """In how many servers the channels are; tests override it."""
    return 1


@pytest.fixture
async def loopback(skipper: Skipper, servers: int, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Loopback]:
    del skipper  # first, since Discord's time goes on with the loop's
    loopback = Loopback(channels=MANY, servers=servers)
    async with serving(loopback, monkeypatch):
        yield loopback


@pytest.fixture
def bot(models: dict[str, Classifier]) -> Emobot:
    return create_bot(Configuration(), models=models)


@pytest.fixture
def running(bot: Emobot, loopback: Loopback) -> Running:
    del loopback
    return connected(bot)


def is_reaction(request: web.Request) -> bool:
    return "/reactions/" in request.path


def to_reactions(answer: Callable[[], web.Response]) -> Fault:
    """Answer reactions, and nothing else, in Discord's place."""
    return lambda request: answer() if is_reaction(request) else None


async def dealt_with(bot: Emobot, messages: int) -> dict[str, int]:
    """Wait until the bot is done with so many messages, and return how they ended."""
    outcomes = reactions_of(bot).outcomes
    await until(lambda: outcomes.total() >= messages)
    return {outcome.value: number for outcome, number in outcomes.items()}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an operator reads who cares for warnings alone; there is no traceback among them."""
    found = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert [record.exc_info for record in found if record.exc_info] == []
    return [record.getMessage() for record in found if record.name.startswith("bot")]


# ---------------------------------------------------------------- limits


async def test_after_a_long_global_limit_it_reacts_again_and_nothing_late(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running
) -> None:
    """A request that is cancelled while discord.py waits would keep it from ever sending another one."""
    loopback.fault = to_reactions(lambda: limited(20))
    async with running:
        await loopback.say("happy", channel=0)
        await until(lambda: loopback.reactions(429))
        loopback.fault = None
        await loopback.say("happy", channel=1)
        assert await dealt_with(bot, 1) == {"held back": 1}
        skipper.skip(21)
        await dealt_with(bot, 2)
        await loopback.say("happy", channel=2)
        assert await dealt_with(bot, 3) == {"held back": 2, "reacted": 1}
    assert len(loopback.reactions()) == 2


async def test_message_that_grows_too_old_during_a_limit_is_held_back(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running
) -> None:
    loopback.fault = to_reactions(lambda: limited(5))
    async with running:
        await loopback.say("happy", channel=0, age=11)
        await until(lambda: loopback.reactions(429))
        loopback.fault = None
        skipper.skip(6)
        await dealt_with(bot, 1)
        await loopback.say("happy", channel=1)
        assert await dealt_with(bot, 2) == {"held back": 1, "reacted": 1}
    assert len(loopback.reactions()) == 2


@pytest.mark.parametrize("scope", ["global", "user"])
async def test_a_limit_too_long_to_wait_for_is_waited_for_without_asking(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running, scope: str
) -> None:
    loopback.fault = to_reactions(lambda: limited(100, scope))
    async with running:
        await loopback.say("happy")
        await dealt_with(bot, 1)
        loopback.fault = None
        skipper.skip(50)
        await loopback.say("happy")
        await dealt_with(bot, 2)
        assert len(loopback.reactions()) == 1
        skipper.skip(51)
        await loopback.say("happy")
        assert (await dealt_with(bot, 3))["reacted"] == 1


async def test_a_limit_of_cloudflare_which_does_not_say_how_long_is_respected(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running
) -> None:
    loopback.fault = to_reactions(lambda: web.Response(status=429, text="<html>You are being rate limited"))
    async with running:
        for channel in range(10):
            await loopback.say("happy", channel)
            await dealt_with(bot, channel + 1)
        assert len(loopback.reactions()) == 1
        loopback.fault = None
        skipper.skip(61)
        await loopback.say("happy", channel=11)
        assert (await dealt_with(bot, 11))["reacted"] == 1


async def test_more_reactions_than_discord_allows_in_a_second_come_evenly_and_the_freshest_first(
    bot: Emobot, loopback: Loopback, running: Running
) -> None:
    async with running:
        ids = [await loopback.say("happy", channel) for channel in range(MANY)]
        outcomes = await dealt_with(bot, MANY)
    assert loopback.refused() == []
    given = [int(asked.path.split("/")[4]) for asked in loopback.reactions(204)]
    assert len(given) == outcomes["reacted"] >= 35
    assert len(given) < MANY  # or this test has shown nothing
    # In the order of arrival, those given would be the older. Not the very last: a slow machine may read it too late.
    assert statistics.mean(given) > statistics.mean(set(ids) - set(given))


# ---------------------------------------------------------------- refusals


async def test_a_server_that_refuses_reactions_is_left_alone_after_a_few_channels(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running
) -> None:
    loopback.fault = to_reactions(lambda: refusal(403, 50013))
    async with running:
        for pause in range(16):
            for channel in range(12):
                await loopback.say("happy", 12 * pause + channel)
                await dealt_with(bot, 12 * pause + channel + 1)
            skipper.skip(37)  # no longer than the gateway may be silent
    assert 3 <= len(loopback.refused()) <= 8


@pytest.mark.parametrize("servers", [MANY])
async def test_a_dozen_servers_that_refuse_do_not_keep_the_bot_from_reacting_in_others(
    bot: Emobot, loopback: Loopback, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.fault = to_reactions(lambda: refusal(403, 50013))
    async with running:
        for channel in range(12):
            await loopback.say("happy", channel)
        await dealt_with(bot, 12)
        loopback.fault = None
        await loopback.say("happy", channel=12)
        assert await dealt_with(bot, 13) == {"forbidden": 12, "reacted": 1}
    assert warnings(caplog) == []


STORMS = {
    403: lambda: refusal(403, 50013),
    404: lambda: refusal(404, 10008),
    429: lambda: limited(0, "user"),
}


@pytest.mark.parametrize("servers", [MANY])
@pytest.mark.parametrize("status", STORMS)
async def test_servers_that_all_refuse_lead_to_20_requests_in_ten_minutes_and_one_line(
    bot: Emobot,
    loopback: Loopback,
    skipper: Skipper,
    running: Running,
    status: int,
    caplog: pytest.LogCaptureFixture,
) -> None:
    loopback.fault = to_reactions(STORMS[status])
    async with running:
        for pause in range(16):
            for channel in range(12):
                await loopback.say("happy", 12 * pause + channel)
            await dealt_with(bot, 12 * pause + 12)
            skipper.skip(37)  # no longer than the gateway may be silent
        assert 14 <= len(loopback.reactions(status)) <= 20
        [warning] = [line for line in warnings(caplog) if line.startswith("Discord refused")]
        told = rf"Discord refused \d+ requests within 10 minutes \(HTTP {status}: \d+\): the bot asks for nothing .*"
        assert re.fullmatch(told, warning)
        loopback.fault = None
        skipper.skip(60)
        await loopback.say("happy", channel=0)
        assert (await dealt_with(bot, 16 * 12 + 1))["reacted"] == 1


async def test_a_token_that_is_reset_ends_the_bot_at_the_first_refusal(loopback: Loopback, running: Running) -> None:
    async with running as running_bot:
        loopback.fault = lambda _: refusal(401)
        for channel in range(30):
            await loopback.say("happy", channel)
        await until(running_bot.done)
        with pytest.raises(discord.LoginFailure):
            await running_bot
    assert 1 <= len(loopback.refused()) <= 20  # those that were on their way when the first was refused


# ---------------------------------------------------------------- failures

BROKEN = {
    "broken JSON": lambda: web.Response(body=b'{"broken', content_type="application/json"),
    "no text": lambda: web.Response(body=b"\xff\xfe", content_type="application/json", status=403),
    "a limit without its length": lambda: web.Response(
        body=b"{}", content_type="application/json", status=429, headers={"Via": "1.1 google"}
    ),
    "an outage": lambda: web.Response(status=503),
    "a bad gateway": lambda: web.Response(status=502, text="<html>"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_answer_that_is_not_from_discord_leads_to_one_warning_and_a_pause(
    bot: Emobot,
    loopback: Loopback,
    skipper: Skipper,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    loopback.fault = to_reactions(BROKEN[kind])
    async with running:
        for channel in range(130):
            await loopback.say("happy", channel)
        await until(loopback.reactions)
        for _ in range(20):  # in which discord.py may repeat a request
            await asyncio.sleep(0.01)
            skipper.skip(1)
        await dealt_with(bot, 130)
        assert 1 <= len(loopback.reactions()) <= 30
        assert len([line for line in warnings(caplog) if line.startswith("Discord failed")]) == 1
        loopback.fault = None
        skipper.skip(601)
        await loopback.say("happy", channel=150)
        assert (await dealt_with(bot, 131))["reacted"] == 1


# ---------------------------------------------------------------- clocks


@pytest.mark.parametrize("ahead", [timedelta(seconds=16), timedelta(seconds=-16), timedelta(days=-3650)])
async def test_a_wrong_clock_of_this_computer_changes_nothing_but_one_line(
    bot: Emobot, loopback: Loopback, running: Running, caplog: pytest.LogCaptureFixture, ahead: timedelta
) -> None:
    loopback.ahead = ahead
    async with running:
        await loopback.say("happy", channel=0)
        await loopback.say("happy", channel=1, age=20)
        await loopback.say("happy", channel=2)
        assert await dealt_with(bot, 3) == {"reacted": 2, "stale": 1}
        await bot.store.refresh()
        await bot.store.purge(bot.requests.time.now())
        assert len((await bot.store.export_guild(GUILD))["moods"]) == 3
    [warning] = warnings(caplog)
    assert warning.startswith("This computer's clock is ")
    assert ("slow" if ahead > timedelta() else "fast") in warning


# ---------------------------------------------------------------- the gateway

GARBAGE = {
    "no stream": b"garbage\x00\x00\xff\xff",
    "no JSON in the stream": zlib.compress(b"garbage") + b"\x00\x00\xff\xff",
    "no JSON": "garbage",
    "no object": "[]",
    "no message": json.dumps({"op": 0, "t": "MESSAGE_CREATE", "s": 50, "d": {"id": "no number"}}),
}


@pytest.mark.parametrize("kind", GARBAGE)
async def test_unreadable_frame_is_logged_and_the_session_goes_on(
    bot: Emobot,
    loopback: Loopback,
    skipper: Skipper,
    running: Running,
    caplog: pytest.LogCaptureFixture,
    kind: str,
) -> None:
    async with running:
        await loopback.send(GARBAGE[kind])
        await until(lambda: warnings(caplog))
        skipper.skip(2)
        await until(lambda: loopback.resumed)
        await loopback.say("happy")
        assert await dealt_with(bot, 1) == {"reacted": 1}
    [warning] = warnings(caplog)
    assert warning.startswith("Shard 0 got a frame from Discord that cannot be read")
    assert loopback.identified == 1


async def test_frame_that_is_unreadable_twice_ends_the_session(
    bot: Emobot, loopback: Loopback, skipper: Skipper, running: Running, caplog: pytest.LogCaptureFixture
) -> None:
    async with running:
        loopback.replay = "garbage"
        await loopback.send("garbage")
        for number in range(1, 3):
            await until(lambda: len(warnings(caplog)) == number)  # noqa: B023 - called at once
            skipper.skip(10)

        def identified_anew() -> bool:
            skipper.skip(0.1)  # discord.py waits for five seconds before
            return loopback.identified == 2

        await until(identified_anew)
        await loopback.say("happy")
        assert await dealt_with(bot, 1) == {"reacted": 1}


# ---------------------------------------------------------------- the start


@pytest.mark.parametrize("answer", [lambda: web.Response(status=503), lambda: web.Response(status=429, text="<html>")])
async def test_connecting_is_retried_after_waits_of_up_to_a_minute(
    loopback: Loopback,
    skipper: Skipper,
    models: dict[str, Classifier],
    caplog: pytest.LogCaptureFixture,
    answer: Callable[[], web.Response],
) -> None:
    loopback.fault = lambda _: answer()
    serving_task = asyncio.create_task(serve(Configuration(), models, "token"))
    for attempt in range(1, 9):
        await until(lambda: len(retries(caplog)) == attempt)  # noqa: B023 - called at once
        skipper.skip(61)
    await until(lambda: len(retries(caplog)) == 9)
    loopback.fault = None
    skipper.skip(61)
    await until(lambda: loopback.identified)
    serving_task.cancel()
    await asyncio.wait([serving_task])
    waits = [int(line.split()[-2]) for line in retries(caplog)]
    assert waits == ([1, 2, 4, 8, 16, 32, 60, 60, 60] if answer().status == 503 else [60] * 9)


def retries(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for line in warnings(caplog) if line.startswith("Discord cannot be reached")]


async def test_bot_waits_for_the_network_and_can_be_stopped_meanwhile(
    loopback: Loopback, models: dict[str, Classifier], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(discord.http.Route, "BASE", "http://127.0.0.1:1")
    serving_task = asyncio.create_task(serve(Configuration(), models, "token"))
    await until(lambda: retries(caplog))
    serving_task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving_task
    assert loopback.asked == []


async def test_refused_token_ends_the_bot_at_once(
    loopback: Loopback, models: dict[str, Classifier], caplog: pytest.LogCaptureFixture
) -> None:
    loopback.fault = lambda _: refusal(401)
    with pytest.raises(discord.LoginFailure):
        await serve(Configuration(), models, "token")
    assert retries(caplog) == []
    assert len(loopback.asked) == 1
