"""How often the bot reacts in a channel, and how many of its messages are sampled for the mood; no input or output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.reactions.outcomes import Outcome
from bot.server_settings import Liveliness, ServerSettings

MAX_DISLIKES = 3
"""The most dislikes that count in a channel, so that the bot never falls completely silent there."""


COUNTED_EACH = 100
"""Up to this many messages in the rolling window, the mood of each is counted; in a busier channel, only of a sample.

A sample has at least 50 messages in a window, so 300 in an hour: the standard error of any emotion's share in an hour
is below 3 percentage points. It is larger only if the model cannot keep up, see `WAITING_EACH`.
"""

WAITING_EACH = 32
"""For each this many texts that wait for the model, a sampled message counts for one more message.

So fewer messages are sampled under load, and texts that may lead to a reaction need not wait for them.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """The numbers behind a degree of liveliness.

    Attributes:
        strictness: how far the required certainty moves from the model's own towards 1 or, if negative, towards 0; in
            [-1, 1]. Certainty is a calibrated probability, so half-way to 1 halves the probability of an error in the
            least certain reaction that is allowed.
        share: the highest share of the messages in the rolling window that get a reaction.
        free: reactions in the window that are allowed regardless of the share, without which the bot would never react
            in a quiet channel; dislikes can reduce it to a fraction.
        cooldown: seconds between two reactions in a channel.
    """

    strictness: float
    share: float
    free: float
    cooldown: float


PROFILES = {
    Liveliness.QUIET: Profile(strictness=0.5, share=0.1, free=1, cooldown=60),
    Liveliness.NORMAL: Profile(strictness=0.0, share=0.35, free=1, cooldown=10),
    Liveliness.LIVELY: Profile(strictness=-0.25, share=0.7, free=3, cooldown=2),
}

SETTLED_AFTER = 3600.0
"""Seconds after which the bot has settled in a server, see `profile_in`."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What happened recently in a channel.

    Attributes:
        messages: how many were written in the rolling window, including the one to decide on.
        reactions: how many of them got a reaction.
        quiet_for: seconds since the last reaction; None if there was none.
        dislikes: how many people have disliked a reaction.
        joined_for: seconds since the bot joined the server; None in direct messages.
    """

    messages: int = 1
    reactions: int = 0
    quiet_for: float | None = None
    dislikes: int = 0
    joined_for: float | None = None


def channel_reason(settings: ServerSettings, channel: ChannelState) -> Outcome | None:
    """Return why the channel gets no further reaction for now, or None if it may get one."""
    if _pause_left(settings, channel):
        return Outcome.COOLING_DOWN
    return Outcome.ENOUGH if _has_enough(settings, channel) else None


def profile_in(settings: ServerSettings, channel: ChannelState) -> Profile:
    """Return the numbers that limit a channel's reactions.

    They are those of the server's liveliness. In a server with the default liveliness, though, the bot starts at the
    pace of *lively* and slows down evenly over an hour, because people try a bot that they have just invited, and
    silence would look broken. Each dislike in the channel halves the number of reactions.
    """
    profile, lively = PROFILES[settings.liveliness], PROFILES[Liveliness.LIVELY]
    joined_for = SETTLED_AFTER if channel.joined_for is None else channel.joined_for
    if settings.liveliness is Liveliness.NORMAL and joined_for < SETTLED_AFTER:
        new = min(1 - joined_for / SETTLED_AFTER, 1.0)
        profile = replace(
            profile,
            share=profile.share + new * (lively.share - profile.share),
            free=round(profile.free + new * (lively.free - profile.free)),
            cooldown=profile.cooldown + new * (lively.cooldown - profile.cooldown),
        )
    if not channel.dislikes:
        return profile
    factor = dislike_factor(channel)
    return replace(profile, share=profile.share * factor, free=profile.free * factor)


def seconds_to_next(settings: ServerSettings, outlook: Iterable[tuple[float, ChannelState]]) -> float:
    """Return the seconds until the channel's limits allow a reaction again; 0 if they do now.

    Args:
        settings: the server's settings.
        outlook: future states of the channel with the seconds until each, in order; the last one has no reactions.
    """
    return next(
        seconds + _pause_left(settings, channel) for seconds, channel in outlook if not _has_enough(settings, channel)
    )


def sampled(messages: int, waiting: int, chance: Callable[[], float]) -> int:
    """Return for how many messages this one counts in the channel's sample for the mood; 0 if it is not in the sample.

    The mean is 1, so the expected counts are those of all messages.

    Args:
        messages: how many messages the channel got in the rolling window.
        waiting: how many texts wait for the model.
        chance: returns a random number, uniformly distributed in [0, 1).
    """
    each = max(1, math.ceil(messages / COUNTED_EACH), 1 + waiting // WAITING_EACH)
    return each if chance() * each < 1 else 0


def dislike_factor(channel: ChannelState) -> float:
    """Return the factor, in (0, 1], by which dislikes reduce a channel's reactions and the uncertainty allowed there.

    Each dislike halves it, up to `MAX_DISLIKES`.
    """
    return 0.5 ** min(channel.dislikes, MAX_DISLIKES)


def _pause_left(settings: ServerSettings, channel: ChannelState) -> float:
    """Return the seconds that are left of the pause after the last reaction; 0 if it is over."""
    if channel.quiet_for is None:
        return 0.0
    return max(0.0, profile_in(settings, channel).cooldown - channel.quiet_for)


def _has_enough(settings: ServerSettings, channel: ChannelState) -> bool:
    """Return whether one more reaction would exceed the channel's share."""
    profile = profile_in(settings, channel)
    return channel.reactions + 1 > max(1, profile.free, profile.share * channel.messages)
