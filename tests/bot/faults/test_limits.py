"""What is lost to Discord's rate limits, as the name of each test says."""

from __future__ import annotations

import asyncio
import statistics
import time

import pytest
from aiohttp import web

from benchmarks.gateway import LoopbackDiscord, World, cloudflare, limited, only
from bot import Emobot
from bot.connection.rate_limits import RefusalCounter
from tests.bot.faults.support import outcomes_after
from tests.loopback import Skipper, until

CHANNELS = 120


@pytest.fixture
def world() -> World:
    return World(channels=CHANNELS)


async def test_bot_reacts_again_after_a_long_global_limit_but_not_late(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    """A request that is cancelled while discord.py waits would keep it from ever sending another one."""
    loopback.api.fault = only("/reactions/", limited("global", 20))
    await loopback.say("happy", 0)
    await until(lambda: loopback.api.reactions(429))
    loopback.api.fault = None
    await loopback.say("happy", 1)
    assert await outcomes_after(running, 1) == {"held back": 1}
    skipper.skip(21)
    await outcomes_after(running, 2)
    await loopback.say("happy", 2)
    assert await outcomes_after(running, 3) == {"held back": 2, "reacted": 1}
    assert len(loopback.api.reactions()) == 2


async def test_message_that_gets_too_old_during_a_limit_gets_no_reaction(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.api.fault = only("/reactions/", limited("global", 5))
    await loopback.say("happy", 0, age=11)
    await until(lambda: loopback.api.reactions(429))
    loopback.api.fault = None
    await outcomes_after(running, 1, skipper)
    await loopback.say("happy", 1)
    assert await outcomes_after(running, 2) == {"held back": 1, "reacted": 1}
    assert len(loopback.api.reactions()) == 2


@pytest.mark.parametrize("scope", ["global", "user"])
async def test_no_requests_are_sent_during_a_very_long_limit(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, scope: str
) -> None:
    loopback.api.fault = only("/reactions/", limited(scope, 100))
    await loopback.say("happy")
    await outcomes_after(running, 1, skipper)
    loopback.api.fault = None
    skipper.skip(50)
    await loopback.say("happy")
    await outcomes_after(running, 2, skipper)
    assert len(loopback.api.reactions()) == 1
    skipper.skip(51)
    await loopback.say("happy")
    assert (await outcomes_after(running, 3))["reacted"] == 1


async def test_cloudflare_limit_without_a_duration_is_respected(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.api.fault = only("/reactions/", cloudflare())
    for channel in range(10):
        await loopback.say("happy", channel)
        await outcomes_after(running, channel + 1)
    assert len(loopback.api.reactions()) == 1
    loopback.api.fault = None
    skipper.skip(61)
    await loopback.say("happy", 11)
    assert (await outcomes_after(running, 11))["reacted"] == 1


class SlowAnswers:
    """Delays the answers to requests for reactions.

    Attributes:
        requests: the number of requests.
        release: an event after which all of them are answered.
    """

    def __init__(self, loopback: LoopbackDiscord) -> None:
        self.requests = 0
        self.release = asyncio.Event()
        loopback.api.fault = only("/reactions/", self._wait)

    async def _wait(self, _: web.Request) -> None:
        self.requests += 1
        await self.release.wait()


async def test_slow_answers_limit_the_reactions_in_flight(running: Emobot, loopback: LoopbackDiscord) -> None:
    answers = SlowAnswers(loopback)
    for channel in range(40):
        await loopback.say("happy", channel)
    await until(lambda: answers.requests + running.requests.waiting == 40)
    assert answers.requests <= RefusalCounter(time.monotonic).max_unanswered()
    answers.release.set()
    assert await outcomes_after(running, 40) == {"reacted": 40}


async def test_reaction_that_waits_too_long_for_other_answers_is_lost_and_later_ones_are_sent(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    answers = SlowAnswers(loopback)
    for channel in range(40):
        await loopback.say("happy", channel, age=10)
    await until(lambda: answers.requests + running.requests.waiting == 40)
    skipper.skip(6)
    answers.release.set()
    assert await outcomes_after(running, 40) == {"reacted": answers.requests, "held back": 40 - answers.requests}
    await loopback.say("happy", 40)
    assert (await outcomes_after(running, 41))["reacted"] == answers.requests


async def test_reactions_above_the_rate_limit_are_spaced_evenly_newest_first(
    running: Emobot, loopback: LoopbackDiscord
) -> None:
    ids = [await loopback.say("happy", channel) for channel in range(CHANNELS)]
    outcomes = await outcomes_after(running, CHANNELS)
    assert loopback.api.refused() == []
    given = [int(request.path.split("/")[4]) for request in loopback.api.reactions(204)]
    assert len(given) == outcomes["reacted"] >= 35
    assert len(given) < CHANNELS  # otherwise this test would show nothing
    # In the order of arrival, the older ones would be sent. The very last is left out: a slow machine may read it late.
    assert statistics.mean(given) > statistics.mean(set(ids) - set(given))
