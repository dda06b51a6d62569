"""Decide whether a message gets a reaction, and which one; pure functions, without input or output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.reactions.grave_topics import is_grave
from bot.reactions.irony import is_ironic
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import PROFILES, ChannelState, Profile, dislike_factor, pace_reason, profile_for
from bot.server_settings import CUSTOM_EMOJI, ServerSettings
from classifiers.classifier import Prediction
from classifiers.emotions import NEUTRAL, SENTIMENT

MIN_KNOWN_SHARE = 0.6
"""The share of a message's words that must be common for the model to understand it.

On the dev splits, 0.7 % of the Reddit comments and 1.0 % of the chat messages are below it; nine in ten sentences in
other languages are.
"""

SENSITIVE = frozenset({"grief", "fear", "sadness"})
"""Emotions to which no cheerful emoji may be added."""

_CHEERFUL = frozenset(
    "😀😃😄😁😆😅🤣😂🙂😉😊😇🥳🤩😍🥰😘😋😛😜🤪😝😎🤓🤭😸😹😺😻🙃😏🤑🤠😈🤡👻💩💃🕺👯"
    "🎉🎊🥂🍾🍻🎈🎂🎁✨🌈🔥💯🏆🥇👍👏🙌💪🤘🤙👌🤞🦁🦄🍿🎮⭐🌟"
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do with a message.

    Attributes:
        emoji: the reaction; None for no reaction.
        emotion: the emotion that a reader most probably accepts, or neutral.
        certainty: the probability that a reader accepts it, in [0, 1].
        required: the certainty from which the emotion gets a reaction, in [0, 1].
        reason: why there is no emoji; None if there is one.
        profile: the numbers that limit the channel's reactions.
    """

    emoji: str | None
    emotion: str
    certainty: float
    required: float
    reason: Outcome | None
    profile: Profile


@dataclass(frozen=True, slots=True)
class Policy:
    """Chooses the reaction to each message.

    Attributes:
        minimum_certainty: the certainty required in a server of normal liveliness without dislikes, in [0, 1]; None for
            the model's own, from its calibration.
        usable: returns whether the bot may use a custom emoji; if not, the default emoji is used.
    """

    minimum_certainty: float | None = None
    usable: Callable[[str], bool] = bool

    def choose(
        self,
        text: str,
        prediction: Prediction,
        settings: ServerSettings | None = None,
        channel: ChannelState | None = None,
    ) -> Decision:
        """Choose the emoji of the emotion that a reader most probably accepts.

        There is none if the model is not certain enough or the channel's limits do not allow it. A grave message gets
        no reaction, whatever the model predicts, and an ironic one no pleasant reaction.

        Args:
            text: the message as it was written.
            prediction: what the model says about the message.
            settings: the server's settings; None for the defaults.
            channel: what happened in the channel; None to decide by the message alone.
        """
        settings, state = settings or ServerSettings(), channel or ChannelState()
        emotion, certainty = prediction.reaction()
        emoji = emoji_for(emotion, settings, self.usable, prediction.emoji.get(emotion))
        required = max(
            required_certainty(prediction.certainty, settings, state, self.minimum_certainty),
            prediction.thresholds[prediction.labels.index(emotion)],
        )
        decision = Decision(emoji, emotion, certainty, required, None, profile_for(settings, state))
        if reason := _reason_against(decision, text, prediction, settings, channel):  # `replace` would take far longer
            return Decision(None, emotion, certainty, required, reason, decision.profile)
        return decision


def is_understood(prediction: Prediction) -> bool:
    """Return whether the model knows enough of the words, which it does not in other languages."""
    return prediction.known >= MIN_KNOWN_SHARE


def is_cheerful(emoji: str) -> bool:
    """Return whether a Unicode emoji would seem to mock somebody who is grieving, afraid or sad."""
    return emoji[:1] in _CHEERFUL


def emoji_for(emotion: str, settings: ServerSettings, usable: Callable[[str], bool], default: str | None) -> str | None:
    """Return the server's emoji for an emotion, or the default one if the server's cannot be used or would mock."""
    chosen = settings.emoji.get(emotion)
    if chosen is None or (CUSTOM_EMOJI.fullmatch(chosen) and not usable(chosen)):
        return default
    return default if emotion in SENSITIVE and is_cheerful(chosen) else chosen


def required_certainty(
    own: float, settings: ServerSettings, channel: ChannelState, minimum_certainty: float | None = None
) -> float:
    """Return how probable it must be that a reader accepts the emotion, in [0, 1].

    Args:
        own: the model's own required certainty, from its calibration.
        settings: the server's settings, whose liveliness shifts it.
        channel: the channel's state; each dislike moves the result half-way towards 1.
        minimum_certainty: replaces `own` unless it is None.
    """
    certainty = own if minimum_certainty is None else minimum_certainty
    strictness = PROFILES[settings.liveliness].strictness
    certainty += strictness * (1 - certainty if strictness > 0 else certainty)
    return 1 - (1 - certainty) * dislike_factor(channel)


def _reason_against(  # noqa: PLR0911 - a return for each reason
    decision: Decision, text: str, prediction: Prediction, settings: ServerSettings, channel: ChannelState | None
) -> Outcome | None:
    """Return why a message must not get the reaction of a decision, or None if it may."""
    if not is_understood(prediction):
        return Outcome.NOT_UNDERSTOOD
    if decision.emotion == NEUTRAL:
        return Outcome.NEUTRAL
    if decision.emoji is None:
        return Outcome.NO_EMOJI
    if decision.emotion in settings.muted:
        return Outcome.MUTED
    if decision.certainty < decision.required:
        return Outcome.UNSURE
    if is_cheerful(decision.emoji) and not SENSITIVE.isdisjoint(prediction.present):
        return Outcome.DELICATE
    if channel and (reason := pace_reason(settings, channel)):
        return reason
    # Last, since these two take longest.
    if is_grave(text):
        return Outcome.GRAVE
    return Outcome.IRONIC if decision.emotion in SENTIMENT["positive"] and is_ironic(text) else None
