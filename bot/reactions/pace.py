"""How often the bot reacts in a channel, and how many messages it reads there; no input or output."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.reactions.outcomes import Outcome
from bot.server_settings import Liveliness, ServerSettings

MOST_DISLIKES = 3
"""Most dislikes that count in a channel, so that the bot never falls quite silent there."""


COUNTED_EACH = 100
"""Messages in the rolling window up to which the mood of each is counted; in a busier channel, that of a sample.

A sample has 50 messages in a window at least, so 300 in an hour: the standard error of any emotion's share in an hour
is below 3 percentage points. It is larger only where the model cannot keep up, see `WAITING_EACH`.
"""

WAITING_EACH = 32
"""Texts that wait for the model for each further message of which only one is read for the mood alone.

So texts that may lead to a reaction need not wait for those that cannot.
"""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a liveliness means in numbers.

    Attributes:
        strictness: how far the certainty asked for moves from the model's own towards 1, or, where it is
            negative, towards 0; in [-1, 1]. Certainty is a calibrated probability, so half-way to 1 halves the
            share of wrong reactions.
        share: the highest share of the messages in the rolling window that get a reaction.
        free: reactions in the window that are allowed whatever the share, or the bot would never react in a quiet
            channel; dislikes can leave a fraction of one.
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
    """What happened lately in a channel.

    Attributes:
        messages: how many were written in the rolling window, the one to decide on among them.
        reactions: how many of them got a reaction.
        quiet_for: seconds since the last reaction, None if there was none.
        dislikes: how many people have taken a reaction back.
        joined_for: seconds since the bot joined the server, None if it joined none, as in direct messages.
    """

    messages: int = 1
    reactions: int = 0
    quiet_for: float | None = None
    dislikes: int = 0
    joined_for: float | None = None


def channel_reason(settings: ServerSettings, channel: ChannelState) -> Outcome | None:
    """Return why the channel gets no further reaction for now, None if it may get one."""
    if _pause_left(settings, channel):
        return Outcome.COOLING_DOWN
    return Outcome.ENOUGH if _has_enough(settings, channel) else None


def profile_in(settings: ServerSettings, channel: ChannelState) -> Profile:
    """Return the numbers by which a channel's reactions are limited.

    They are those of the server's liveliness, but in a server with the default the bot begins with the pace of a lively
    one and settles evenly within an hour. Whoever has just invited it tries it out, and silence would look broken.
    Each dislike in the channel halves the number of reactions.
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
    """Return the seconds until the channel's limits allow a reaction again, 0 if they do now.

    Args:
        settings: the server's.
        outlook: states of the channel, each with the seconds until then, in their order; without reactions in the last.
    """
    return next(
        seconds + _pause_left(settings, channel) for seconds, channel in outlook if not _has_enough(settings, channel)
    )


def sampled(messages: int, waiting: int, chance: Callable[[], float]) -> int:
    """Return for how many messages one of a channel's counts in the sample for the mood, 0 if it is not in it.

    On average that is 1, so the expected counts are those of all messages.

    Args:
        messages: how many the channel got in the rolling window.
        waiting: how many texts wait for the model.
        chance: returns a random number, evenly distributed in [0, 1).
    """
    each = max(1, math.ceil(messages / COUNTED_EACH), 1 + waiting // WAITING_EACH)
    return each if chance() * each < 1 else 0


def dislike_factor(channel: ChannelState) -> float:
    """Return the factor, in (0, 1], for the number of reactions in a channel and for the uncertainty allowed there.

    Each dislike halves it, up to `MOST_DISLIKES`.
    """
    return 0.5 ** min(channel.dislikes, MOST_DISLIKES)


def _pause_left(settings: ServerSettings, channel: ChannelState) -> float:
    """Return the seconds that are left of the pause after the last reaction, 0 if it is over."""
    if channel.quiet_for is None:
        return 0.0
    return max(0.0, profile_in(settings, channel).cooldown - channel.quiet_for)


def _has_enough(settings: ServerSettings, channel: ChannelState) -> bool:
    """Return whether one more reaction would exceed the channel's share."""
    profile = profile_in(settings, channel)
    return channel.reactions + 1 > max(1, profile.free, profile.share * channel.messages)
