"""The mood over a period in words: its caption, a description of its picture, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping

from bot.i18n import Translate
from bot.mood.over_time import OTHERS, MoodOverTime
from bot.ui.emotions import NO_EMOJI, label_name, label_with_emoji
from classifiers.emotions import EKMAN


def caption(mood: MoodOverTime, emoji: Mapping[str, str | None], translate: Translate) -> str:
    """Return the strongest emotions, the number of messages and the trend, in two lines.

    Args:
        mood: what is drawn.
        emoji: the emoji of each emotion; None or missing if it has none.
        translate: the reader's language.
    """
    strongest = " · ".join(
        f"{emoji.get(label) or NO_EMOJI} {label_with_emoji(label, None, translate)} {translate.percent(share)}"
        for label, share in mood.strongest()
    )
    return "\n".join(
        (
            strongest or translate("No message showed a clear emotion."),
            f"{_messages(mood, translate)} {translate(mood.trend())}",
        )
    )


def alternative_text(mood: MoodOverTime, place: str, translate: Translate) -> str:
    """Return a description of the picture, for those who cannot see it.

    Args:
        mood: what is drawn.
        place: whose mood it is, in the reader's language.
        translate: the reader's language.
    """
    shares = sorted(mood.shares().items(), key=lambda share: -share[1])
    return translate("Bar chart of the mood over time. {place}, {period}. {messages} Shares: {shares}. {trend}").format(
        place=place,
        period=translate(mood.period.name),
        messages=_messages(mood, translate),
        shares=translate.join(f"{group_name(group, translate)} {translate.percent(share)}" for group, share in shares),
        trend=translate(mood.trend()),
    )


def what_is_kept(mood_days: int, translate: Translate) -> str:
    """Return a sentence that says what is counted, and for how many days that is kept."""
    return translate.plural(
        "Only counts per channel and hour are kept, never per person, for {count} day.",
        "Only counts per channel and hour are kept, never per person, for {count} days.",
        mood_days,
    )


def group_name(group: str, translate: Translate) -> str:
    """Return the name of a group, which differs from that of the emotion after which it is called."""
    if group == OTHERS:
        return translate(group)
    name = label_name(group, translate)
    return translate("{emotion} etc.").format(emotion=name) if len(EKMAN.get(group, ())) > 1 else name


def _messages(mood: MoodOverTime, translate: Translate) -> str:
    return translate.plural("{count} message.", "{count} messages.", mood.messages)
