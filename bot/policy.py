"""Whether a message deserves a reaction and which one; pure decisions, every silence with its reason."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from classifiers.classifier import Prediction
from classifiers.emotions import EMOJI, NEUTRAL
from classifiers.text import strip_markup


class Silence(StrEnum):
    """Why a message is left without a reaction, before Discord is asked for anything."""

    ITSELF = "itself"
    WEBHOOK = "webhook"
    BOT = "bot"
    SYSTEM = "system"
    EMPTY = "empty"
    MARKUP = "markup"
    NEUTRAL = "neutral"
    NO_EMOJI = "no emoji"
    UNSURE = "unsure"


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
    text: str, *, itself: bool = False, webhook: bool = False, bot: bool = False, system: bool = False
) -> Silence | None:
    """Why a message is not even read, None if it is.

    Args:
        text: the message as it was written.
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
        (not text.strip(), Silence.EMPTY),
    ):
        if applies:
            return reason
    return None if strip_markup(text) else Silence.MARKUP


def choose(prediction: Prediction, *, minimum_certainty: float | None = None) -> Decision:
    """React with the emoji of the strongest emotion if the model holds it present and is certain enough.

    Args:
        prediction: what the model makes of the message.
        minimum_certainty: how certain is enough, in [0, 1]; None leaves that to the model's own calibration.
    """
    [(emotion, certainty)] = prediction.top(1)
    emoji = EMOJI.get(emotion)
    reason = None
    if emotion == NEUTRAL:
        reason = Silence.NEUTRAL
    elif emoji is None:
        reason = Silence.NO_EMOJI
    elif not prediction.is_certain(minimum_certainty):
        reason = Silence.UNSURE
    return Decision(None if reason else emoji, emotion, certainty, reason)
