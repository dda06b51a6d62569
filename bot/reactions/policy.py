"""Decide whether a message gets a reaction, and which one; pure functions, without input or output."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.reactions.guard import is_grave
from bot.reactions.outcomes import Outcome
from bot.server_settings import CUSTOM_EMOJI, Liveliness, ServerSettings
from classifiers.classifier import Prediction
from classifiers.emotions import NEUTRAL

UNDERSTOOD = 0.6
"""The share of a message's words that must be common ones for the model to understand it.

On the dev splits 0.7 % of the Reddit comments and 1.0 % of the chat messages have fewer; of sentences in other
languages nine in ten have.
"""

SENSITIVE = frozenset({"grief", "fear", "sadness"})
"""Emotions that no jolly emoji may be put beside."""

_JOLLY = frozenset(
    "😀😃😄😁😆😅🤣😂🙂😉😊😇🥳🤩😍🥰😘😋😛😜🤪😝😎🤓🤭😸😹😺😻🙃😏🤑🤠😈🤡👻💩💃🕺👯"
    "🎉🎊🥂🍾🍻🎈🎂🎁✨🌈🔥💯🏆🥇👍👏🙌💪🤘🤙👌🤞🦁🦄🍿🎮⭐🌟"
)


MOST_DISLIKES = 3
"""Most dislikes that count in a channel, so that the bot never falls quite silent there."""


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


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a message.

    Attributes:
        emoji: the reaction, None for no reaction.
        emotion: the one that a reader most probably accepts, or neutral.
        certainty: the probability of that, in [0, 1].
        required: the certainty from which the emotion gets a reaction, in [0, 1].
        reason: why there is no emoji, None if there is one.
        profile: the numbers by which the channel's reactions are limited.
    """

    emoji: str | None
    emotion: str
    certainty: float
    required: float
    reason: Outcome | None
    profile: Profile


def choose(
    text: str,
    prediction: Prediction,
    settings: ServerSettings | None = None,
    channel: ChannelState | None = None,
    *,
    minimum_certainty: float | None = None,
    usable: Callable[[str], bool] = bool,
) -> Decision:
    """Choose the emoji of the emotion that a reader most probably accepts.

    There is none if the model is not certain enough or the channel's limits do not allow it.

    A grave message gets no reaction, whatever the model predicts.

    Args:
        text: the message as it was written.
        prediction: what the model says about the message.
        settings: the server's; None for the defaults.
        channel: what happened in the channel; None to decide on the message alone.
        minimum_certainty: the certainty that is enough, in [0, 1]; None for the model's own, from its calibration.
        usable: whether the bot may use a custom emoji; in place of others it takes the default.
    """
    settings, state = settings or ServerSettings(), channel or ChannelState()
    emotion, certainty = prediction.reaction()
    emoji = emoji_for(emotion, settings, usable, prediction.emoji.get(emotion))
    required = max(
        required_certainty(prediction.certainty, settings, state, minimum_certainty),
        prediction.thresholds[prediction.labels.index(emotion)],
    )
    reason = _reason(prediction, settings, channel, required, emoji)
    if reason is None and is_grave(text):
        reason = Outcome.GRAVE
    return Decision(None if reason else emoji, emotion, certainty, required, reason, profile_in(settings, state))


def is_understood(prediction: Prediction) -> bool:
    """Return whether the model knows enough of the words; in another language it does not."""
    return prediction.known >= UNDERSTOOD


def is_jolly(emoji: str) -> bool:
    """Return whether a Unicode emoji would mock somebody who grieves, fears or is sad."""
    return emoji[:1] in _JOLLY


def emoji_for(emotion: str, settings: ServerSettings, usable: Callable[[str], bool], default: str | None) -> str | None:
    """Return the server's emoji of an emotion, or the default where that cannot be used or would mock."""
    chosen = settings.emoji.get(emotion)
    if chosen is None or (CUSTOM_EMOJI.fullmatch(chosen) and not usable(chosen)):
        return default
    return default if emotion in SENSITIVE and is_jolly(chosen) else chosen


def required_certainty(
    own: float, settings: ServerSettings, channel: ChannelState, minimum_certainty: float | None = None
) -> float:
    """Return how probable it must be that a reader accepts the emotion, in [0, 1].

    Args:
        own: the model's, from its calibration.
        settings: the server's, whose liveliness shifts it.
        channel: each dislike there moves the result half-way towards 1.
        minimum_certainty: replaces `own` if it is given.
    """
    certainty = own if minimum_certainty is None else minimum_certainty
    strictness = PROFILES[settings.liveliness].strictness
    certainty += strictness * (1 - certainty if strictness > 0 else certainty)
    return 1 - (1 - certainty) * _dislike_factor(channel)


def profile_in(settings: ServerSettings, channel: ChannelState) -> Profile:
    """Return the numbers by which a channel's reactions are limited.

    They are those of the server's liveliness, but in a server with the default the bot begins with the pace of a lively
    one and settles evenly within an hour. Whoever has just invited it tries it out, and silence would look broken.
    Each dislike in the channel halves the number of reactions.
    """
    profile, lively = PROFILES[settings.liveliness], PROFILES[Liveliness.LIVELY]
    if settings.liveliness is Liveliness.NORMAL and channel.joined_for is not None:
        new = min(max(1 - channel.joined_for / SETTLED_AFTER, 0.0), 1.0)
        profile = replace(
            profile,
            share=profile.share + new * (lively.share - profile.share),
            free=round(profile.free + new * (lively.free - profile.free)),
            cooldown=profile.cooldown + new * (lively.cooldown - profile.cooldown),
        )
    factor = _dislike_factor(channel)
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


def _reason(  # noqa: PLR0911 - a return for each reason
    prediction: Prediction,
    settings: ServerSettings,
    channel: ChannelState | None,
    required: float,
    emoji: str | None,
) -> Outcome | None:
    """Return why a message gets no reaction, None if it gets one."""
    emotion, certainty = prediction.reaction()
    if not is_understood(prediction):
        return Outcome.NOT_UNDERSTOOD
    if emotion == NEUTRAL:
        return Outcome.NEUTRAL
    if emoji is None:
        return Outcome.NO_EMOJI
    if emotion in settings.muted:
        return Outcome.MUTED
    if certainty < required:
        return Outcome.UNSURE
    if is_jolly(emoji) and not SENSITIVE.isdisjoint(prediction.present):
        return Outcome.DELICATE
    return _channel_reason(settings, channel) if channel else None


def _dislike_factor(channel: ChannelState) -> float:
    """Return the factor, in (0, 1], for the number of reactions in a channel and for the uncertainty allowed there.

    Each dislike halves it, up to `MOST_DISLIKES`.
    """
    return 0.5 ** min(channel.dislikes, MOST_DISLIKES)


def _channel_reason(settings: ServerSettings, channel: ChannelState) -> Outcome | None:
    """Return why the channel gets no further reaction for now, None if it may get one."""
    if _pause_left(settings, channel):
        return Outcome.COOLING_DOWN
    return Outcome.ENOUGH if _has_enough(settings, channel) else None


def _pause_left(settings: ServerSettings, channel: ChannelState) -> float:
    """Return the seconds that are left of the pause after the last reaction, 0 if it is over."""
    if channel.quiet_for is None:
        return 0.0
    return max(0.0, profile_in(settings, channel).cooldown - channel.quiet_for)


def _has_enough(settings: ServerSettings, channel: ChannelState) -> bool:
    """Return whether one more reaction would exceed the channel's share."""
    profile = profile_in(settings, channel)
    return channel.reactions + 1 > max(1, profile.free, profile.share * channel.messages)
