from __future__ import annotations

import pytest

from bot.reactions.pace import PROFILES, ChannelState, profile_in, seconds_to_next
from bot.reactions.policy import choose
from bot.server_settings import Liveliness, ServerSettings
from tests.bot.scripted import believing


@pytest.mark.parametrize(
    ("joined_for", "share", "free", "cooldown"),
    [
        (-60, 0.7, 3, 2),
        (0, 0.7, 3, 2),
        (1800, 0.525, 2, 6),
        (3600, 0.35, 1, 10),
        (10**9, 0.35, 1, 10),
        (None, 0.35, 1, 10),
    ],
)
def test_in_a_new_server_the_pace_begins_lively_and_settles_within_an_hour(
    joined_for: float | None, share: float, free: int, cooldown: float
) -> None:
    profile = profile_in(ServerSettings(), ChannelState(joined_for=joined_for))
    assert profile.share == pytest.approx(share)
    assert (profile.free, profile.cooldown) == (free, cooldown)
    assert profile.strictness == PROFILES[Liveliness.NORMAL].strictness
    busy = ChannelState(messages=2, reactions=1, quiet_for=9, joined_for=joined_for)
    assert (choose("", believing(joy=0.95), channel=busy).emoji is None) == (cooldown == 10)


@pytest.mark.parametrize("liveliness", [Liveliness.QUIET, Liveliness.LIVELY])
def test_a_liveliness_that_was_chosen_holds_from_the_beginning(liveliness: Liveliness) -> None:
    assert profile_in(ServerSettings(liveliness=liveliness), ChannelState(joined_for=0)) == PROFILES[liveliness]


def test_the_next_reaction_comes_after_the_pause_and_once_the_share_allows_it() -> None:
    resting = ChannelState(messages=9, reactions=1, quiet_for=4)
    exhausted = ChannelState(messages=9, reactions=3, quiet_for=4)
    server = ServerSettings()
    assert seconds_to_next(server, [(0, ChannelState())]) == 0
    assert seconds_to_next(server, [(0, resting), (596, ChannelState())]) == 6
    assert seconds_to_next(server, [(0, exhausted), (200, ChannelState(9, 2, 204)), (596, ChannelState())]) == 200
    assert seconds_to_next(server, [(0, exhausted), (2, ChannelState(9, 2, 6)), (596, ChannelState())]) == 6
    assert seconds_to_next(ServerSettings(liveliness=Liveliness.LIVELY), [(0, exhausted)]) == 0
