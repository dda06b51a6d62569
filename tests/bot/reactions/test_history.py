from __future__ import annotations

import random
import tracemalloc
from dataclasses import replace
from itertools import pairwise

import pytest

from bot.reactions.history import DISLIKE_DURATION, WINDOW, ChannelHistory
from bot.reactions.pace import MAX_DISLIKES, ChannelState
from tests.bot.clock import ManualClock

ALICE, BOB = 7, 8
PYTHONS_OWN = 512
"""Bytes of the largest block that Python does not take from the C library."""


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_messages_and_reactions_are_counted_by_channel(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    history.count_message(1)
    history.count_message(1)
    history.count_reaction(1)
    clock.now += 30
    history.count_message(1)
    assert history.state(1) == ChannelState(messages=3, reactions=1, since_reaction=30)
    assert history.state(2) == ChannelState(messages=0)


def test_counts_older_than_the_window_are_forgotten(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    history.count_message(1)
    history.count_reaction(1)
    clock.now += WINDOW - 1
    history.count_message(1)
    assert history.state(1) == ChannelState(messages=2, reactions=1, since_reaction=WINDOW - 1)
    clock.now += 1
    assert history.state(1) == ChannelState(messages=1)


def test_count_can_be_undone_within_the_window(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    first = history.count_reaction(1)
    clock.now += 1
    history.count_reaction(1)
    clock.now += 1
    history.uncount_reaction(1, first)
    assert history.state(1) == ChannelState(messages=0, reactions=1, since_reaction=1)
    history.uncount_reaction(1, first)
    assert history.state(1).reactions == 1


def test_upcoming_states_have_the_counts_at_each_expiry(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    assert list(history.upcoming_states(1)) == [(0, ChannelState(messages=1))]
    for pause in (0, 100, 50):
        clock.now += pause
        history.count_message(1)
        history.count_reaction(1)
        history.count_message(1)
    history.count_dislike(1, ALICE)
    clock.now += 20
    states = list(history.upcoming_states(1))
    assert states == [
        (0, ChannelState(messages=7, reactions=3, since_reaction=20, dislikes=1)),
        (430, ChannelState(messages=5, reactions=2, since_reaction=450, dislikes=1)),
        (530, ChannelState(messages=3, reactions=1, since_reaction=550, dislikes=1)),
        (580, ChannelState(messages=1, dislikes=1)),
    ]
    for now, (seconds, state) in pairwise(states):
        clock.now += seconds - now[0]
        history.count_message(2)  # elsewhere
        assert history.state(1) == replace(state, messages=state.messages - 1)


def test_dislikes_of_several_people_add_up_and_each_expires_after_a_day(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    history.count_dislike(1, ALICE)
    clock.now += DISLIKE_DURATION - 1
    history.count_dislike(1, BOB)
    assert history.state(1).dislikes == 2
    clock.now += 1
    assert history.state(1).dislikes == 1
    clock.now += DISLIKE_DURATION - 2
    assert (history.state(1).dislikes, history.holding_back([1])) == (1, [1])
    clock.now += 1
    assert (history.state(1).dislikes, history.holding_back([1])) == (0, [])


def test_another_dislike_of_the_same_person_counts_for_a_day_from_then(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    history.count_dislike(1, ALICE)
    clock.now += DISLIKE_DURATION - 1
    history.count_dislike(1, ALICE)
    clock.now += DISLIKE_DURATION - 1
    assert history.state(1).dislikes == 1


def test_repeated_dislikes_of_one_person_count_once(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    for _ in range(3):
        history.count_dislike(1, ALICE)
    for _ in range(3):
        history.count_dislike(1, None)  # Discord does not say whose dislike it is
    assert history.state(1).dislikes == 2
    for person in range(100):
        history.count_dislike(1, person)
    assert history.state(1).dislikes == MAX_DISLIKES  # only the latest people are remembered


def test_disliked_channels_are_listed_until_reset(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    for channel_id in (1, 2, 3):
        history.count_dislike(channel_id, ALICE)
    assert history.holding_back([2, 4, 1]) == [2, 1]
    history.forget_dislikes([2, 4])
    assert [history.state(channel_id).dislikes for channel_id in (1, 2, 3)] == [1, 0, 1]
    assert history.holding_back([2, 4, 1]) == [1]


def test_all_messages_of_the_last_ten_minutes_are_counted_however_many(clock: ManualClock) -> None:
    clock.now = 60_000
    history = ChannelHistory(clock)
    assert history.messages_in_window(1) == 0
    for minute in range(1, 16):
        for _ in range(100 * minute):
            history.count_message(1)
        clock.now += 60
    assert history.messages_in_window(1) == 100 * sum(range(7, 16))  # the tenth minute has only begun
    assert len(history._records[1].minutes) == 9
    clock.now += WINDOW
    assert history.messages_in_window(1) == 0


def test_only_the_latest_200_messages_of_a_busy_channel_are_remembered(clock: ManualClock) -> None:
    history = ChannelHistory(clock)
    for second in range(300):
        clock.now = second
        history.count_message(1)
    clock.now = WINDOW + 99
    assert history.state(1).messages == 200
    clock.now = WINDOW + 100
    assert history.state(1).messages == 199


def test_equally_busy_channels_do_not_grow_the_heap(clock: ManualClock) -> None:
    """Blocks that live for minutes would be placed in gaps of the C library's heap, which would keep growing."""
    history, chance = ChannelHistory(clock), random.Random(0)  # noqa: S311 - not for a secret

    def twenty_minutes() -> None:
        for _ in range(12_000):
            clock.now += 0.1
            channel = chance.randrange(24)
            history.count_message(channel)
            history.count_reaction(channel)

    twenty_minutes()
    tracemalloc.start()
    twenty_minutes()
    blocks = tracemalloc.take_snapshot().traces
    tracemalloc.stop()
    assert {block.size for block in blocks if block.size > PYTHONS_OWN} == set()
