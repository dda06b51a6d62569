from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.pacing import Pacer, Refusal


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def pacer(clock: Clock) -> Pacer:
    return Pacer(clock, max_in_flight=2, max_age=15, longest_pause=100)


def refuse(pacer: Pacer, channel: int, pause: float) -> None:
    assert pacer.admit(channel, 0) is None
    pacer.refused(channel, pause)
    pacer.release(channel)


def test_messages_one_after_another_are_all_admitted(pacer: Pacer) -> None:
    for _ in range(100):
        assert pacer.admit(1, 0) is None
        pacer.succeeded(1)
        pacer.release(1)
    assert len(pacer) == 0


def test_few_at_once_in_each_channel(pacer: Pacer) -> None:
    assert [pacer.admit(1, 0) for _ in range(3)] == [None, None, Refusal.CROWDED]
    assert pacer.admit(2, 0) is None
    pacer.release(1)
    assert pacer.admit(1, 0) is None


@pytest.mark.parametrize(("age", "refusal"), [(-3, None), (15, None), (15.1, Refusal.STALE)])
def test_old_messages_are_left_alone(pacer: Pacer, age: float, refusal: Refusal | None) -> None:
    assert pacer.admit(1, age) == refusal


def test_pauses_grow_with_repetition_up_to_the_longest(pacer: Pacer, clock: Clock) -> None:
    for lasts in (10, 20, 40, 80, 100, 100):
        refuse(pacer, 1, 10)
        clock.now += lasts - 0.1
        assert pacer.admit(1, 0) == Refusal.BACKING_OFF
        assert pacer.admit(2, 0) is None
        pacer.release(2)
        clock.now += 0.1


def test_success_ends_the_growth(pacer: Pacer, clock: Clock) -> None:
    refuse(pacer, 1, 10)
    clock.now += 10
    assert pacer.admit(1, 0) is None
    pacer.succeeded(1)
    pacer.release(1)
    assert len(pacer) == 0
    refuse(pacer, 1, 10)
    clock.now += 10
    assert pacer.admit(1, 0) is None


def test_refusals_of_one_moment_count_once(pacer: Pacer, clock: Clock) -> None:
    assert [pacer.admit(1, 0), pacer.admit(1, 0)] == [None, None]
    for _ in range(2):
        pacer.refused(1, 10)
        pacer.release(1)
    clock.now += 10
    assert pacer.admit(1, 0) is None


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
        if pacer.admit(channel, 0) is not None:
            assert clock.now < disgraced[channel] + 100
            continue
        if result == "success":
            pacer.succeeded(channel)
            disgraced.pop(channel, None)
        elif result == "refusal":
            pacer.refused(channel, 5)
            disgraced[channel] = clock.now
        pacer.release(channel)
        assert len(pacer) <= len(disgraced)
    clock.now += 201
    assert pacer.admit(99, 0) is None
    pacer.release(99)
    assert len(pacer) == 0
