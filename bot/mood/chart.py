"""The mood of a channel or a server over time: as sums, as a picture, and in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.i18n import Translate, mark
from bot.ui.card import CARD, INK, draw_card, writable
from bot.ui.emotions import NO_EMOJI, named, written
from classifiers.emotions import EKMAN, NEUTRAL, SENTIMENT

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

COUNTS = "#80848e"
COLOURS: dict[str, str] = {
    "joy": "#fecb33",
    "surprise": "#49d6ee",
    "sadness": "#4579ef",
    "anger": "#fc7052",
    "fear": "#a68dc1",
    "disgust": "#b9f2b2",
    NEUTRAL: "#6b6f76",
}
"""Of each group, in the order in which they are stacked; chosen to stay apart for the colour-blind as well."""

OTHERS = mark("other emotions")
OWN_COLOURS = ("#f28cb8", "#3ba272", "#c9a26b", "#7f5af0", "#e0e0e0")
"""Of the most frequent emotions that are in none of those groups, as in data sets of one's own; then of the rest."""

MINIMUM = 20
"""Messages without which there is no picture: a few would tell of their authors rather than of a mood."""

_TOP = 3
_CLEAR_CHANGE = 0.05
_HALF_MINIMUM = 10
_BAR_MINIMUM = 5
_GAP = 0.12
_LONGEST_NAME = 20
_FIGURE_SPACE = "\u2007"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_A_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_WEEKDAYS = (mark("Mon"), mark("Tue"), mark("Wed"), mark("Thu"), mark("Fri"), mark("Sat"), mark("Sun"))
_MONTHS = (
    *(mark("Jan"), mark("Feb"), mark("Mar"), mark("Apr"), mark("May"), mark("Jun")),
    *(mark("Jul"), mark("Aug"), mark("Sep"), mark("Oct"), mark("Nov"), mark("Dec")),
)
_DATE = mark("{day} {month}")
_PERCENT = mark("{percent}%")
_SHARES = mark("Share of messages")
_MESSAGES = mark("Messages")
_GROUP_OF = {label: group for group, labels in EKMAN.items() for label in labels}
_VALENCE = dict.fromkeys(SENTIMENT["positive"], 1) | dict.fromkeys(SENTIMENT["negative"], -1)


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time up to now, in equal steps.

    Attributes:
        name: how long it is, in words.
        steps: how many there are.
        step: how long each is; a whole part of a day.
        marked: how far apart the times written under the axis are.
        scale: the sentence that explains the axis.
    """

    name: str
    steps: int
    step: timedelta
    marked: timedelta
    scale: str

    def since(self, now: datetime) -> datetime:
        """When the first step begins, so that the last one holds this moment and each begins on the hour or day."""
        return now - (now - _A_MONDAY) % self.step - (self.steps - 1) * self.step


PERIODS: dict[str, Period] = {
    "day": Period(
        mark("24 hours"), 24, _HOUR, 4 * _HOUR, mark("Each bar is one hour, quiet ones are merged. Times in UTC.")
    ),
    "week": Period(
        mark("7 days"), 28, 6 * _HOUR, _DAY, mark("Each bar is six hours, quiet ones are merged. Times in UTC.")
    ),
    "month": Period(
        mark("4 weeks"), 28, _DAY, 7 * _DAY, mark("Each bar is one day, quiet ones are merged. Days in UTC.")
    ),
}


class MoodOverTime:
    """How many messages had which emotion, in all and step by step.

    Attributes:
        period: what is covered.
        since: when it begins.
        messages: how many there were.
        emotions: messages of each emotion, and of neutral.
        colours: of each group: those of `COLOURS`; or, where there are emotions that are in none of them, those that
            occur, the most frequent of these emotions and `OTHERS`.
        groups: messages of each group of `colours`, for each step.
    """

    def __init__(self, period: Period, now: datetime, counts: Iterable[tuple[datetime, str, int]]) -> None:
        """Sum counts up.

        Args:
            period: what to cover; counts from before or after are left out.
            now: when it ends.
            counts: hour, emotion and messages.
        """
        self.period = period
        self.since = period.since(now)
        steps = [((hour - self.since) // period.step, emotion, messages) for hour, emotion, messages in counts]
        # A count taken back after an erasure may leave less than nothing.
        steps = [each for each in steps if 0 <= each[0] < period.steps and each[2] > 0]
        self.emotions: Counter[str] = Counter()
        for _step, emotion, messages in steps:
            self.emotions[emotion] += messages
        self.messages = self.emotions.total()
        self.colours = _colours(self.emotions)
        self.groups: dict[str, list[int]] = {group: [0] * period.steps for group in self.colours}
        self._valences = [Counter[int]() for _ in range(period.steps)]
        for step, emotion, messages in steps:
            group = _GROUP_OF.get(emotion, emotion)
            self.groups[group if group in self.groups else OTHERS][step] += messages
            self._valences[step][_VALENCE.get(emotion, 0)] += messages

    def by_step(self) -> list[int]:
        """Messages of all groups, for each step."""
        return [sum(step) for step in zip(*self.groups.values(), strict=True)]

    def bars(self) -> list[range]:
        """The steps, taken together where few messages fall into one, so that no bar tells of a single message.

        Steps without any message are left out at both ends of a bar.
        """
        bars: list[range] = []
        spoken: list[int] = []
        messages = 0
        for step, count in enumerate(self.by_step()):
            messages += count
            if count:
                spoken.append(step)
            if messages >= _BAR_MINIMUM:
                bars.append(range(spoken[0], step + 1))
                spoken, messages = [], 0
        if spoken:  # the last few messages join the bar before them
            bars[-1] = range(bars[-1].start, spoken[-1] + 1)
        return bars

    def shares(self) -> dict[str, float]:
        """The part of all messages that each group has."""
        return {group: sum(steps) / self.messages for group, steps in self.groups.items()}

    def strongest(self) -> list[tuple[str, float]]:
        """The most frequent emotions, neutral aside, with their part of all messages."""
        emotions = Counter({label: count for label, count in self.emotions.items() if label != NEUTRAL})
        return [(label, count / self.messages) for label, count in emotions.most_common(_TOP)]

    def trend(self) -> str:
        """A sentence: whether pleasant emotions outweigh unpleasant ones more in the second half than in the first.

        It speaks of a change only where the difference is more than twice what chance alone makes of it, and of none
        where there are emotions of an own data set, which may be pleasant or not.
        """
        if _own(self.emotions):
            return mark("I do not know how pleasant these emotions are, so I cannot tell a trend.")
        half = self.period.steps // 2
        halves = [sum(part, Counter[int]()) for part in (self._valences[:half], self._valences[half:])]
        if any(part.total() < _HALF_MINIMUM for part in halves):
            return mark("The messages are too unevenly spread to tell a trend.")
        means = [sum(valence * count for valence, count in part.items()) / part.total() for part in halves]
        variances = [
            sum((valence - mean) ** 2 * count for valence, count in part.items()) / part.total() ** 2
            for mean, part in zip(means, halves, strict=True)
        ]
        change = means[1] - means[0]
        if abs(change) < max(_CLEAR_CHANGE, 2 * sum(variances) ** 0.5):
            return mark("The mood has stayed about the same.")
        return mark("The mood has brightened.") if change > 0 else mark("The mood has darkened.")


def caption(mood: MoodOverTime, emoji: Mapping[str, str | None], _: Translate) -> str:
    """The strongest emotions, the number of messages and the trend, in two lines.

    Args:
        mood: what is drawn.
        emoji: of each emotion, None or nothing where it has none.
        _: the reader's language.
    """
    strongest = " · ".join(
        f"{emoji.get(label) or NO_EMOJI} {written(label, None, _)} {_percent(share, _)}"
        for label, share in mood.strongest()
    )
    return "\n".join(
        (
            strongest or _("No message showed a clear emotion."),
            _("Messages: {count}.").format(count=_number(mood.messages)) + f" {_(mood.trend())}",
        )
    )


def alternative_text(mood: MoodOverTime, place: str, _: Translate) -> str:
    """What the picture shows, for those who do not see it.

    Args:
        mood: what is drawn.
        place: of what, in the reader's language.
        _: the reader's language.
    """
    shares = sorted(mood.shares().items(), key=lambda share: -share[1])
    return _("Bar chart of the mood over time. {place}, {period}. Messages: {count}. Shares: {shares}. {trend}").format(
        place=place,
        period=_(mood.period.name),
        count=_number(mood.messages),
        shares=", ".join(f"{_group_name(group, _)} {_percent(share, _)}" for group, share in shares),
        trend=_(mood.trend()),
    )


def draw(mood: MoodOverTime, _: Translate) -> bytes:
    """A PNG picture: each step's shares of the groups, above its number of messages; there are at least `MINIMUM`.

    The picture's words are English where its font cannot write the reader's language.
    """
    words = (*COLOURS, OTHERS, *_WEEKDAYS, *_MONTHS, _DATE, _PERCENT, _SHARES, _MESSAGES, mood.period.scale)
    return draw_card((5.5, 3.5), lambda figure, font, _: _draw_into(figure, mood, font, _), words, _)


def _draw_into(figure: Figure, mood: MoodOverTime, font: FontProperties, _: Translate) -> None:
    """Both panels, and the groups' names beside them in the order of the stack."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1))
    bars, totals, shares = mood.bars(), mood.by_step(), mood.shares()
    places = [(bar.start + bar.stop - 1) / 2 for bar in bars]
    widths = [len(bar) - _GAP for bar in bars]
    bottoms = [0.0] * len(bars)
    stack = []
    for group, messages in mood.groups.items():
        heights = [sum(messages[step] for step in bar) / sum(totals[step] for step in bar) for bar in bars]
        colour = mood.colours[group]
        stack.append(upper.bar(places, heights, widths, bottoms, color=colour, edgecolor=CARD, linewidth=0.5))
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    lower.bar(range(len(totals)), totals, 1 - _GAP, color=COUNTS)

    percents = [_percent(share, _) for share in shares.values()]
    width = max(map(len, percents))
    names = [
        f"{percent.rjust(width, _FIGURE_SPACE)}  {_legible(group, _)}"
        for percent, group in zip(percents, shares, strict=True)
    ]
    legend = figure.legend(
        *(stack[::-1], names[::-1]),
        loc="outside right upper",
        prop=font,
        labelcolor=INK,
        frameon=False,
        handlelength=0.9,
        handleheight=0.9,
        labelspacing=0.9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
    upper.set_ylim(0, 1)
    upper.set_yticks((0, 0.5, 1), [_percent(share, _) for share in (0, 0.5, 1)])
    lower.set_yticks((0, max(totals)), ["0", _number(max(totals))])
    lower.set_xticks(*_time_axis(mood, _))
    lower.set_xlim(-0.6, len(totals) - 0.4)
    figure.supxlabel(_(mood.period.scale), fontproperties=font, color=INK)
    for axes, title in ((upper, _SHARES), (lower, _MESSAGES)):
        axes.set_title(_(title), loc="left", fontproperties=font, color=INK, pad=6)
        axes.set_facecolor(CARD)
        axes.tick_params(length=0, colors=INK)
        axes.spines[:].set_visible(False)
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set(fontproperties=font)


def _time_axis(mood: MoodOverTime, _: Translate) -> tuple[list[int], list[str]]:
    """Under which bars to write when they begin, and how: the month only where it is another than before."""
    steps, texts, month = [], [], 0
    for step in range(mood.period.steps):
        start = mood.since + step * mood.period.step
        if (start - _A_MONDAY) % mood.period.marked:
            continue
        date = ""
        if start.hour == 0:
            name = _(_MONTHS[start.month - 1])
            date = f"{start.day}" if start.month == month else _(_DATE).format(day=start.day, month=name)
            month = start.month
        above = f"{start:%H:%M}" if mood.period.marked < _DAY else _(_WEEKDAYS[start.weekday()])
        steps.append(step)
        texts.append(f"{above}\n{date}")
    return steps, texts


def _own(emotions: Iterable[str]) -> list[str]:
    """The emotions that are none of GoEmotions'."""
    return [emotion for emotion in emotions if emotion not in _GROUP_OF and emotion != NEUTRAL]


def _colours(emotions: Counter[str]) -> dict[str, str]:
    """The colour of each group that is drawn where these emotions were counted."""
    own = Counter({emotion: emotions[emotion] for emotion in _own(emotions)})
    if not own:
        return COLOURS
    most = len(OWN_COLOURS) if len(own) <= len(OWN_COLOURS) else len(OWN_COLOURS) - 1
    names = [emotion for emotion, _messages in own.most_common(most)] + ([OTHERS] if len(own) > most else [])
    occurring = {_GROUP_OF.get(emotion, NEUTRAL) for emotion in emotions}
    ours = {group: colour for group, colour in COLOURS.items() if group in occurring and group != NEUTRAL}
    return ours | dict(zip(names, OWN_COLOURS, strict=False)) | {NEUTRAL: COLOURS[NEUTRAL]}


def _group_name(group: str, _: Translate) -> str:
    return _(group) if group == OTHERS else named(group, _)


def _legible(group: str, _: Translate) -> str:
    """The name of a group for the picture: short, and in what its font can write."""
    name = _group_name(group, _)
    return writable(name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…")


def _percent(share: float, _: Translate) -> str:
    return _(_PERCENT).format(percent=round(100 * share))


def _number(number: int) -> str:
    """With a narrow space between thousands, which no language mistakes for a decimal point."""
    return f"{number:,}".replace(",", "\u202f")
