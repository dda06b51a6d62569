"""The answer of the menu "Why?": what the model hears, the reason for silence, and the setting that would change it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from bot.i18n import Translate, mark
from bot.reactions import gate
from bot.reactions.history import Trace
from bot.reactions.outcomes import Outcome
from bot.reactions.policy import ChannelState, Decision, Profile
from bot.server_settings import Liveliness, ServerSettings
from bot.ui.emotions import written
from bot.ui.quotation import escape, is_clear, shortened
from classifiers.explain import WordShare

PACE = frozenset({Outcome.COOLING_DOWN, Outcome.ENOUGH})
"""Reasons that pass by themselves: the channel has had its reactions for now."""

_AT_THAT_TIME = {
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
"""What may have kept the bot from reacting when the message was written, and cannot be found out later."""

SENTENCES = {
    **gate.SENTENCES,
    **_AT_THAT_TIME,
    Outcome.SWITCHED_OFF: mark("My reactions are turned off in this server."),
    Outcome.LEFT_OUT: mark("This server's settings exclude this channel."),
    Outcome.AGE_RESTRICTED: mark("I am turned off in age-restricted channels here."),
    Outcome.NOT_PERMITTED: mark("I lack a permission in this channel; `/settings` shows which one."),
    Outcome.EMPTY: mark("It has no text of its own, and I don't react to pictures, stickers or forwarded messages."),
    Outcome.GRAVE: mark("It seems to be about self-harm, death or grave illness; I never react to that."),
    Outcome.NOT_UNDERSTOOD: mark("I know too few of its words; I understand only English."),
    Outcome.NEUTRAL: mark("I hear no emotion in it."),
    Outcome.NO_EMOJI: mark("I have no emoji for this emotion."),
    Outcome.MUTED: mark("This emotion is muted in this server."),
    Outcome.UNSURE: mark("I am not certain enough."),
    Outcome.DELICATE: mark("I also hear grief, fear or sadness in it, and a cheerful emoji could hurt."),
}
"""Each reason for silence in plain words; those for which nobody can open the menu of the message are not there."""

_SETTINGS = {
    Outcome.SWITCHED_OFF: mark("Reactions"),
    Outcome.LEFT_OUT: mark("Channels"),
    Outcome.AGE_RESTRICTED: mark("Age-restricted channels"),
    Outcome.NO_EMOJI: mark("Changed emoji"),
    Outcome.UNKNOWN_EMOJI: mark("Changed emoji"),
    Outcome.MUTED: mark("Muted emotions"),
}
_LIVELINESS = {Liveliness.QUIET: mark("quiet"), Liveliness.NORMAL: mark("normal"), Liveliness.LIVELY: mark("lively")}
_UNHEARD = frozenset({Outcome.NEUTRAL, Outcome.NOT_UNDERSTOOD})
_WORDS, _LONGEST_WORD = 3, 40


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a message that may be read.

    Attributes:
        reaction: the bot's reaction, None if it has none.
        reason: why it has none; None if the bot has reacted, or would react now.
        decision: what the policy says now.
        words: all words of the message, with how far they moved the model.
        profile: the numbers by which the channel's reactions are limited.
        setting: the setting that would change it, as `setting_for` returns it.
        next_at: when the channel may get its next reaction, None if it may already.
    """

    reaction: str | None
    reason: Outcome | None
    decision: Decision
    words: Sequence[WordShare]
    profile: Profile
    setting: Sequence[str]
    next_at: datetime | None


def reason_for_silence(now: Outcome | None, trace: Trace | None) -> Outcome | None:
    """Return why a message has no reaction, None if nothing speaks against one any more.

    Args:
        now: the reason that the policy has now. What it says of the text and the settings holds; the pace of the
            channel was another when the message was written.
        trace: what the message led to then, None if that is forgotten.
    """
    if trace is None or now not in (None, *PACE):
        return now
    if trace.unwanted:
        return Outcome.TAKEN_BACK
    return trace.outcome if trace.outcome in _AT_THAT_TIME else now


def setting_for(
    reason: Outcome | None,
    settings: ServerSettings,
    dislikes: int,
    decide: Callable[[ServerSettings, ChannelState], Decision],
) -> tuple[str, ...]:
    """Return the setting that would change an outcome, and what to set it to if that is known; untranslated.

    It is empty if no setting, or no single one, would change it.

    Args:
        reason: why there is no reaction.
        settings: the server's.
        dislikes: how many people have taken a reaction back in the channel.
        decide: what the policy says about the message with other settings, in another state of the channel.
    """
    if reason in _SETTINGS:
        return (_SETTINGS[reason],)
    if reason not in (Outcome.UNSURE, *PACE):
        return ()

    def helps(changed: ServerSettings, dislikes: int) -> bool:
        return reason in PACE or decide(changed, ChannelState(dislikes=dislikes)).emoji is not None

    if dislikes and reason != Outcome.COOLING_DOWN and helps(settings, 0):
        return (mark("Holding back"), mark("React as usual"))
    order = list(Liveliness)
    for livelier in order[order.index(settings.liveliness) + 1 :]:
        if helps(settings.changed(liveliness=livelier), dislikes):
            return (mark("Liveliness"), _LIVELINESS[livelier])
    return ()


def unread(reason: Outcome, translate: Translate) -> str:
    """Return why no model reads a message, and the setting that would change it."""
    setting = (_SETTINGS[reason],) if reason in _SETTINGS else ()
    return "\n".join((translate(SENTENCES[reason]), *_setting(setting, translate)))


def answer(finding: Finding, translate: Translate) -> str:
    """Return all that is told about a message."""
    lines = [_headline(finding, translate)]
    if finding.reason not in _UNHEARD:
        lines += _reading(finding, translate)
    if finding.reason in PACE:
        lines.append(_next(finding.next_at, translate))
    return "\n".join((*lines, *_setting(finding.setting, translate)))


def _headline(finding: Finding, translate: Translate) -> str:
    if finding.reaction:
        return translate("I reacted with {emoji}.").format(emoji=finding.reaction)
    if finding.reason is None:
        return translate("If it were written now, I would react with {emoji}.").format(emoji=finding.decision.emoji)
    return translate(SENTENCES[finding.reason]).format(
        seconds=translate.number(math.ceil(finding.profile.cooldown)), share=translate.percent(finding.profile.share)
    )


def _reading(finding: Finding, translate: Translate) -> list[str]:
    """Return what the model hears, how certain it is and would have to be, and the words that moved it most."""
    decision = finding.decision
    heard = translate("I hear **{emotion}** with a certainty of {certainty}; to react I need {required}.").format(
        emotion=written(decision.emotion, None, translate),
        certainty=translate.percent(decision.certainty),
        required=translate.percent(decision.required),
    )
    strongest = sorted((word for word in finding.words if is_clear(word) and word.share > 0), key=_negative_share)
    words = list(dict.fromkeys(escape(shortened(word.text, _LONGEST_WORD)) for word in strongest))[:_WORDS]
    if not words:
        return [heard, translate("No single word makes the difference here.")]
    return [
        heard,
        translate("These words counted most: {words}").format(words=", ".join(f"**{word}**" for word in words)),
    ]


def _negative_share(word: WordShare) -> float:
    return -word.share


def _next(moment: datetime | None, translate: Translate) -> str:
    if moment is None:
        return translate("By now I may react here again.")
    when = discord.utils.format_dt(moment, "R")
    return translate("The next reaction here may come {when} at the latest.").format(when=when)


def _setting(setting: Sequence[str], translate: Translate) -> list[str]:
    if not setting:
        return []
    named = ": ".join(map(translate, setting))
    sentence = translate("Whoever manages this server can change that in `/settings`: {setting}")
    return ["-# " + sentence.format(setting=f"**{named}**")]
