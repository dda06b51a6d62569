from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.reactions.outcomes import Outcome
from bot.reactions.reaction_limits import ReactionLimits
from tests.bot.clock import ManualClock

SERVER = 77


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def limits(clock: ManualClock) -> ReactionLimits:
    return ReactionLimits(clock, max_in_flight=2, max_age=15, longest_pause=100)


def refuse(limits: ReactionLimits, channel: int, pause: float, server: int | None = None) -> None:
    assert limits.admit(channel, server, 0) is None
    limits.note_refusal(channel, server, pause)
    limits.release(channel)


def react(limits: ReactionLimits, channel: int, server: int | None = None) -> None:
    assert limits.admit(channel, server, 0) is None
    limits.note_success(channel, server)
    limits.release(channel)


def test_reactions_one_after_another_are_all_admitted(limits: ReactionLimits) -> None:
    for _ in range(100):
        assert limits.admit(1, None, 0) is None
        limits.note_success(1, None)
        limits.release(1)
    assert len(limits) == 0


def test_reactions_in_flight_are_limited_per_channel(limits: ReactionLimits) -> None:
    assert [limits.admit(1, None, 0) for _ in range(3)] == [None, None, Outcome.CROWDED]
    assert limits.admit(2, None, 0) is None
    limits.release(1)
    assert limits.admit(1, None, 0) is None


def test_defaults_are_4_in_flight_15_seconds_of_age_and_an_hour_of_pause(clock: ManualClock) -> None:
    limits = ReactionLimits(clock)
    assert [limits.admit(1, None, age) for age in (15, 15.1)] == [None, Outcome.STALE]
    assert [limits.admit(1, None, 0) for _ in range(4)] == [None, None, None, Outcome.CROWDED]
    limits.note_refusal(2, None, 1e9)
    clock.now += 3599.9
    assert limits.admit(2, None, 0) == Outcome.BACKING_OFF
    clock.now += 0.1
    assert limits.admit(2, None, 0) is None


@pytest.mark.parametrize(("age", "refusal"), [(-3, None), (15, None), (15.1, Outcome.STALE)])
def test_messages_up_to_the_maximum_age_are_admitted(
    limits: ReactionLimits, age: float, refusal: Outcome | None
) -> None:
    assert limits.admit(1, None, age) == refusal


def test_backoff_doubles_after_each_refusal_up_to_the_longest(limits: ReactionLimits, clock: ManualClock) -> None:
    for lasts in (10, 20, 40, 80, 100, 100):
        refuse(limits, 1, 10)
        clock.now += lasts - 0.1
        assert limits.admit(1, None, 0) == Outcome.BACKING_OFF
        assert limits.admit(2, None, 0) is None
        limits.release(2)
        clock.now += 0.1


def test_backoff_starts_again_after_a_success(limits: ReactionLimits, clock: ManualClock) -> None:
    refuse(limits, 1, 10)
    clock.now += 10
    assert limits.admit(1, None, 0) is None
    limits.note_success(1, None)
    limits.release(1)
    assert len(limits) == 0
    refuse(limits, 1, 10)
    clock.now += 10
    assert limits.admit(1, None, 0) is None


def test_refusals_during_a_pause_do_not_count(limits: ReactionLimits, clock: ManualClock) -> None:
    assert [limits.admit(1, None, 0), limits.admit(1, None, 0)] == [None, None]
    for _ in range(2):
        limits.note_refusal(1, None, 10)
        limits.release(1)
    clock.now += 10
    assert limits.admit(1, None, 0) is None


def test_a_success_in_another_channel_does_not_end_the_backoff(limits: ReactionLimits, clock: ManualClock) -> None:
    refuse(limits, 1, 10)
    clock.now += 10
    react(limits, 2)
    refuse(limits, 1, 10)
    clock.now += 19
    assert limits.admit(1, None, 0) == Outcome.BACKING_OFF


def test_refusals_in_three_channels_pause_the_server_with_doubling(limits: ReactionLimits, clock: ManualClock) -> None:
    for channel in (1, 2, 3):
        refuse(limits, channel, 100, SERVER)
    for attempt, lasts in enumerate((60, 100)):
        clock.now += lasts - 0.1
        assert limits.admit(10 + attempt, SERVER, 0) == Outcome.BACKING_OFF
        refuse(limits, 90 + attempt, 0, SERVER + 1)
        clock.now += 0.1
        refuse(limits, 10 + attempt, 100, SERVER)
    assert limits.admit(20, SERVER, 0) == Outcome.BACKING_OFF


def test_three_refusals_in_one_channel_pause_the_server(limits: ReactionLimits, clock: ManualClock) -> None:
    for lasts in (5, 10, 20):
        assert limits.admit(2, SERVER, 0) is None
        limits.release(2)
        refuse(limits, 1, 5, SERVER)
        clock.now += lasts
    assert limits.admit(2, SERVER, 0) == Outcome.BACKING_OFF


def test_success_resets_the_refusals_of_the_server(limits: ReactionLimits) -> None:
    for channel in range(10):
        refuse(limits, channel, 100, SERVER)
        react(limits, 100, SERVER)


def test_author_who_has_blocked_the_bot_gets_no_reaction_for_an_hour(
    limits: ReactionLimits, clock: ManualClock
) -> None:
    limits.note_block(7)
    assert limits.admit(1, SERVER, 0, author_id=8) is None
    limits.release(1)
    assert len(limits) == 1
    clock.now += 3599.9
    assert limits.admit(1, SERVER, 0, author_id=7) == Outcome.BLOCKED
    clock.now += 0.1
    assert limits.admit(1, SERVER, 0, author_id=7) is None


def test_pause_of_a_server_does_not_pause_the_channel_of_the_same_id(limits: ReactionLimits) -> None:
    for channel in (1, 2, 3):
        refuse(limits, channel, 100, SERVER)
    assert limits.admit(SERVER, None, 0) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 5), st.floats(0, 30), st.sampled_from(["success", "refusal", "nothing"])),
        max_size=60,
    )
)
@settings(max_examples=50, derandomize=True, deadline=None)
def test_only_channels_in_use_or_with_recent_refusals_take_memory(events: list[tuple[int, float, str]]) -> None:
    clock = ManualClock()
    limits = ReactionLimits(clock, longest_pause=100)
    note_refusal: dict[int, float] = {}
    for channel, wait, result in events:
        clock.now += wait
        if limits.admit(channel, None, 0) is not None:
            assert clock.now < note_refusal[channel] + 100
            continue
        if result == "success":
            limits.note_success(channel, None)
            note_refusal.pop(channel, None)
        elif result == "refusal":
            limits.note_refusal(channel, None, 5)
            note_refusal[channel] = clock.now
        limits.release(channel)
        assert len(limits) <= len(note_refusal)
    clock.now += 201
    assert limits.admit(99, None, 0) is None
    limits.release(99)
    assert len(limits) == 0
