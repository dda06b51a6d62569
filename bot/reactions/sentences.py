"""The reasons for silence in plain words, for people who ask why the bot does not react."""

from __future__ import annotations

import math

from bot.i18n import Translate, mark
from bot.reactions import gate
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import Profile
from bot.reactions.policy import Decision

REASONS_AT_THE_TIME = {
    Outcome.COOLING_DOWN: mark("After each reaction I pause in that channel for {seconds} seconds."),
    Outcome.ENOUGH: mark("I react to at most {share} of the messages that a channel gets in ten minutes."),
    **dict.fromkeys((Outcome.OVERLOADED, Outcome.TOO_SLOW), mark("I had too much to read at that moment.")),
    Outcome.STALE: mark("I was too late, and a late reaction would only confuse."),
    **dict.fromkeys(
        (Outcome.CROWDED, Outcome.HELD_BACK, Outcome.RATE_LIMITED),
        mark("At that moment there were more reactions to send than Discord allows."),
    ),
    Outcome.BACKING_OFF: mark("Discord had refused reactions of mine here, so I paused for a while."),
    **dict.fromkeys(
        # Nobody else is told that the author has blocked the bot.
        (Outcome.FORBIDDEN, Outcome.NO_ACCESS, Outcome.REFUSED, Outcome.BLOCKED),
        mark("Discord did not let me react to it."),
    ),
    Outcome.UNKNOWN_EMOJI: mark("Discord does not know the emoji that I have for this emotion."),
    Outcome.TOO_MANY_REACTIONS: mark("It already has as many different reactions as Discord allows."),
    Outcome.DISCORD_FAILED: mark("Discord did not answer me."),
    Outcome.TAKEN_BACK: mark("Someone removed my reaction, so I add no other."),
}
"""What may have kept the bot from reacting when the message was written, but cannot be determined later."""

SENTENCES = {
    **gate.SENTENCES,
    **REASONS_AT_THE_TIME,
    Outcome.SWITCHED_OFF: mark("My reactions are turned off in this server."),
    Outcome.LEFT_OUT: mark("This server's settings exclude this channel."),
    Outcome.AGE_RESTRICTED: mark("I am turned off in age-restricted channels here."),
    Outcome.NOT_PERMITTED: mark("I lack a permission in this channel; `/settings` shows which one."),
    Outcome.EMPTY: mark("It has no text of its own, and I don't react to pictures, stickers or forwarded messages."),
    Outcome.GRAVE: mark("It seems to be about self-harm, death or grave illness; I never react to that."),
    Outcome.IRONIC: mark("It sounds ironic, so a friendly emoji might be out of place."),
    Outcome.NOT_UNDERSTOOD: mark("I know too few of its words; I understand only English."),
    Outcome.NEUTRAL: mark("I hear no emotion in it."),
    Outcome.NO_EMOJI: mark("I have no emoji for this emotion."),
    Outcome.MUTED: mark("This emotion is muted in this server."),
    Outcome.UNSURE: mark("I am not certain enough."),
    Outcome.DELICATE: mark("I also hear grief, fear or sadness in it, and a cheerful emoji could hurt."),
}
"""Each reason for silence in plain words, except for a deleted message, about which nobody can ask."""

WITHOUT_EMOTION = frozenset({Outcome.NEUTRAL, Outcome.NOT_UNDERSTOOD})
"""Reasons with which no emotion is shown, since the strongest one would be meaningless."""


def why_silent(reason: Outcome, translate: Translate, profile: Profile | None = None) -> str:
    """Return a reason for silence in plain words.

    Args:
        reason: one of those in `SENTENCES`.
        translate: the reader's language.
        profile: the numbers that limit the channel's reactions; None if the policy was not asked.
    """
    sentence = translate(SENTENCES[reason])
    if profile is None:
        return sentence
    return sentence.format(
        seconds=translate.number(math.ceil(profile.cooldown)), share=translate.percent(profile.share)
    )


def certainty_and_required(decision: Decision, translate: Translate) -> tuple[str, str]:
    """Return the certainty of a decision and the required one as percentages.

    If the certainty is too low but both would be the same whole percentage, they have one decimal, so that they differ.
    """
    certainty, required = float(decision.certainty), float(decision.required)
    shown = translate.percent(certainty), translate.percent(required)
    if certainty >= required or shown[0] != shown[1]:
        return shown
    below = math.floor(round(certainty * 1000, 6)) / 1000  # 0.57 * 1000 is slightly more or less than 570
    above = math.ceil(round(required * 1000, 6)) / 1000
    return translate.exact_percent(below), translate.exact_percent(above)
