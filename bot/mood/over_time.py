"""The mood of a channel or a server over a period: how many messages had which emotion, and whether it changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bot.i18n import mark
from bot.local_time import wall_clock
from classifiers.emotions import EKMAN, NEUTRAL, SENTIMENT

COLOURS: dict[str, str] = {
    "joy": "#fecb33",
    "surprise": "#49d6ee",
    "sadness": "#4579ef",
    "anger": "#fc7052",
    "fear": "#a68dc1",
    "disgust": "#b9f2b2",
    NEUTRAL: "#6b6f76",
}
"""The colour of each group, in the order of the stack; chosen so that colour-blind people can tell them apart."""

OTHERS = mark("other emotions")
OWN_COLOURS = ("#f28cb8", "#3ba272", "#c9a26b", "#7f5af0", "#e0e0e0")
"""Colours for the most frequent emotions outside these groups, as in users' own data; the last is for the rest."""

MIN_MESSAGES = 20
"""The fewest messages for a picture: fewer would say more about their authors than about a mood."""

A_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
"""The origin of the steps and of the marks under the axis, so that weekly marks are on Mondays."""

_TOP = 3
_CLEAR_CHANGE = 0.05
_HALF_MINIMUM = 10
_BAR_MINIMUM = 5
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_GROUP_OF = {label: group for group, labels in EKMAN.items() for label in labels}
_VALENCE = dict.fromkeys(SENTIMENT["positive"], 1) | dict.fromkeys(SENTIMENT["negative"], -1)


@dataclass(frozen=True, slots=True)
class Period:
    """A period up to now, in equal steps.

    Attributes:
        name: its length in words.
        steps: the number of steps.
        step: the length of a step; a day is a multiple of it.
        marked: the distance between the times written under the axis.
        scale: the sentence that explains the axis.
    """

    name: str
    steps: int
    step: timedelta
    marked: timedelta
    scale: str

    def since(self, now: datetime) -> datetime:
        """Return the start of the first step, so that the last contains `now` and each starts on the hour or day.

        Both are local times, see `bot.local_time.wall_clock`.
        """
        return now - (now - A_MONDAY) % self.step - (self.steps - 1) * self.step


PERIODS: dict[str, Period] = {
    "day": Period(
        mark("24 hours"), 24, _HOUR, 4 * _HOUR, mark("Each bar is one hour, quiet ones are merged. Time zone: {zone}.")
    ),
    "week": Period(
        mark("7 days"), 28, 6 * _HOUR, _DAY, mark("Each bar is six hours, quiet ones are merged. Time zone: {zone}.")
    ),
    "month": Period(
        mark("4 weeks"), 28, _DAY, 7 * _DAY, mark("Each bar is one day, quiet ones are merged. Time zone: {zone}.")
    ),
}


class MoodOverTime:
    """Counts of messages by emotion, in total and for each step of a period.

    Attributes:
        period: what is covered.
        zone: the time zone, by its name in the IANA database.
        since: when the period starts, in local time.
        messages: the number of messages.
        emotions: the number of messages for each emotion, including neutral.
        colours: the colour of each group. The groups are those of `COLOURS`; if there are emotions outside them, the
            groups are those that occur, the most frequent of these emotions, and `OTHERS`.
        groups: the number of messages in each group of `colours`, for each step.
    """

    def __init__(
        self, period: Period, now: datetime, counts: Iterable[tuple[datetime, str, int]], zone: str = "UTC"
    ) -> None:
        """Sum up the counts.

        Args:
            period: the period to cover; counts from before or after it are left out.
            now: when it ends.
            counts: hour, emotion and number of messages.
            zone: the time zone in which the steps start.
        """
        self.period = period
        self.zone = zone
        self.since = period.since(wall_clock(now, zone))
        steps = [
            ((wall_clock(hour, zone) - self.since) // period.step, emotion, messages)
            for hour, emotion, messages in counts
        ]
        # A count that is taken back after an erasure may leave a negative number.
        steps = [each for each in steps if 0 <= each[0] < period.steps and each[2] > 0]
        self.emotions: Counter[str] = Counter()
        for _step, emotion, messages in steps:
            self.emotions[emotion] += messages
        self.messages = self.emotions.total()
        self.colours = _colours(self.emotions)
        self.groups: dict[str, list[int]] = {group: [0] * period.steps for group in self.colours}
        self._valences = [Counter[int]() for _step in range(period.steps)]
        for step, emotion, messages in steps:
            group = _GROUP_OF.get(emotion, emotion)
            self.groups[group if group in self.groups else OTHERS][step] += messages
            self._valences[step][_VALENCE.get(emotion, 0)] += messages

    def messages_by_step(self) -> list[int]:
        """Return the number of messages in each step."""
        return [sum(step) for step in zip(*self.groups.values(), strict=True)]

    def bars(self) -> list[range]:
        """Return the steps of each bar, merged where they have few messages, so that no bar shows a single message.

        Steps without messages are left out at both ends of a bar.
        """
        bars: list[range] = []
        filled: list[int] = []  # steps of the current bar that have messages
        messages = 0
        for step, count in enumerate(self.messages_by_step()):
            messages += count
            if count:
                filled.append(step)
            if messages >= _BAR_MINIMUM:
                bars.append(range(filled[0], step + 1))
                filled, messages = [], 0
        if filled:  # the last few messages join the bar before them
            bars[-1] = range(bars[-1].start, filled[-1] + 1)
        return bars

    def shares(self) -> dict[str, float]:
        """Return each group's share of all messages."""
        return {group: sum(steps) / self.messages for group, steps in self.groups.items()}

    def strongest(self) -> list[tuple[str, float]]:
        """Return up to three of the most frequent emotions except neutral, with their share of all messages."""
        emotions = Counter({label: count for label, count in self.emotions.items() if label != NEUTRAL})
        return [(label, count / self.messages) for label, count in emotions.most_common(_TOP)]

    def trend(self) -> str:
        """Return a sentence that compares the balance of pleasant and unpleasant emotions in the period's two halves.

        It mentions a change only if it is clear and more than twice its standard error, and no change if there are
        emotions of a user's own data set, which may be pleasant or not.
        """
        if _own_labels(self.emotions):
            return mark("I don't know which of these emotions are pleasant, so I can't show a trend.")
        half = self.period.steps // 2
        halves = [sum(part, Counter[int]()) for part in (self._valences[:half], self._valences[half:])]
        if any(part.total() < _HALF_MINIMUM for part in halves):
            return mark("The messages are too unevenly spread to show a trend.")
        means = [sum(valence * count for valence, count in part.items()) / part.total() for part in halves]
        variances = [
            sum((valence - mean) ** 2 * count for valence, count in part.items()) / part.total() ** 2
            for mean, part in zip(means, halves, strict=True)
        ]
        change = means[1] - means[0]
        if abs(change) < max(_CLEAR_CHANGE, 2 * sum(variances) ** 0.5):
            return mark("The mood has stayed about the same.")
        return mark("The mood has brightened.") if change > 0 else mark("The mood has darkened.")


def _own_labels(emotions: Iterable[str]) -> list[str]:
    """Return the emotions that are not in GoEmotions."""
    return [emotion for emotion in emotions if emotion not in _GROUP_OF and emotion != NEUTRAL]


def _colours(emotions: Counter[str]) -> dict[str, str]:
    """Return the colour of each group to draw for these counts."""
    own = Counter({emotion: emotions[emotion] for emotion in _own_labels(emotions)})
    if not own:
        return COLOURS
    most = len(OWN_COLOURS) if len(own) <= len(OWN_COLOURS) else len(OWN_COLOURS) - 1
    names = [emotion for emotion, _messages in own.most_common(most)] + ([OTHERS] if len(own) > most else [])
    occurring = {_GROUP_OF.get(emotion, NEUTRAL) for emotion in emotions}
    ours = {group: colour for group, colour in COLOURS.items() if group in occurring and group != NEUTRAL}
    neutral = {NEUTRAL: COLOURS[NEUTRAL]} if emotions[NEUTRAL] else {}  # not all data sets have neutral
    return ours | dict(zip(names, OWN_COLOURS, strict=False)) | neutral
