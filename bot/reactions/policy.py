"""Whether a message deserves a reaction and which one; pure decisions, every silence with its reason."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bot.reactions.guard import is_grave
from bot.server_settings import CUSTOM_EMOJI, Liveliness, ServerSettings
from classifiers.classifier import Prediction
from classifiers.emotions import NEUTRAL
from classifiers.markup import strip_markup


class Silence(StrEnum):
    """Why a message is left without a reaction, before Discord is asked for anything."""

    ITSELF = "itself"
    WEBHOOK = "webhook"
    BOT = "bot"
    SYSTEM = "system"
    NOT_READY = "not ready"
    OPTED_OUT = "opted out"
    SWITCHED_OFF = "switched off"
    LEFT_OUT = "channel left out"
    AGE_RESTRICTED = "age-restricted"
    EMPTY = "empty"
    MARKUP = "markup"
    NOT_UNDERSTOOD = "not understood"
    NEUTRAL = "neutral"
    NO_EMOJI = "no emoji"
    MUTED = "muted"
    UNSURE = "unsure"
    DELICATE = "delicate"
    GRAVE = "grave"
    COOLING_DOWN = "cooling down"
    ENOUGH = "enough"


UNDERSTOOD = 0.6
"""The share of a message's words that must be common ones. On the dev splits 0.7 % of the Reddit comments and 1.0 % of
the chat messages have fewer; of sentences in other languages nine in ten have."""

SENSITIVE = frozenset({"grief", "fear", "sadness"})
"""Emotions beside which nothing may look jolly."""

_JOLLY = frozenset(
    "😀😃😄😁😆😅🤣😂🙂😉😊😇🥳🤩😍🥰😘😋😛😜🤪😝😎🤓🤭😸😹😺😻🙃😏🤑🤠😈🤡👻💩💃🕺👯"
    "🎉🎊🥂🍾🍻🎈🎂🎁✨🌈🔥💯🏆🥇👍👏🙌💪🤘🤙👌🤞🦁🦄🍿🎮⭐🌟"
)


MOST_DISLIKES = 3
"""Dislikes that count in a channel, so that it is never quite silenced."""


@dataclass(frozen=True, slots=True)
class Manner:
    """What a liveliness comes to.

    Attributes:
        strictness: how far the certainty asked for moves from the model's own towards 1, or, where it is
            negative, towards 0; in [-1, 1]. Certainty is a calibrated probability, so half-way to 1 halves the
            share of wrong reactions.
        share: the highest share of the messages in the rolling window that get a reaction.
        free: reactions in the window that are granted whatever the share, or the bot would never speak where
            little is said.
        cooldown: seconds between two reactions in a channel.
    """

    strictness: float
    share: float
    free: int
    cooldown: float


MANNERS = {
    Liveliness.QUIET: Manner(strictness=0.5, share=0.1, free=1, cooldown=60),
    Liveliness.NORMAL: Manner(strictness=0.0, share=0.35, free=1, cooldown=10),
    Liveliness.LIVELY: Manner(strictness=-0.25, share=0.7, free=3, cooldown=2),
}


@dataclass(frozen=True, slots=True)
class ChannelState:
    """What has lately happened in a channel.

    Attributes:
        messages: how many were written in the rolling window, the one to decide on among them.
        reactions: how many of them got a reaction.
        quiet_for: seconds since the last reaction, None if there was none.
        dislikes: how many people have taken a reaction back.
    """

    messages: int = 1
    reactions: int = 0
    quiet_for: float | None = None
    dislikes: int = 0


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do about a message.

    Attributes:
        emoji: the reaction, None to stay silent.
        emotion: the most probable emotion.
        certainty: its calibrated probability, in [0, 1].
        reason: why there is no emoji, None if there is one.
    """

    emoji: str | None
    emotion: str
    certainty: float
    reason: Silence | None


def ineligible(
    *, itself: bool = False, webhook: bool = False, bot: bool = False, system: bool = False
) -> Silence | None:
    """Return why the messages of an author are not read, None if they may be.

    Args:
        itself: this very bot wrote it.
        webhook: a webhook wrote it.
        bot: another bot wrote it.
        system: Discord wrote it, as when somebody joins or pins.
    """
    for applies, reason in (
        (itself, Silence.ITSELF),
        (webhook, Silence.WEBHOOK),
        (bot, Silence.BOT),
        (system, Silence.SYSTEM),
    ):
        if applies:
            return reason
    return None


def wordless(text: str) -> Silence | None:
    """Return why there is nothing to read in a message as it was written, None if there is."""
    if not text.strip():
        return Silence.EMPTY
    return None if strip_markup(text) else Silence.MARKUP


def unwelcome(settings: ServerSettings, *channel_ids: int | None, age_restricted: bool) -> Silence | None:
    """Why nothing is read in a channel, None if the server wants it.

    Args:
        settings: the server's.
        channel_ids: the channel's own id, its parent's if it is a thread, its category's.
        age_restricted: whether the channel is.
    """
    if not settings.enabled:
        return Silence.SWITCHED_OFF
    if not settings.covers(*channel_ids):
        return Silence.LEFT_OUT
    if age_restricted and not settings.age_restricted:
        return Silence.AGE_RESTRICTED
    return None


def choose(
    text: str,
    prediction: Prediction,
    settings: ServerSettings | None = None,
    channel: ChannelState | None = None,
    *,
    minimum_certainty: float | None = None,
    usable: Callable[[str], bool] = bool,
) -> Decision:
    """React with the emoji of the strongest emotion if the model is certain enough and the channel can bear it.

    Under a grave message there is no reaction, whatever the model makes of it.

    Args:
        text: the message as it was written.
        prediction: what the model makes of the message.
        settings: the server's; None for the defaults.
        channel: what has happened in the channel; None to decide on the message alone.
        minimum_certainty: how certain is enough, in [0, 1]; None leaves that to the model's own calibration.
        usable: whether the bot may use a custom emoji; one that it may not gives way to the default.
    """
    settings = settings or ServerSettings()
    [(emotion, certainty)] = prediction.top(1)
    emoji = emoji_for(emotion, settings, usable, prediction.emoji.get(emotion))
    reason = _reason(prediction, settings, channel, minimum_certainty, emoji)
    if reason is None and is_grave(text):
        reason = Silence.GRAVE
    return Decision(None if reason else emoji, emotion, certainty, reason)


def is_understood(prediction: Prediction) -> bool:
    """Whether the model knows enough of the words to have a say; it does not in another language."""
    return prediction.known >= UNDERSTOOD


def is_jolly(emoji: str) -> bool:
    """Whether a Unicode emoji would mock somebody who grieves, fears or is sad."""
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
    """How probable the strongest emotion must be, in [0, 1].

    Args:
        own: the model's, from its calibration.
        settings: the server's, whose liveliness shifts it.
        channel: each dislike there moves it half-way on to 1.
        minimum_certainty: what stands in for `own` where it is given.
    """
    certainty = own if minimum_certainty is None else minimum_certainty
    strictness = MANNERS[settings.liveliness].strictness
    certainty += strictness * (1 - certainty if strictness > 0 else certainty)
    return 1 - (1 - certainty) * _goodwill(channel)


def _reason(
    prediction: Prediction,
    settings: ServerSettings,
    channel: ChannelState | None,
    minimum_certainty: float | None,
    emoji: str | None,
) -> Silence | None:
    emotion = prediction.top(1)[0][0]
    certainty = required_certainty(prediction.certainty, settings, channel or ChannelState(), minimum_certainty)
    for applies, reason in (
        (not is_understood(prediction), Silence.NOT_UNDERSTOOD),
        (emotion == NEUTRAL, Silence.NEUTRAL),
        (emoji is None, Silence.NO_EMOJI),
        (emotion in settings.muted, Silence.MUTED),
        (not prediction.is_certain(certainty), Silence.UNSURE),
        (is_jolly(emoji or "") and not SENSITIVE.isdisjoint(prediction.present), Silence.DELICATE),
    ):
        if applies:
            return reason
    return _restraint(settings, channel) if channel else None


def _goodwill(channel: ChannelState) -> float:
    """Return what dislikes leave of the reactions in a channel, in (0, 1]."""
    return 0.5 ** min(channel.dislikes, MOST_DISLIKES)


def _restraint(settings: ServerSettings, channel: ChannelState) -> Silence | None:
    """Why the channel has had enough of reactions for now."""
    manner = MANNERS[settings.liveliness]
    if channel.quiet_for is not None and channel.quiet_for < manner.cooldown:
        return Silence.COOLING_DOWN
    allowed = max(manner.free, manner.share * channel.messages) * _goodwill(channel)
    return Silence.ENOUGH if channel.reactions + 1 > max(1, allowed) else None
