from __future__ import annotations

import random
from collections import Counter
from datetime import date, timedelta

import pytest

from bot.mood.standouts import _Baseline, beta_binomial_tail, find_standouts

MONDAY = date(2026, 11, 23)
SHARES = {"neutral": 0.5, "joy": 0.2, "love": 0.1, "anger": 0.1, "surprise": 0.07, "relief": 0.03}


def days(number: int, messages: int = 100, *, spread: float = 0.0, seed: int = 1) -> list[Counter[str]]:
    """Return random days; with a spread, each day has its own shares."""
    rng = random.Random(seed)  # noqa: S311 - a simulation
    made = []
    for _ in range(number):
        weights = [rng.gammavariate(share / spread, 1) if spread else share for share in SHARES.values()]
        made.append(Counter(rng.choices(list(SHARES), weights, k=messages)))
    return made


def week(*counts: Counter[str]) -> dict[date, Counter[str]]:
    return {MONDAY + timedelta(days=place): each for place, each in enumerate(counts)}


def test_a_day_with_far_more_of_an_emotion_stands_out() -> None:
    ordinary, before = days(6, seed=2), days(28)
    relieved = Counter(neutral=45, joy=15, anger=10, relief=30)
    [found] = find_standouts(week(*ordinary[:4], relieved, *ordinary[4:]), before) or []
    assert (found.day, found.emotion, found.share) == (MONDAY + timedelta(days=4), "relief", 0.3)
    assert found.usual == pytest.approx(0.03, abs=0.01)


def test_usual_day_does_not_stand_out() -> None:
    assert find_standouts(week(*days(7, seed=2)), days(28)) == []


def test_variable_days_need_a_larger_difference() -> None:
    joyful = Counter(neutral=40, joy=45, anger=15)
    steady, changeable = days(28), days(28, spread=0.3)
    assert [each.emotion for each in find_standouts(week(joyful), steady) or []] == ["joy"]
    assert find_standouts(week(joyful), changeable) == []


def test_spread_matches_a_result_computed_by_hand() -> None:
    baseline = _Baseline([(1, 5), (6, 9)])
    assert baseline.share == pytest.approx(7.5 / 15)
    chi_square = (1.5**2 / 5 + 1.5**2 / 9) / (0.5 * 0.5)
    assert baseline.spread == pytest.approx((chi_square - 1) / (4 * 9 / 14 + 8 * 5 / 14))


def test_spread_is_the_correlation_of_two_messages_of_a_day() -> None:
    drawn = [day for seed in range(20) for day in days(40, messages=20 + 10 * seed, spread=0.25, seed=seed)]
    baseline = _Baseline([(day["joy"], day.total()) for day in drawn])
    assert baseline.spread == pytest.approx(0.25 / 1.25, abs=0.02)


def test_probability_includes_the_uncertainty_of_the_earlier_share() -> None:
    baseline = _Baseline([(1, 5), (6, 9)])
    of_the_share = (5 * 1.4 + 9 * 1.8) / 14**2
    correlation = 0.1 + of_the_share
    assert baseline.probability(2, 2, spread=0.1) == pytest.approx(0.5 * (0.5 + 0.5 * correlation))


def test_spread_of_a_rare_emotion_is_at_least_that_of_the_others() -> None:
    """A few days with relief say little about how much relief a day may have."""
    relieved = Counter(neutral=45, joy=25, anger=16, relief=14)

    def with_rare_relief(before: list[Counter[str]]) -> list[Counter[str]]:
        return [counts - Counter(relief=100) + Counter(relief=place % 2) for place, counts in enumerate(before)]

    assert find_standouts(week(relieved), with_rare_relief(days(28, spread=0.4))) == []
    calm = find_standouts(week(relieved), with_rare_relief(days(28))) or []
    assert [each.emotion for each in calm] == ["relief"]


def test_few_messages_do_not_stand_out_however_rare_the_emotion() -> None:
    before = [Counter(neutral=100)] * 28
    assert find_standouts(week(Counter(neutral=11, relief=9)), before) == []
    [found] = find_standouts(week(Counter(neutral=10, relief=10)), before) or []
    assert (found.emotion, found.share) == ("relief", 0.5)
    assert found.usual == pytest.approx(0, abs=0.001)


def test_small_difference_does_not_stand_out_however_significant() -> None:
    before = [Counter(neutral=90_000, joy=10_000)] * 28
    assert find_standouts(week(Counter(neutral=86_000, joy=14_000)), before) == []
    assert find_standouts(week(Counter(neutral=84_000, joy=16_000)), before) != []


def test_neutral_and_rarer_than_usual_emotions_do_not_stand_out() -> None:
    assert find_standouts(week(Counter(neutral=100)), days(28)) == []


def test_at_most_three_emotions_are_named_least_probable_first() -> None:
    before = [Counter(neutral=90, joy=2, love=2, anger=2, relief=2, surprise=2)] * 28
    found = find_standouts(
        week(
            Counter(neutral=50, joy=50),
            Counter(neutral=40, joy=60),
            Counter(neutral=30, love=70),
            Counter(neutral=55, anger=45),
            Counter(neutral=60, relief=40),
        ),
        before,
    )
    assert [(each.emotion, (each.day - MONDAY).days) for each in found or []] == [("love", 2), ("joy", 1), ("anger", 3)]


def test_equally_improbable_emotions_are_both_named() -> None:
    before = [Counter(neutral=90, love=2, anger=2)] * 28
    found = find_standouts(week(Counter(neutral=20, love=40, anger=40)), before)
    assert [each.emotion for each in found or []] == ["anger", "love"]


@pytest.mark.parametrize(
    ("before", "this_week"),
    [
        (days(13), days(7)),
        (days(28, messages=19), days(7)),
        (days(28), days(7, messages=19)),
        (days(28), []),
    ],
)
def test_too_few_days_or_messages_give_no_result(before: list[Counter[str]], this_week: list[Counter[str]]) -> None:
    assert find_standouts(week(*this_week), before) is None
    assert find_standouts(week(*days(7, messages=20)), days(14, messages=20)) == [], "which are just enough"


def test_false_alarms_are_rare_with_variable_days() -> None:
    weeks = 200
    alarms = 0
    for seed in range(weeks):
        drawn = days(35, messages=60, spread=0.05, seed=seed)
        alarms += bool(find_standouts(week(*drawn[:7]), drawn[7:]))
    assert alarms <= 6


@pytest.mark.parametrize(
    ("least", "trials", "a", "b", "expected"),
    # As scipy.stats.betabinom.sf(least - 1, trials, a, b) has them.
    [(7, 40, 1.3, 20.5, 0.0713035), (0, 5, 1.0, 1.0, 1.0), (5, 5, 1.0, 1.0, 1 / 6), (1, 10, 0.5, 9.5, 0.3067077)],
)
def test_tail_probability_is_beta_binomial(least: int, trials: int, a: float, b: float, expected: float) -> None:
    assert beta_binomial_tail(least, trials, a, b) == pytest.approx(expected, rel=1e-5)
