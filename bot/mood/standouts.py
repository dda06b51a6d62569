"""Find what stood out in a week: days on which an emotion was clearly more frequent than in the weeks before.

The shares of emotions vary from day to day, and not by chance alone: messages come in conversations, which have their
subjects. So a day is compared with a beta-binomial distribution. Its mean is the share of the emotion on the days
before. Its spread is that of the emotion on those days or, if greater, the mean spread of all emotions, since a rare
emotion's spread is hardly known. A day stands out if the probability of its count or a greater one is below
`FALSE_ALARM_RATE`, divided by the number of days and emotions that are tested.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from classifiers.emotions import NEUTRAL

FALSE_ALARM_RATE = 0.01
"""The share of weeks in which something seems to stand out by chance, if days vary as assumed.

In simulations it was 0.00 to 0.03, and 0.1 to 0.2 where single conversations made up much of what was said about a rare
emotion.
"""

MIN_DAYS = 14
"""The fewest days before the week for a comparison."""

MIN_MESSAGES_PER_DAY = 20
"""The fewest messages for a day to count, in the week and before it."""

MIN_MESSAGES_PER_EMOTION = 10
"""The fewest messages with an emotion for a day to stand out: fewer would say something about their authors."""

MIN_RATIO = 1.5
"""How many times the usual share a day's share must be: in a large server, smaller differences are significant, too."""

MAX_STANDOUTS = 3
"""The most days and emotions that are named."""


@dataclass(frozen=True, slots=True)
class Standout:
    """An emotion that was more frequent on a day than usual.

    Attributes:
        day: the day.
        emotion: the emotion.
        share: its share of the day's messages.
        usual: its share of the messages on the days before the week.
    """

    day: date
    emotion: str
    share: float
    usual: float


def find_standouts(
    week: Mapping[date, Mapping[str, int]], before: Iterable[Mapping[str, int]]
) -> list[Standout] | None:
    """Return what stood out in a week, the least probable first, each emotion once and at most `MAX_STANDOUTS`.

    Args:
        week: the number of messages by emotion, for each day.
        before: the same for each day of the weeks before.

    Returns:
        An empty list if nothing stood out; None if there are too few days or messages to decide.
    """
    days = {day: counts for day, counts in week.items() if sum(counts.values()) >= MIN_MESSAGES_PER_DAY}
    base = [counts for counts in before if sum(counts.values()) >= MIN_MESSAGES_PER_DAY]
    if not days or len(base) < MIN_DAYS:
        return None
    emotions = {emotion for counts in (*days.values(), *base) for emotion in counts} - {NEUTRAL}
    baselines = {emotion: _Baseline([_counts_of(emotion, counts) for counts in base]) for emotion in sorted(emotions)}
    typical = sum(baseline.spread for baseline in baselines.values()) / max(1, len(baselines))
    found: list[tuple[float, Standout]] = []
    for emotion, baseline in baselines.items():
        for day, counts in days.items():
            times, messages = _counts_of(emotion, counts)
            share = times / messages
            if times < MIN_MESSAGES_PER_EMOTION or share < MIN_RATIO * baseline.share:
                continue
            probability = baseline.probability(times, messages, max(0.0, baseline.spread, typical))
            if probability < FALSE_ALARM_RATE / (len(days) * len(baselines)):
                found.append((probability, Standout(day, emotion, share, baseline.share)))
    strongest: dict[str, Standout] = {}
    for _probability, standout in sorted(found, key=lambda each: each[0]):
        strongest.setdefault(standout.emotion, standout)
    return list(strongest.values())[:MAX_STANDOUTS]


class _Baseline:
    """How frequent an emotion was on the days before.

    Attributes:
        share: its share of all messages of these days.
        spread: how much the daily shares vary beyond chance, as the correlation of two messages of a day; 0 means
            chance alone, and the estimate may be below that.
    """

    def __init__(self, days: Sequence[tuple[int, int]]) -> None:
        """Take, for each day, the number of messages with the emotion and of all messages."""
        self._days = [messages for _times, messages in days]
        self._messages = sum(self._days)
        self.share = (sum(times for times, _messages in days) + 0.5) / (self._messages + 1)  # never 0 nor 1
        deviations = sum((times - messages * self.share) ** 2 / messages for times, messages in days)
        # Pearson's statistic compared with its value under chance alone, by the method of moments.
        excess = deviations / (self.share * (1 - self.share)) - (len(days) - 1)
        self.spread = excess / sum((messages - 1) * (1 - messages / self._messages) for messages in self._days)

    def probability(self, times: int, messages: int, spread: float) -> float:
        """Return the probability that at least this many of another day's messages have the emotion."""
        # The earlier share is an estimate, too, which adds to the uncertainty of the day's share.
        own = sum(day * (1 + (day - 1) * spread) for day in self._days) / self._messages**2
        certainty = 1 / min(spread + own, 0.99) - 1
        return beta_binomial_tail(times, messages, self.share * certainty, (1 - self.share) * certainty)


def beta_binomial_tail(least: int, trials: int, a: float, b: float) -> float:
    """Return the probability of at least this many successes, if their own probability is drawn from Beta(a, b)."""
    log = math.lgamma
    ways = log(trials + 1) - log(least + 1) - log(trials - least + 1)
    drawn = log(least + a) + log(trials - least + b) - log(trials + a + b)
    term = math.exp(ways + drawn + log(a + b) - log(a) - log(b))
    total = term
    for successes in range(least, trials):
        term *= (trials - successes) / (successes + 1) * (successes + a) / (trials - successes - 1 + b)
        total += term
    return min(1.0, total)


def _counts_of(emotion: str, counts: Mapping[str, int]) -> tuple[int, int]:
    """Return how many messages of a day have an emotion, and how many it has in all."""
    return counts.get(emotion, 0), sum(counts.values())
