"""What is lost when Discord refuses reactions, and what the log says, as the name of each test says."""

from __future__ import annotations

import asyncio
import itertools
import re

import pytest

from benchmarks.gateway import Fault, LoopbackDiscord, World, garbled, limited, no_text, only, refused, status
from benchmarks.gateway.faults import VIA
from bot import Emobot
from tests.bot.faults.support import outcomes_after, warnings
from tests.loopback import Skipper, until

CHANNELS = 193  # in one server, or each in another one
PER_ROUND, ROUNDS, PAUSE = 12, 16, 37.0  # ten minutes in all, and no pause so long that the gateway would seem silent


@pytest.fixture
def world() -> World:
    return World(servers=CHANNELS)


@pytest.mark.parametrize("world", [World(channels=CHANNELS)])
async def test_server_that_refuses_reactions_is_paused_after_a_few_channels(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.api.fault = only("/reactions/", refused(403, 50013))
    for channel in range(PER_ROUND * ROUNDS):
        await loopback.say("happy", channel)
        await outcomes_after(running, channel + 1)
        if channel % PER_ROUND == PER_ROUND - 1:
            skipper.skip(PAUSE)
    assert 3 <= len(loopback.api.refused()) <= 8


async def test_a_dozen_refusing_servers_pause_reactions_elsewhere_for_ten_seconds(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = only("/reactions/", refused(403, 50013))
    for channel in range(12):
        await loopback.say("happy", channel)
    await outcomes_after(running, 12)
    loopback.api.fault = None
    skipper.skip(10)
    await loopback.say("happy", 12)
    outcomes = await outcomes_after(running, 13)
    assert outcomes["reacted"] == 1
    assert 3 <= outcomes["forbidden"] <= 12
    assert warnings(caplog) == []


REFUSALS: dict[int, Fault] = {403: refused(403, 50013), 404: refused(404, 10008), 429: limited("user", 0)}


@pytest.mark.parametrize("code", REFUSALS)
async def test_half_a_minute_of_refusals_costs_few_requests_and_another_half_minute_of_reactions(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, code: int
) -> None:
    loopback.api.fault = only("/reactions/", REFUSALS[code])
    for second in range(30):
        for channel in range(5):
            await loopback.say("happy", 5 * second + channel)
        await outcomes_after(running, 5 * second + 5)
        skipper.skip(1)
    assert 3 <= len(loopback.api.reactions(code)) <= 8
    loopback.api.fault = None
    skipper.skip(30)
    for channel in range(150, 155):
        await loopback.say("happy", channel)
    assert (await outcomes_after(running, 155))["reacted"] >= 1


async def test_refusing_servers_among_accepting_ones_cause_no_pause(running: Emobot, loopback: LoopbackDiscord) -> None:
    for channel in range(6):
        loopback.api.fault = None if channel % 2 else only("/reactions/", refused(403, 50013))
        await loopback.say("happy", channel)
        await outcomes_after(running, channel + 1)
    assert await outcomes_after(running, 6) == {"forbidden": 3, "reacted": 3}


async def test_one_request_probes_whether_refusals_are_over(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    loopback.api.fault = only("/reactions/", refused(403, 50013))
    for channel in range(3):
        await loopback.say("happy", channel)
        await outcomes_after(running, channel + 1)
    skipper.skip(10)
    for channel in range(3, 13):
        await loopback.say("happy", channel)
    assert await outcomes_after(running, 13) == {"forbidden": 4, "held back": 9}


@pytest.mark.parametrize("code", REFUSALS)
async def test_refusals_everywhere_lead_to_20_requests_in_ten_minutes_and_one_log_line(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    loopback.api.fault = only("/reactions/", REFUSALS[code])
    for turn in range(ROUNDS):
        for channel in range(PER_ROUND):
            await loopback.say("happy", PER_ROUND * turn + channel)
        await outcomes_after(running, PER_ROUND * (turn + 1))
        skipper.skip(PAUSE)
    assert 14 <= len(loopback.api.reactions(code)) <= 20
    [warning] = [line for line in warnings(caplog) if line.startswith("Discord refused")]
    expected = rf"Discord refused \d+ requests within 10 minutes \(HTTP {code}: \d+\): the bot sends no requests .*"
    assert re.fullmatch(expected, warning)
    loopback.api.fault = None
    skipper.skip(600)
    await loopback.say("happy", CHANNELS - 1)
    assert (await outcomes_after(running, PER_ROUND * ROUNDS + 1))["reacted"] == 1


async def test_refusals_that_begin_again_after_each_pause_are_20_at_most_in_ten_minutes(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture
) -> None:
    """With accepted requests in between, no ten-minute pause begins."""
    clock, channels, pauses = asyncio.get_running_loop().time, itertools.cycle(range(CHANNELS)), []
    begun, written = clock(), 0
    while clock() < begun + 600:
        loopback.api.fault = only("/reactions/", refused(403, 50013))
        for _ in range(3):
            await loopback.say("happy", next(channels))
            written += 1
            await outcomes_after(running, written)
        loopback.api.fault = None
        pauses.append(round(running.requests.pause_left()))
        while pause := running.requests.pause_left():
            skipper.skip(min(pause, PAUSE))
            await loopback.say("happy", next(channels))
            written += 1
        for _ in range(12):
            await loopback.say("happy", next(channels))
            written += 1
        await outcomes_after(running, written)
    assert pauses == [10, 40, 80, 160, 160, 160]
    assert len(loopback.api.refused()) == 18
    assert warnings(caplog) == []


async def test_single_refusals_after_many_in_a_row_cost_no_pause(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper
) -> None:
    refuse = only("/reactions/", refused(403, 50013))
    for channel in range(19):
        loopback.api.fault = refuse if channel < 3 or channel % 4 == 0 else None
        await loopback.say("happy", channel)
        await until(lambda: len(loopback.api.reactions()) == channel + 1)  # noqa: B023 - called at once
        if channel == 2:
            await outcomes_after(running, 3)  # the pause begins when the bot gets the answer
            skipper.skip(10)
    assert await outcomes_after(running, 19) == {"forbidden": 7, "reacted": 12}


BROKEN_ANSWERS: dict[str, Fault] = {
    "broken JSON": garbled(200),
    "no text": no_text(403),
    "a limit without its length": status(429, b"{}", "application/json", VIA),
    "an outage": status(503),
    "a bad gateway": status(502, b"<html>"),
}


@pytest.mark.parametrize("kind", BROKEN_ANSWERS)
async def test_answer_that_is_not_from_discord_leads_to_one_warning_and_a_pause(
    running: Emobot, loopback: LoopbackDiscord, skipper: Skipper, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    loopback.api.fault = only("/reactions/", BROKEN_ANSWERS[kind])
    for channel in range(130):
        await loopback.say("happy", channel)
    await until(loopback.api.reactions)
    for _ in range(20):  # meanwhile, discord.py may repeat a request
        await asyncio.sleep(0.01)
        skipper.skip(1)
    await outcomes_after(running, 130)
    assert 1 <= len(loopback.api.reactions()) <= 20  # 16 at once, and then one at a time
    assert len([line for line in warnings(caplog) if line.startswith("Discord failed")]) == 1
    loopback.api.fault = None
    skipper.skip(601)
    await loopback.say("happy", 150)
    assert (await outcomes_after(running, 131))["reacted"] == 1
