"""The picture of the mood over a period: the shares of emotions as bars, above the number of messages."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from bot.i18n import Translate, mark
from bot.mood.over_time import A_MONDAY, COLOURS, OTHERS, MoodOverTime
from bot.mood.words import group_name
from bot.ui.card import BACKGROUND, TEXT_COLOUR, draw_card, writable
from bot.ui.quotation import shorten

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.font_manager import FontProperties

COUNTS = "#80848e"
"""The colour of the bars for the number of messages."""

_GAP = 0.12
_LONGEST_NAME = 20
_FIGURE_SPACE = "\u2007"
_DAY = timedelta(days=1)
_SHARES = mark("Share of messages")
_MESSAGES = mark("Messages")


def draw(mood: MoodOverTime, translate: Translate) -> bytes:
    """Return a PNG picture of a mood of at least `MIN_MESSAGES`: the shares of groups above the number of messages.

    The picture's words are English if its font cannot write the reader's language.
    """
    groups = (group_name(group, translate) for group in (*COLOURS, OTHERS))
    texts = (_SHARES, _MESSAGES)
    times = (label.replace("\n", " ") for label in _time_axis(mood, translate)[1])
    words = (*groups, *map(translate, texts), _scale(mood, translate), *times, translate.percent(1))
    return draw_card(
        (5.5, 3.5), lambda figure, font, translate: _draw_into(figure, mood, font, translate), words, translate
    )


def _draw_into(figure: Figure, mood: MoodOverTime, font: FontProperties, translate: Translate) -> None:
    """Draw both panels, and beside them the legend in the order of the stack."""
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.5, 1))
    totals = mood.messages_by_step()
    stack = _draw_shares(upper, mood)
    lower.bar(range(len(totals)), totals, 1 - _GAP, color=COUNTS)
    _draw_legend(figure, stack, mood, font, translate)
    upper.set_ylim(0, 1)
    upper.set_yticks((0, 0.5, 1), [translate.percent(share) for share in (0, 0.5, 1)])
    lower.set_yticks((0, max(totals)), ["0", translate.number(max(totals))])
    lower.set_xticks(*_time_axis(mood, translate))
    lower.set_xlim(-0.6, len(totals) - 0.4)
    figure.supxlabel(_scale(mood, translate), fontproperties=font, color=TEXT_COLOUR)
    for axes, title in ((upper, _SHARES), (lower, _MESSAGES)):
        axes.set_title(translate(title), loc="left", fontproperties=font, color=TEXT_COLOUR, pad=6)
        axes.set_facecolor(BACKGROUND)
        axes.tick_params(length=0, colors=TEXT_COLOUR)
        axes.spines[:].set_visible(False)
        for label in (*axes.get_xticklabels(), *axes.get_yticklabels()):
            label.set(fontproperties=font)


def _draw_shares(axes: Axes, mood: MoodOverTime) -> list[Any]:
    """Draw the shares of the groups as stacked bars; return the bars of each group, the lowest first."""
    bars, totals = mood.bars(), mood.messages_by_step()
    places = [(bar.start + bar.stop - 1) / 2 for bar in bars]
    widths = [len(bar) - _GAP for bar in bars]
    bottoms = [0.0] * len(bars)
    stack = []
    for group, messages in mood.groups.items():
        heights = [sum(messages[step] for step in bar) / sum(totals[step] for step in bar) for bar in bars]
        colour = mood.colours[group]
        stack.append(axes.bar(places, heights, widths, bottoms, color=colour, edgecolor=BACKGROUND, linewidth=0.5))
        bottoms = [bottom + height for bottom, height in zip(bottoms, heights, strict=True)]
    return stack


def _draw_legend(
    figure: Figure, stack: Sequence[Any], mood: MoodOverTime, font: FontProperties, translate: Translate
) -> None:
    """Draw the names of the groups with their shares of all messages, in the order of the stack."""
    shares = mood.shares()
    percents = [translate.percent(share) for share in shares.values()]
    width = max(map(len, percents))
    names = [
        f"{percent.rjust(width, _FIGURE_SPACE)}  {_writable_name(group, translate)}"
        for percent, group in zip(percents, shares, strict=True)
    ]
    legend = figure.legend(
        *(stack[::-1], names[::-1]),
        loc="outside right upper",
        prop=font,
        labelcolor=TEXT_COLOUR,
        frameon=False,
        handlelength=0.9,
        handleheight=0.9,
        labelspacing=0.9,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)


def _scale(mood: MoodOverTime, translate: Translate) -> str:
    """Return the sentence that explains the axis."""
    return translate(mood.period.scale).format(zone=translate.city(mood.zone))


def _time_axis(mood: MoodOverTime, translate: Translate) -> tuple[list[int], list[str]]:
    """Return the ticks of the time axis and their labels, which name the month only when it changes."""
    starts = {step: mood.since + step * mood.period.step for step in range(mood.period.steps)}
    ticks = {step: start for step, start in starts.items() if not (start - A_MONDAY) % mood.period.marked}
    days = [start for start in ticks.values() if start.hour == 0]
    with_month = {day for before, day in pairwise(days) if day.month != before.month}
    if with_month.isdisjoint(days[1:2]):  # otherwise two labels with months would touch
        with_month.update(days[:1])
    texts = []
    for start in ticks.values():
        date = translate.day(start, month=start in with_month) if start.hour == 0 else ""
        above = f"{start:%H:%M}" if mood.period.marked < _DAY else translate.short_weekday_name(start)
        texts.append(f"{above}\n{date}")
    return list(ticks), texts


def _writable_name(group: str, translate: Translate) -> str:
    """Return the name of a group for the picture, shortened, in characters that the font has."""
    return writable(shorten(group_name(group, translate), _LONGEST_NAME))
