import numpy as np
import pytest

from classifiers.study import findings
from classifiers.study.matched import MATCHED
from classifiers.study.networks import GOEMOTIONS, MEMORY


def test_every_network_has_a_title() -> None:
    assert set(findings.TITLES) == {*MEMORY, *GOEMOTIONS}
    assert list(findings.MATCHED_TITLES) == list(MATCHED)
    assert {name for pairs in findings.COMPARISONS.values() for pair in pairs for name in pair} == set(MATCHED)


@pytest.mark.heavy
def test_interval_between_two_networks_is_students_t() -> None:
    from scipy import stats

    rows = {"rnn": [{"macro_f1": x} for x in (0.1, 0.2, 0.4)], "lstm": [{"macro_f1": x} for x in (0.5, 0.7, 0.3)]}
    difference, half = findings.interval(rows, "rnn", "lstm", "macro_f1")
    judge = stats.ttest_ind([0.5, 0.7, 0.3], [0.1, 0.2, 0.4]).confidence_interval(0.95)
    assert (difference - half, difference + half) == pytest.approx((judge.low, judge.high))


def test_third_network_contributes_to_the_pooled_deviation() -> None:
    two = {"rnn": [{"top1": x} for x in (0.1, 0.2, 0.4)], "lstm": [{"top1": x} for x in (0.5, 0.7, 0.3)]}
    difference, half = findings.interval(two, "rnn", "lstm", "top1")
    for third, wider in (((0.3, 0.3, 0.3), False), ((0.0, 0.5, 1.0), True)):
        found = findings.interval({**two, "gru": [{"top1": x} for x in third]}, "rnn", "lstm", "top1")
        assert found[0] == difference
        assert (found[1] > half) is wider


def test_single_seed_has_an_infinite_interval() -> None:
    rows = {"rnn": [{"top1": 0.1}], "lstm": [{"top1": 0.9}]}
    difference, half = findings.interval(rows, "rnn", "lstm", "top1")
    assert difference == pytest.approx(0.8)
    assert half == np.inf
