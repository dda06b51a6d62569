from __future__ import annotations

import pytest

from bot.reactions.channels import FORGIVES, WINDOW, Channels
from bot.reactions.policy import MOST_DISLIKES, ChannelState

ALICE, BOB = 7, 8


class Clock:
    """Seconds that pass when a test says so."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_counts_by_channel(clock: Clock) -> None:
    channels = Channels(clock)
    channels.heard(1)
    channels.heard(1)
    channels.reacted(1)
    clock.now += 30
    channels.heard(1)
    assert channels.state(1) == ChannelState(messages=3, reactions=1, quiet_for=30)
    assert channels.state(2) == ChannelState(messages=0)


def test_the_window_rolls(clock: Clock) -> None:
    channels = Channels(clock)
    channels.heard(1)
    channels.reacted(1)
    clock.now += WINDOW - 1
    channels.heard(1)
    assert channels.state(1) == ChannelState(messages=2, reactions=1, quiet_for=WINDOW - 1)
    clock.now += 1
    assert channels.state(1) == ChannelState(messages=1)


def test_dislikes_of_several_people_add_up_and_are_forgiven(clock: Clock) -> None:
    channels = Channels(clock)
    channels.disliked(1, ALICE)
    clock.now += FORGIVES - 1
    channels.disliked(1, BOB)
    assert channels.state(1).dislikes == 2
    clock.now += FORGIVES - 1
    assert channels.state(1).dislikes == 2
    clock.now += 1
    assert channels.state(1).dislikes == 0


def test_one_person_weighs_no_more_for_saying_it_again(clock: Clock) -> None:
    channels = Channels(clock)
    for _ in range(3):
        channels.disliked(1, ALICE)
    for _ in range(3):
        channels.disliked(1, None)  # somebody, Discord does not say who
    assert channels.state(1).dislikes == 2
    for person in range(100):
        channels.disliked(1, person)
    assert channels.state(1).dislikes == MOST_DISLIKES  # nobody beyond is remembered


def test_channels_that_hold_back_are_told_and_can_be_forgiven(clock: Clock) -> None:
    channels = Channels(clock)
    for channel_id in (1, 2, 3):
        channels.disliked(channel_id, ALICE)
    assert channels.holding_back([2, 4, 1]) == [2, 1]
    channels.forgive([2, 4])
    assert [channels.state(channel_id).dislikes for channel_id in (1, 2, 3)] == [1, 0, 1]
    assert channels.holding_back([2, 4, 1]) == [1]


def test_a_crowded_channel_takes_no_end_of_memory(clock: Clock) -> None:
    channels = Channels(clock)
    for _ in range(1000):
        channels.heard(1)
    assert channels.state(1).messages == 200
