from __future__ import annotations

import pytest

from benchmarks.load import measurements
from benchmarks.load.measurements import CHANNELS, RAMP_UP, SERVERS, TOLERANCE, bench, find_highest_rates, ramp_up
from benchmarks.load.stream import Stream

CAPACITY = {"full": 530.0, "empty": 6100.0}


@pytest.mark.parametrize("first", [200.0, 10_000.0])
async def test_search_finds_the_capacity_within_the_tolerance_and_alternates_between_bots(
    first: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    async def keeps_up(which: str, rate: float, _seconds: float) -> bool:
        tried.append(which)
        return rate <= CAPACITY[which]

    monkeypatch.setattr(measurements, "keeps_up", keeps_up)
    found = await find_highest_rates(1.0, first)
    for which, capacity in CAPACITY.items():
        assert capacity / TOLERANCE <= found[which] <= capacity
    assert tried[:4] == ["full", "empty"] * 2
    assert len(tried) < 30


async def test_search_returns_zero_for_a_bot_that_keeps_up_with_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def keeps_up(_which: str, _rate: float, _seconds: float) -> bool:
        return False

    monkeypatch.setattr(measurements, "keeps_up", keeps_up)
    assert await find_highest_rates(1.0) == {"full": 0.0, "empty": 0.0}


async def test_load_begins_with_more_and_more_channels_at_the_same_rate_in_each() -> None:
    written: list[tuple[float, float, range]] = []

    class Recorded(Stream):
        def __init__(self) -> None:
            pass

        async def write(self, rate: float, seconds: float, channels: range) -> list[int]:
            written.append((rate, seconds, channels))
            return []

    await ramp_up(Recorded(), 400.0)
    assert [rate / len(channels) for rate, _, channels in written] == pytest.approx([2.0] * len(written))
    assert sum(seconds for _, seconds, _ in written) == pytest.approx(RAMP_UP)
    sizes = [len(channels) for _, _, channels in written]
    assert sizes == sorted(set(sizes))
    assert written[-1][2] == range(SERVERS * CHANNELS)


@pytest.mark.slow
async def test_bot_process_reports_its_messages_time_and_memory() -> None:
    async with bench("empty", warm_up=0.02) as running:
        before = await running.bot.progress()
        messages = await running.stream.write(1000, 0.05, range(10))
        spent = (await running.wait_until_done()).since(before)
        assert spent.outcomes == {"heard": 50}
        assert 0 < spent.main_thread <= spent.process
        assert running.bot.memory() > 10 * 2**20
        assert running.bot.waited_for_a_core() >= 0
        assert running.latency(messages).reactions == 0


@pytest.mark.slow
async def test_full_bot_process_drops_no_message_and_reacts() -> None:
    async with bench("full", warm_up=0.4) as running:
        done = await running.bot.progress()
        assert done.handled == 20
        assert done.dropped == 0
        assert done.outcomes["reacted"] == len(running.discord.routes.reactions) > 0
        assert running.latency(list(running.discord.routes.messages)).reactions == done.outcomes["reacted"]
