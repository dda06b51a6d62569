"""What is lost when the API fails or refuses, as the name of each test says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import discord
import pytest

from benchmarks.gateway import (
    Fault,
    LoopbackDiscord,
    cloudflare,
    garbled,
    hanging,
    limited,
    no_text,
    only,
    refused,
    status,
)
from bot import Emobot
from bot.reactions.outcomes import Outcome
from tests.bot.faults.conftest import EARLIER_COMMAND
from tests.bot.faults.support import counted_moods, outcomes_after, wait_for_reaction, warnings
from tests.bot.support import StubClassifier, reactions_of
from tests.loopback import Skipper, connected, until

FAILURES: dict[str, Fault] = {
    "500": status(500),
    "502": status(502, b"<html>"),
    "503": status(503),
    "garbage with 200": garbled(200),
    "garbage with 403": garbled(403),
    "garbage with 429": garbled(429),
    "no text with 200": no_text(200),
    "no text with 403": no_text(403),
    "a page with 200": status(200, b"<html>"),
    "hanging": hanging(),
}
REFUSALS: dict[str, Fault] = {
    "403": refused(403, 50013),
    "404": refused(404, 10008),
    "429 global": limited("global", 1),
    "429 by route": limited("user", 0.3),
    "429 shared": limited("shared", 0.3),
    "429 of Cloudflare": cloudflare(),
}
ROUNDS, PAUSE = 18, 34.0  # ten minutes in all, and no pause so long that the gateway would seem silent
STEP = 3.4  # seconds that go by at once, in which a request that failed is repeated once or twice
LONGEST_PAUSE = 600.0  # seconds for which the bot sends no requests after too many refusals
PER_ROUND = 4  # messages in a round, each in another server


async def write_for_ten_minutes(
    bot: Emobot, loopback: LoopbackDiscord, skipper: Skipper, model: StubClassifier
) -> None:
    """Write messages for ten minutes, in one server after the other."""
    outcomes, written = reactions_of(bot).outcomes, 0
    for turn in range(ROUNDS):
        for message in range(PER_ROUND):
            await loopback.say("happy", (turn * PER_ROUND + message) % 38)
            written += 1
        await until(lambda: sum(map(len, model.batches)) == written)  # noqa: B023 - called at once
        await advance(PAUSE, skipper)
    await until(lambda: outcomes.total() == written, skipper)


async def advance(seconds: float, skipper: Skipper) -> None:
    """Advance the time in steps, between which the bot can work."""
    for _ in range(int(seconds / STEP)):
        await asyncio.sleep(0.002)
        skipper.skip(STEP)


def mark_all_but_one_long(kinds: Iterable[str], usual: str) -> list[Any]:
    """Mark all kinds of a fault except one as long; `test_refusals.py` has the others for a shorter time."""
    return [pytest.param(kind, marks=() if kind == usual else pytest.mark.long) for kind in kinds]


@pytest.mark.slow
@pytest.mark.parametrize("kind", mark_all_but_one_long(FAILURES, "503"))
async def test_ten_minutes_of_failures_lose_only_reactions(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, bilstm: StubClassifier, kind: str
) -> None:
    loopback.api.fault = only("/reactions/", FAILURES[kind])
    await write_for_ten_minutes(running, loopback, skipper, bilstm)
    assert len(loopback.api.refused()) <= 20
    assert await counted_moods(running, loopback) == ROUNDS * PER_ROUND
    loopback.api.fault = None
    await wait_for_reaction(loopback, skipper=skipper)


@pytest.mark.slow
@pytest.mark.parametrize("kind", mark_all_but_one_long(REFUSALS, "403"))
async def test_ten_minutes_of_refusals_lose_only_reactions_and_are_at_most_20(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, bilstm: StubClassifier, kind: str
) -> None:
    loopback.api.fault = only("/reactions/", REFUSALS[kind])
    await write_for_ten_minutes(running, loopback, skipper, bilstm)
    requests = [request for request in loopback.api.requests if 400 <= request.status < 500]
    if kind != "429 shared":  # these do not count towards a ban
        assert len(requests) <= 20
    assert await counted_moods(running, loopback) == ROUNDS * PER_ROUND
    loopback.api.fault = None
    await advance(LONGEST_PAUSE, skipper)
    await wait_for_reaction(loopback, skipper=skipper)


async def test_unreachable_api_loses_only_the_reactions_of_that_minute(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    await loopback.api_endpoint.close()
    for second in range(30):
        await loopback.say("happy", second)
        skipper.skip(2)
        await asyncio.sleep(0.001)
    await loopback.api_endpoint.open()
    await wait_for_reaction(loopback, skipper=skipper)
    assert await counted_moods(running, loopback) >= 31


async def test_hanging_requests_stay_few_and_end_after_15_seconds(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, bilstm: StubClassifier
) -> None:
    hung = 0

    async def hang(_: object) -> None:
        nonlocal hung
        hung += 1
        await asyncio.Event().wait()

    loopback.api.fault = only("/reactions/", hang)
    for channel in range(38):
        await loopback.say("happy", channel)
        await until(lambda: sum(map(len, bilstm.batches)) == channel + 1)  # noqa: B023 - called at once
        await asyncio.sleep(0.02)
        skipper.skip(0.1)
    assert hung <= 20
    skipper.skip(16)
    await until(lambda: reactions_of(running).outcomes[Outcome.DISCORD_FAILED])
    loopback.api.fault = None
    await wait_for_reaction(loopback, skipper=skipper)


@pytest.mark.parametrize("kind", ["500", "garbage with 200", "no text with 200", "a page with 200"])
async def test_failed_answer_to_a_command_is_lost_and_logs_no_error(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    del running
    loopback.api.fault = only("/callback", FAILURES[kind])
    await loopback.slash("privacy")
    unanswered = "'privacy' was not answered: Discord failed ("
    await until(lambda: any(line.startswith(unanswered) for line in warnings(caplog)), skipper)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


async def test_hanging_answer_to_a_command_is_given_up_after_half_a_minute(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    del running
    request_arrived = asyncio.Event()

    async def hang(_: object) -> None:
        request_arrived.set()
        await asyncio.Event().wait()

    loopback.api.fault = only("/callback", hang)
    await loopback.slash("privacy")
    await request_arrived.wait()
    skipper.skip(31)
    await until(lambda: warnings(caplog))
    assert warnings(caplog) == ["'privacy' was not answered: Discord failed (TimeoutError)."]


@pytest.mark.parametrize("hours", [1, -1])
async def test_jump_of_the_host_clock_loses_nothing(
    running: Emobot, loopback: LoopbackDiscord, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    utcnow = discord.utils.utcnow
    await loopback.say("happy", 0)
    await until(loopback.api.reactions)
    monkeypatch.setattr(discord.utils, "utcnow", lambda: utcnow() + timedelta(hours=hours))
    await loopback.say("happy", 1)
    await until(lambda: len(loopback.routes.reactions) == 2)
    assert await counted_moods(running, loopback) == 2


@pytest.mark.parametrize("ahead", [timedelta(seconds=16), timedelta(seconds=-16), timedelta(days=-3650)])
async def test_wrong_host_clock_loses_nothing_and_is_logged_once(
    bot: Emobot, loopback: LoopbackDiscord, caplog: pytest.LogCaptureFixture, ahead: timedelta
) -> None:
    loopback.ahead = ahead
    loopback.routes.commands[None] = [EARLIER_COMMAND]
    async with connected(bot, loopback):
        await loopback.say("happy", 0)
        await loopback.say("happy", 1, age=20)
        await loopback.say("happy", 2)
        assert await outcomes_after(bot, 3) == {"reacted": 2, "stale": 1}
        await bot.store.refresh()
        await bot.store.purge(bot.requests.time.now())
        assert await counted_moods(bot, loopback) == 3
    [warning] = warnings(caplog)
    assert warning.startswith("This computer's clock is ")
    assert ("slow" if ahead > timedelta() else "fast") in warning
