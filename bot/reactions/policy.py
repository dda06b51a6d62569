"""Decide whether a message gets a reaction, and which one; pure functions, without input or output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.reactions.guard import is_grave
from bot.reactions.irony import is_ironic
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import PROFILES, ChannelState, Profile, channel_reason, dislike_factor, profile_in
from bot.server_settings import CUSTOM_EMOJI, ServerSettings
from classifiers.classifier import Prediction
from classifiers.emotions import NEUTRAL, SENTIMENT

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


class Choose(Protocol):
    """Chooses as `choose` does, with what is the same for all messages known already."""

    def __call__(
        self, text: str, prediction: Prediction, settings: ServerSettings, channel: ChannelState | None
    ) -> Decision:
        """See `choose`."""


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

    A grave message gets no reaction, whatever the model predicts, and an ironic one no pleasant reaction.

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
    reason = _reason(prediction, emotion, certainty, settings, channel, required, emoji)
    if reason is None and is_grave(text):
        reason = Outcome.GRAVE
    elif reason is None and emotion in SENTIMENT["positive"] and is_ironic(text):
        reason = Outcome.IRONIC
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
    return 1 - (1 - certainty) * dislike_factor(channel)


def _reason(  # noqa: PLR0911 - a return for each reason
    prediction: Prediction,
    emotion: str,
    certainty: float,
    settings: ServerSettings,
    channel: ChannelState | None,
    required: float,
    emoji: str | None,
) -> Outcome | None:
    """Return why a message gets no reaction, None if it gets one."""
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
    return channel_reason(settings, channel) if channel else None
