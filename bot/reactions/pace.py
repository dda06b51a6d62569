"""How often the bot reacts in a channel, and how many of its messages are sampled for the mood; no input or output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.reactions.outcomes import Outcome
from bot.server_settings import Liveliness, ServerSettings

MAX_DISLIKES = 3
"""The most dislikes that count in a channel, so that the bot never falls completely silent there."""

MESSAGES_PER_WEIGHT = 100
"""The weight of a sampled message rises by one for each this many messages of its channel in the rolling window.

Up to this many, the mood of each message is counted; in a busier channel, only that of a sample. A sample has at least
50 messages in a window, so 300 in an hour: the standard error of any emotion's share in an hour is below 3 percentage
points. It is larger only if the model cannot keep up, see `WAITING_PER_WEIGHT`.
"""

WAITING_PER_WEIGHT = 32
"""The weight of a sampled message is at least one more for each this many texts that wait for the model.

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
"""Seconds after which the bot has settled in a server, see `profile_for`."""


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What happened recently in a channel.

    Attributes:
        messages: how many were written in the rolling window, including the one to decide on.
        reactions: how many of them got a reaction.
        since_reaction: seconds since the last reaction; None if there was none.
        dislikes: how many people have disliked a reaction.
        since_joining: seconds since the bot joined the server; None in direct messages.
    """

    messages: int = 1
    reactions: int = 0
    since_reaction: float | None = None
    dislikes: int = 0
    since_joining: float | None = None


def pace_reason(settings: ServerSettings, channel: ChannelState) -> Outcome | None:
    """Return why the channel gets no further reaction for now, or None if it may get one."""
    if _pause_left(settings, channel):
        return Outcome.COOLING_DOWN
    return Outcome.ENOUGH if _would_exceed_share(settings, channel) else None


def profile_for(settings: ServerSettings, channel: ChannelState) -> Profile:
    """Return the numbers that limit a channel's reactions.

    They are those of the server's liveliness. In a server with the default liveliness, though, the bot starts at the
    pace of *lively* and slows down evenly over an hour, because people try a bot that they have just invited, and
    silence would look broken. Each dislike in the channel halves both, up to `MAX_DISLIKES`.
    """
    profile, lively = PROFILES[settings.liveliness], PROFILES[Liveliness.LIVELY]
    since_joining = SETTLED_AFTER if channel.since_joining is None else channel.since_joining
    if settings.liveliness is Liveliness.NORMAL and since_joining < SETTLED_AFTER:
        new = min(1 - since_joining / SETTLED_AFTER, 1.0)
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


def seconds_to_next(settings: ServerSettings, states: Iterable[tuple[float, ChannelState]]) -> float:
    """Return the seconds until the channel's limits allow a reaction again; 0 if they do now.

    Args:
        settings: the server's settings.
        states: the channel's present and future states with the seconds until each, in order; the last one has no
            reactions.
    """
    return next(
        seconds + _pause_left(settings, channel)
        for seconds, channel in states
        if not _would_exceed_share(settings, channel)
    )


def sample_weight(messages: int, waiting: int, chance: Callable[[], float]) -> int:
    """Return for how many messages this one counts towards the mood of its channel; 0 if it is not in the sample.

    The mean is 1, so the expected counts are those of all messages.

    Args:
        messages: how many messages the channel got in the rolling window.
        waiting: how many texts wait for the model.
        chance: returns a random number, uniformly distributed in [0, 1).
    """
    weight = max(1, math.ceil(messages / MESSAGES_PER_WEIGHT), 1 + waiting // WAITING_PER_WEIGHT)
    return weight if chance() * weight < 1 else 0


def dislike_factor(channel: ChannelState) -> float:
    """Return the factor, in (0, 1], by which dislikes reduce a channel's reactions and the uncertainty allowed there.

    Each dislike halves it, up to `MAX_DISLIKES`.
    """
    return 0.5 ** min(channel.dislikes, MAX_DISLIKES)


def _pause_left(settings: ServerSettings, channel: ChannelState) -> float:
    """Return the seconds that are left of the pause after the last reaction; 0 if it is over."""
    if channel.since_reaction is None:
        return 0.0
    return max(0.0, profile_for(settings, channel).cooldown - channel.since_reaction)


def _would_exceed_share(settings: ServerSettings, channel: ChannelState) -> bool:
    """Return whether one more reaction would exceed the channel's share."""
    profile = profile_for(settings, channel)
    return channel.reactions + 1 > max(1, profile.free, profile.share * channel.messages)
