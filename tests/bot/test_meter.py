"""What the features report to a meter, over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web

from benchmarks.gateway import Fault, LoopbackDiscord, limited, only, refused, times
from bot import Emobot, create_bot
from bot.meter import Meter
from classifiers import Classifier
from tests.bot.support import reactions_of
from tests.loopback import configured, connected, serving, until


class RecordingMeter(Meter):
    """Records what it is told, except for answers to requests that are not reactions."""

    def __init__(self) -> None:
        self.batches: list[tuple[str, int]] = []
        self.delays: list[float] = []
        self.calls: list[Any] = []

    def model_answered(self, model: str, texts: int, seconds: float) -> None:
        assert seconds >= 0
        self.batches.append((model, texts))

    def reaction_requested(self, delay: float) -> None:
        self.delays.append(delay)
        self.calls.clear()

    def reaction_done(self, action: str) -> None:
        self.calls.append(action)

    def discord_answered(self, status: int | None) -> None:
        self.calls.append(status)


@pytest.fixture
async def loopback(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[LoopbackDiscord]:
    async with serving(LoopbackDiscord(), monkeypatch) as served:
        yield served


@pytest.fixture
def meter() -> RecordingMeter:
    return RecordingMeter()


@pytest.fixture
def bot(loopback: LoopbackDiscord, models: dict[str, Classifier], meter: RecordingMeter) -> Emobot:
    return create_bot(configured(loopback), models=models, meter=meter)


async def outcome_of_message(
    bot: Emobot, loopback: LoopbackDiscord, age: float = 0.0, fault: Fault | None = None
) -> str:
    """Send a message to which the bot wants to react, and return its outcome."""
    async with connected(bot, loopback):
        loopback.api.fault = fault
        await loopback.say("happy", age=age)
        outcomes = reactions_of(bot).outcomes
        await until(outcomes.total)
        loopback.api.fault = None
        [outcome] = outcomes
        return outcome


async def test_reaction_is_metered_with_batch_delay_and_answer(
    bot: Emobot, loopback: LoopbackDiscord, meter: RecordingMeter
) -> None:
    assert await outcome_of_message(bot, loopback, age=5) == "reacted"
    assert meter.batches == [("bilstm", 1)]
    assert len(meter.delays) == 1
    assert 4 <= meter.delays[0] < 15  # Discord's dates are exact to the second
    assert meter.calls == [204, "add"]


async def test_refused_reaction_is_metered_as_refused(
    bot: Emobot, loopback: LoopbackDiscord, meter: RecordingMeter
) -> None:
    assert await outcome_of_message(bot, loopback, fault=only("/reactions/", refused(403, 50013))) == "forbidden"
    assert meter.calls == [403]


async def test_retried_request_has_one_delay(bot: Emobot, loopback: LoopbackDiscord, meter: RecordingMeter) -> None:
    assert (
        await outcome_of_message(bot, loopback, fault=only("/reactions/", times(1, limited("user", 0.01)))) == "reacted"
    )
    assert len(meter.delays) == 1
    assert meter.calls == [429, 204, "add"]


async def test_missing_answer_is_metered_as_none(bot: Emobot, loopback: LoopbackDiscord, meter: RecordingMeter) -> None:
    async def hang_up(request: web.Request) -> None:
        if request.transport:
            request.transport.abort()

    assert await outcome_of_message(bot, loopback, fault=only("/reactions/", hang_up)) == "Discord failed"
    assert set(meter.calls) == {None}


async def test_removed_reaction_is_metered(bot: Emobot, loopback: LoopbackDiscord, meter: RecordingMeter) -> None:
    async with connected(bot, loopback):
        message_id = await loopback.say("happy")
        await until(lambda: "add" in meter.calls)
        await loopback.react(message_id, "❌")
        await until(lambda: "remove" in meter.calls)
