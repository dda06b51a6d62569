from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reactions.pacing import Pacer, Refusal, Refusals, Turns
from tests.bot.clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(clock, max_in_flight=2, max_age=15, longest_pause=100)


SERVER = 77


def refuse(pacer: Pacer, channel: int, pause: float, server: int | None = None) -> None:
    assert pacer.admit(channel, server, 0) is None
    pacer.refused(channel, server, pause)
    pacer.release(channel)


def react(pacer: Pacer, channel: int, server: int | None = None) -> None:
    assert pacer.admit(channel, server, 0) is None
    pacer.succeeded(channel, server)
    pacer.release(channel)


def test_messages_one_after_another_are_all_admitted(pacer: Pacer) -> None:
    for _ in range(100):
        assert pacer.admit(1, None, 0) is None
        pacer.succeeded(1, None)
        pacer.release(1)
    assert len(pacer) == 0


def test_few_at_once_in_each_channel(pacer: Pacer) -> None:
    assert [pacer.admit(1, None, 0) for _ in range(3)] == [None, None, Refusal.CROWDED]
    assert pacer.admit(2, None, 0) is None
    pacer.release(1)
    assert pacer.admit(1, None, 0) is None


def test_four_at_once_of_the_last_15_seconds_and_a_pause_of_an_hour_unless_told_otherwise(clock: Clock) -> None:
    pacer = Pacer(clock)
    assert [pacer.admit(1, None, age) for age in (15, 15.1)] == [None, Refusal.STALE]
    assert [pacer.admit(1, None, 0) for _ in range(4)] == [None, None, None, Refusal.CROWDED]
    pacer.refused(2, None, 1e9)
    clock.now += 3599.9
    assert pacer.admit(2, None, 0) == Refusal.BACKING_OFF
    clock.now += 0.1
    assert pacer.admit(2, None, 0) is None


@pytest.mark.parametrize(("age", "refusal"), [(-3, None), (15, None), (15.1, Refusal.STALE)])
def test_old_messages_are_left_alone(pacer: Pacer, age: float, refusal: Refusal | None) -> None:
    assert pacer.admit(1, None, age) == refusal


def test_pauses_grow_with_repetition_up_to_the_longest(pacer: Pacer, clock: Clock) -> None:
    for lasts in (10, 20, 40, 80, 100, 100):
        refuse(pacer, 1, 10)
        clock.now += lasts - 0.1
        assert pacer.admit(1, None, 0) == Refusal.BACKING_OFF
        assert pacer.admit(2, None, 0) is None
        pacer.release(2)
        clock.now += 0.1


def test_success_ends_the_growth(pacer: Pacer, clock: Clock) -> None:
    refuse(pacer, 1, 10)
    clock.now += 10
    assert pacer.admit(1, None, 0) is None
    pacer.succeeded(1, None)
    pacer.release(1)
    assert len(pacer) == 0
    refuse(pacer, 1, 10)
    clock.now += 10
    assert pacer.admit(1, None, 0) is None


def test_refusals_of_one_moment_count_once(pacer: Pacer, clock: Clock) -> None:
    assert [pacer.admit(1, None, 0), pacer.admit(1, None, 0)] == [None, None]
    for _ in range(2):
        pacer.refused(1, None, 10)
        pacer.release(1)
    clock.now += 10
    assert pacer.admit(1, None, 0) is None


def test_a_setback_counts_when_its_pause_is_over_whatever_happens_elsewhere(pacer: Pacer, clock: Clock) -> None:
    refuse(pacer, 1, 10)
    clock.now += 10
    react(pacer, 2)
    refuse(pacer, 1, 10)
    clock.now += 19
    assert pacer.admit(1, None, 0) == Refusal.BACKING_OFF


def test_refusals_in_several_channels_pause_the_server_longer_and_longer(pacer: Pacer, clock: Clock) -> None:
    for channel in (1, 2, 3):
        refuse(pacer, channel, 100, SERVER)
    for attempt, lasts in enumerate((60, 100)):
        clock.now += lasts - 0.1
        assert pacer.admit(10 + attempt, SERVER, 0) == Refusal.BACKING_OFF
        refuse(pacer, 90 + attempt, 0, SERVER + 1)
        clock.now += 0.1
        refuse(pacer, 10 + attempt, 100, SERVER)
    assert pacer.admit(20, SERVER, 0) == Refusal.BACKING_OFF


def test_a_server_that_takes_a_reaction_is_not_paused_for_single_channels(pacer: Pacer) -> None:
    for channel in range(10):
        refuse(pacer, channel, 100, SERVER)
        react(pacer, 100, SERVER)


def test_a_channel_may_have_the_id_of_its_server(pacer: Pacer) -> None:
    for channel in (1, 2, 3):
        refuse(pacer, channel, 100, SERVER)
    assert pacer.admit(SERVER, None, 0) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 30), st.sampled_from(["success", "refusal", "nothing"])),
        max_size=60,
    )
)
@settings(max_examples=50, derandomize=True, deadline=None)
def test_only_channels_in_use_or_in_disgrace_are_remembered(events: list[tuple[int, float, str]]) -> None:
    clock = Clock()
    pacer = Pacer(clock, longest_pause=100)
    disgraced: dict[int, float] = {}
    for channel, wait, result in events:
        clock.now += wait
        if pacer.admit(channel, None, 0) is not None:
            assert clock.now < disgraced[channel] + 100
            continue
        if result == "success":
            pacer.succeeded(channel, None)
            disgraced.pop(channel, None)
        elif result == "refusal":
            pacer.refused(channel, None, 5)
            disgraced[channel] = clock.now
        pacer.release(channel)
        assert len(pacer) <= len(disgraced)
    clock.now += 201
    assert pacer.admit(99, None, 0) is None
    pacer.release(99)
    assert len(pacer) == 0


# ---------------------------------------------------------------- refused requests


@pytest.fixture
def refusals(clock: Clock) -> Refusals:
    return Refusals(clock, most=3, window=600)


def test_few_refusals_are_borne(refusals: Refusals, clock: Clock) -> None:
    for _ in range(100):
        assert refusals.note(403) is None
        clock.now += 300


def test_many_refusals_within_the_window_are_told_once_by_status(refusals: Refusals, clock: Clock) -> None:
    for begin in (1000, 2000):
        clock.now = begin
        assert refusals.note(403) is None
        clock.now = begin + 1
        assert refusals.note(429) is None
        clock.now = begin + 599
        assert refusals.note(403) == {403: 2, 429: 1}


# ---------------------------------------------------------------- turns


async def take(turns: Turns, wanted: list[float]) -> tuple[list[float], list[float]]:
    """Let everybody want a turn at once; those who got one, in order, and those who got none."""
    given: list[float] = []
    refused: list[float] = []

    async def one(freshness: float) -> None:
        (given if await turns.take(freshness) else refused).append(freshness)

    await asyncio.gather(*map(one, wanted))
    return given, refused


@pytest.fixture
def passing(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that goes on as long as anybody sleeps."""
    sleep = asyncio.sleep

    async def pass_by(seconds: float) -> None:
        clock.now += seconds
        await sleep(0)

    monkeypatch.setattr(asyncio, "sleep", pass_by)
    return clock


async def test_turns_come_at_an_even_pace_after_the_first_few(passing: Clock) -> None:
    turns = Turns(passing, rate=10, at_once=3, most_waiting=100)
    moments = []
    for _ in range(23):
        assert await turns.take(0)
        moments.append(passing.now - 1000)
    assert moments == pytest.approx([0.0] * 3 + [n / 10 for n in range(1, 21)])


async def test_a_rest_is_no_reason_for_a_rush(passing: Clock) -> None:
    turns = Turns(passing, rate=10, at_once=3, most_waiting=100)
    passing.now += 3600
    await take(turns, [0.0] * 13)
    assert passing.now - 4600 == pytest.approx(1)


async def test_the_freshest_go_first_and_the_oldest_never(passing: Clock) -> None:
    turns = Turns(passing, rate=10, at_once=1, most_waiting=3)
    assert await take(turns, [1, 5, 2, 9, 4, 7]) == ([1, 9, 7, 5], [2, 4])


async def test_who_no_longer_waits_takes_no_turn(passing: Clock) -> None:
    turns = Turns(passing, rate=10, at_once=1, most_waiting=3)
    assert await turns.take(1)
    gone = asyncio.create_task(turns.take(3))
    await asyncio.sleep(0)
    gone.cancel()
    assert await take(turns, [2, 1, 4]) == ([4, 2], [1])
    assert passing.now - 1000 == pytest.approx(0.2)


async def test_in_any_second_there_are_fewer_turns_than_discord_allows(passing: Clock) -> None:
    turns = Turns(passing)
    moments: list[float] = []

    async def one(number: int) -> None:
        if await turns.take(number):
            moments.append(passing.now)

    for second in range(10):  # 60 are wanted each second, Discord allows 50
        await asyncio.gather(*(one(60 * second + number) for number in range(60)))
        passing.now = max(passing.now, 1001.0 + second)
    assert max(sum(begin <= moment < begin + 1 for moment in moments) for begin in moments) <= 40
    assert len(moments) >= 350
