from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bot.reactions.pace import (
    MAX_DISLIKES,
    MESSAGES_PER_WEIGHT,
    PROFILES,
    WAITING_PER_WEIGHT,
    ChannelState,
    pace_reason,
    profile_for,
    sample_weight,
    seconds_to_next,
)
from bot.reactions.policy import Policy
from bot.server_settings import Liveliness, ServerSettings
from tests.bot.support import prediction_of


@pytest.mark.parametrize(
    ("since_joining", "share", "free", "cooldown"),
    [
        (-60, 0.7, 3, 2),
        (0, 0.7, 3, 2),
        (1800, 0.525, 2, 6),
        (3600, 0.35, 1, 10),
        (10**9, 0.35, 1, 10),
        (None, 0.35, 1, 10),
    ],
)
def test_pace_in_a_new_server_starts_lively_and_settles_within_an_hour(
    since_joining: float | None, share: float, free: int, cooldown: float
) -> None:
    profile = profile_for(ServerSettings(), ChannelState(since_joining=since_joining))
    assert profile.share == pytest.approx(share)
    assert (profile.free, profile.cooldown) == (free, cooldown)
    assert profile.strictness == PROFILES[Liveliness.NORMAL].strictness
    busy = ChannelState(messages=2, reactions=1, since_reaction=9, since_joining=since_joining)
    assert (Policy().choose("", prediction_of(joy=0.95), channel=busy).emoji is None) == (cooldown == 10)


@pytest.mark.parametrize("liveliness", Liveliness)
@pytest.mark.parametrize("dislikes", [0, 1, 9])
def test_share_is_kept_with_the_reaction_that_is_allowed(liveliness: Liveliness, dislikes: int) -> None:
    settings = ServerSettings(liveliness=liveliness)
    share = Fraction(str(PROFILES[liveliness].share)) / 2 ** min(dislikes, MAX_DISLIKES)
    always = 3 if liveliness is Liveliness.LIVELY and not dislikes else 1
    for messages in range(1, 121):
        allowed = [
            before + 1
            for before in range(messages)
            if pace_reason(settings, ChannelState(messages, before, 3600, dislikes)) is None
        ]
        assert min(always, messages) <= len(allowed) == max(allowed) <= max(always, share * messages)


@pytest.mark.parametrize("liveliness", [Liveliness.QUIET, Liveliness.LIVELY])
def test_chosen_liveliness_holds_from_the_start(liveliness: Liveliness) -> None:
    assert profile_for(ServerSettings(liveliness=liveliness), ChannelState(since_joining=0)) == PROFILES[liveliness]


def test_the_next_reaction_comes_after_the_pause_and_once_the_share_allows_it() -> None:
    resting = ChannelState(messages=9, reactions=1, since_reaction=4)
    exhausted = ChannelState(messages=9, reactions=3, since_reaction=4)
    server = ServerSettings()
    assert seconds_to_next(server, [(0, ChannelState())]) == 0
    assert seconds_to_next(server, [(0, resting), (596, ChannelState())]) == 6
    assert seconds_to_next(server, [(0, exhausted), (200, ChannelState(9, 2, 204)), (596, ChannelState())]) == 200
    assert seconds_to_next(server, [(0, exhausted), (2, ChannelState(9, 2, 6)), (596, ChannelState())]) == 6
    assert seconds_to_next(ServerSettings(liveliness=Liveliness.LIVELY), [(0, exhausted)]) == 0


@pytest.mark.parametrize("messages", [0, 1, MESSAGES_PER_WEIGHT])
def test_sample_of_a_quiet_channel_has_every_message(messages: int) -> None:
    assert sample_weight(messages, WAITING_PER_WEIGHT - 1, lambda: 0.999) == 1


@pytest.mark.parametrize(("messages", "each"), [(101, 2), (200, 2), (1000, 10), (60_001, 601)])
def test_sample_of_a_busy_channel_is_no_larger_than_a_quiet_one(messages: int, each: int) -> None:
    assert (sample_weight(messages, 0, lambda: 0.9 / each), sample_weight(messages, 0, lambda: 1 / each)) == (each, 0)


@pytest.mark.parametrize(("waiting", "each"), [(31, 1), (32, 2), (95, 3), (2048, 65)])
def test_sampling_rate_falls_with_the_number_of_waiting_texts(waiting: int, each: int) -> None:
    assert (sample_weight(1, waiting, lambda: 0.9 / each), sample_weight(1, waiting, lambda: 0.999)) == (
        each,
        int(each == 1),
    )
    assert sample_weight(100 * each + 1, waiting, lambda: 0.0) == each + 1  # the smaller of the two limits


@pytest.mark.parametrize(("messages", "waiting"), [(100, 0), (150, 0), (700, 0), (3000, 0), (1, 100), (1, 2000)])
def test_weighted_sample_has_the_expected_total(messages: int, waiting: int) -> None:
    chance = np.random.default_rng(7).random
    joyful, tries = 0.3, 20_000
    counts = [sample_weight(messages, waiting, chance) for _ in range(tries)]
    joy = sum(counts[: int(joyful * tries)])
    each = max(1, messages // MESSAGES_PER_WEIGHT, waiting // WAITING_PER_WEIGHT)
    deviation = (tries * each) ** 0.5  # of the sum, at most
    assert sum(counts) == pytest.approx(tries, abs=3 * deviation)
    assert joy == pytest.approx(joyful * tries, abs=3 * deviation)
    assert sum(map(bool, counts)) < 1.1 * tries / each
