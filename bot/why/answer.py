"""The answer of the menu "Why?": the emotion, the reason for silence, and the setting that would change it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import discord

from bot.i18n import Translate, mark
from bot.reactions.history import MessageRecord
from bot.reactions.outcomes import Outcome
from bot.reactions.pace import ChannelState
from bot.reactions.policy import Decision
from bot.reactions.sentences import REASONS_AT_THE_TIME, WITHOUT_EMOTION, certainty_and_required, why_silent
from bot.server_settings import Liveliness, ServerSettings
from bot.ui.emotions import label_with_emoji
from bot.ui.quotation import escape, is_decisive, shorten
from classifiers.explain import WordShare

PACE = frozenset({Outcome.COOLING_DOWN, Outcome.ENOUGH})
"""Reasons that pass by themselves: the channel has had its reactions for now."""

_SETTINGS = {
    Outcome.SWITCHED_OFF: mark("Reactions"),
    Outcome.LEFT_OUT: mark("Channels"),
    Outcome.AGE_RESTRICTED: mark("Age-restricted channels"),
    Outcome.NO_EMOJI: mark("Changed emoji"),
    Outcome.UNKNOWN_EMOJI: mark("Changed emoji"),
    Outcome.MUTED: mark("Muted emotions"),
}
_LIVELINESS = {Liveliness.QUIET: mark("quiet"), Liveliness.NORMAL: mark("normal"), Liveliness.LIVELY: mark("lively")}
_WORDS, _LONGEST_WORD = 3, 40


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about a message that may be read.

    Attributes:
        reaction: the bot's reaction; None if there is none.
        reason: why there is none; None if the bot has reacted, or would react now.
        decision: the policy's decision now.
        words: all words of the message, with how far they moved the model.
        setting: the setting that would change it, from `setting_for`.
        next_at: when the channel may get its next reaction; None if it already may.
    """

    reaction: str | None
    reason: Outcome | None
    decision: Decision
    words: Sequence[WordShare]
    setting: Sequence[str]
    next_at: datetime | None


def reason_for_silence(now: Outcome | None, record: MessageRecord | None) -> Outcome | None:
    """Return why a message has no reaction, or None if it would get one now.

    Args:
        now: the policy's reason now. It still holds as far as the text and the settings go, but the pace of the
            channel was different when the message was written.
        record: what the message led to then; None if that has been forgotten.
    """
    if record is None or now not in (None, *PACE):
        return now
    if record.unwanted:
        return Outcome.TAKEN_BACK
    return record.outcome if record.outcome in REASONS_AT_THE_TIME else now


def setting_for(
    reason: Outcome | None,
    settings: ServerSettings,
    dislikes: int,
    decide: Callable[[ServerSettings, ChannelState], Decision],
) -> tuple[str, ...]:
    """Return the setting that would change an outcome, and the value for it if that is known; untranslated.

    The result is empty if no single setting would change the outcome.

    Args:
        reason: why there is no reaction.
        settings: the server's settings.
        dislikes: how many people have disliked a reaction in the channel.
        decide: returns the policy's decision on the message with other settings and another state of the channel.
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
        if helps(settings.replace(liveliness=livelier), dislikes):
            return (mark("Liveliness"), _LIVELINESS[livelier])
    return ()


def format_answer(found: Finding | Outcome, translate: Translate) -> str:
    """Return the whole answer about a message.

    Args:
        found: what was found out about it, or why no model reads it.
        translate: the reader's language.
    """
    if isinstance(found, Outcome):
        setting = (_SETTINGS[found],) if found in _SETTINGS else ()
        return "\n".join((why_silent(found, translate), *_setting(setting, translate)))
    lines = [_headline(found, translate)]
    if found.reason not in WITHOUT_EMOTION:
        lines += _reading(found, translate)
    if found.reason in PACE:
        lines.append(_next(found.next_at, translate))
    return "\n".join((*lines, *_setting(found.setting, translate)))


def _headline(finding: Finding, translate: Translate) -> str:
    """Return a sentence: what the bot reacted with or would react with now, or why it does not react."""
    if finding.reaction:
        return translate("I reacted with {emoji}.").format(emoji=finding.reaction)
    if finding.reason is None:
        return translate("If it were written now, I would react with {emoji}.").format(emoji=finding.decision.emoji)
    return why_silent(finding.reason, translate, finding.decision.profile)


def _reading(finding: Finding, translate: Translate) -> list[str]:
    """Return lines with the emotion, the model's and the required certainty, and the words that moved it most."""
    decision = finding.decision
    certainty, required = certainty_and_required(decision, translate)
    heard = translate("I hear **{emotion}** with a certainty of {certainty}; to react I need {required}.").format(
        emotion=label_with_emoji(decision.emotion, None, translate),
        certainty=certainty,
        required=required,
    )
    strongest = sorted((word for word in finding.words if is_decisive(word) and word.share > 0), key=_negative_share)
    words = list(dict.fromkeys(escape(shorten(word.text, _LONGEST_WORD)) for word in strongest))[:_WORDS]
    if not words:
        return [heard, translate("No single word makes the difference here.")]
    return [
        heard,
        translate("These words counted most: {words}").format(words=translate.join(f"**{word}**" for word in words)),
    ]


def _negative_share(word: WordShare) -> float:
    return -word.share


def _next(moment: datetime | None, translate: Translate) -> str:
    if moment is None:
        return translate("By now, a new message here may get a reaction again.")
    when = discord.utils.format_dt(moment, "R")
    return translate("The next reaction here may come {when} at the latest.").format(when=when)


def _setting(setting: Sequence[str], translate: Translate) -> list[str]:
    if not setting:
        return []
    named = ": ".join(map(translate, setting))
    sentence = translate("Anyone who manages this server can change that in `/settings`: {setting}")
    return ["-# " + sentence.format(setting=f"**{named}**")]
