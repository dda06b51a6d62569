"""What is lost where Discord refuses reactions, and what an operator is told. Each name says it."""

from __future__ import annotations

import asyncio
import re

import pytest

from benchmarks.gateway import Fault, LoopbackDiscord, World, garbled, limited, no_text, only, refused, status
from benchmarks.gateway.faults import VIA
from bot import Emobot
from tests.bot.faults.support import ended, warnings
from tests.loopback import Skipper, until

MANY = 193
AT_ONCE, ROUNDS, PAUSE = 12, 16, 37.0  # ten minutes in all, and no pause so long that the gateway would seem silent


@pytest.fixture
def world() -> World:
    return World(servers=MANY)


@pytest.mark.parametrize("world", [World(channels=MANY)])
async def test_a_server_that_refuses_reactions_is_left_alone_after_a_few_channels(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.api.fault = only("/reactions/", refused(403, 50013))
    for channel in range(AT_ONCE * ROUNDS):
        await loopback.say("happy", channel)
        await ended(running, channel + 1)
        if channel % AT_ONCE == AT_ONCE - 1:
            skipper.skip(PAUSE)
    assert 3 <= len(loopback.api.refused()) <= 8


async def test_a_dozen_servers_that_refuse_do_not_keep_the_bot_from_reacting_in_others(
    running: Emobot, loopback: LoopbackDiscord, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = only("/reactions/", refused(403, 50013))
    for channel in range(12):
        await loopback.say("happy", channel)
    await ended(running, 12)
    loopback.api.fault = None
    await loopback.say("happy", 12)
    assert await ended(running, 13) == {"forbidden": 12, "reacted": 1}
    assert warnings(caplog) == []


STORMS: dict[int, Fault] = {403: refused(403, 50013), 404: refused(404, 10008), 429: limited("user", 0)}


@pytest.mark.parametrize("code", STORMS)
async def test_servers_that_all_refuse_lead_to_20_requests_in_ten_minutes_and_one_line(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = only("/reactions/", STORMS[code])
    for turn in range(ROUNDS):
        for channel in range(AT_ONCE):
            await loopback.say("happy", AT_ONCE * turn + channel)
        await ended(running, AT_ONCE * (turn + 1))
        skipper.skip(PAUSE)
    assert 14 <= len(loopback.api.reactions(code)) <= 20
    [warning] = [line for line in warnings(caplog) if line.startswith("Discord refused")]
    told = rf"Discord refused \d+ requests within 10 minutes \(HTTP {code}: \d+\): the bot asks for nothing .*"
    assert re.fullmatch(told, warning)
    loopback.api.fault = None
    skipper.skip(60)
    await loopback.say("happy", MANY - 1)
    assert (await ended(running, AT_ONCE * ROUNDS + 1))["reacted"] == 1


BROKEN: dict[str, Fault] = {
    "broken JSON": garbled(200),
    "no text": no_text(403),
    "a limit without its length": status(429, b"{}", "application/json", VIA),
    "an outage": status(503),
    "a bad gateway": status(502, b"<html>"),
}


@pytest.mark.parametrize("kind", BROKEN)
async def test_answer_that_is_not_from_discord_leads_to_one_warning_and_a_pause(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    loopback.api.fault = only("/reactions/", BROKEN[kind])
    for channel in range(130):
        await loopback.say("happy", channel)
    await until(loopback.api.reactions)
    for _ in range(20):  # in which discord.py may repeat a request
        await asyncio.sleep(0.01)
        skipper.skip(1)
    await ended(running, 130)
    assert 1 <= len(loopback.api.reactions()) <= 30
    assert len([line for line in warnings(caplog) if line.startswith("Discord failed")]) == 1
    loopback.api.fault = None
    skipper.skip(601)
    await loopback.say("happy", 150)
    assert (await ended(running, 131))["reacted"] == 1
