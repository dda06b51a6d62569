import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from classifiers.study import report
from classifiers.study.curves import CURVES
from classifiers.study.matched import MATCHED
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.runs import EXPERIMENTS
from classifiers.study.settings import FULL, as_json

LONGER = "80\n(2,000 updates)"

ARTICLE = Path(__file__).parents[3] / "docs" / "study.md"


def test_every_row_has_a_title() -> None:
    assert set(report.TITLES) == {*MEMORY, *GOEMOTIONS}
    assert list(report.MATCHED_TITLES) == list(MATCHED)
    assert {name for pairs in report.COMPARISONS.values() for pair in pairs for name in pair} == set(MATCHED)


def test_the_article_says_what_the_numbers_say() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    numbers = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["settings"] == {part: as_json(experiment.full) for part, experiment in EXPERIMENTS.items()}
    for part, experiment in EXPERIMENTS.items():
        assert {len(runs) for runs in numbers[part].values()} == {experiment.seeds}
    assert report.rewritten(text, report.sections(numbers, "study")) == text
    images = re.findall(r"^!\[.*\]\(study/.*\)\n\n(.*)$", text, re.MULTILINE)
    assert len(images) == 5
    assert all(line.startswith("**How to read this:** ") for line in images)


@pytest.fixture
def numbers() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    return found


def test_the_figure_of_the_memory_has_a_dot_for_each_seed(numbers: dict[str, Any]) -> None:
    axes, bar = report.draw_memory(numbers).axes
    [dots] = axes.collections
    places = np.rint(np.asarray(dots.get_offsets())).astype(int)
    colours = np.asarray(dots.get_array())
    assert len(colours) == len(MEMORY) * (3 * 5 + 3)
    assert [label.get_text() for label in axes.get_yticklabels()] == [report.TITLES[name] for name in MEMORY]
    assert [label.get_text() for label in axes.get_xticklabels()] == [*("up to 10", "20", "40"), LONGER]
    for line, name in enumerate(MEMORY):
        own = colours[(places == [1, line]).all(axis=1)]
        assert sorted(own) == sorted(run["accuracy"]["20"] for run in numbers["memory"][name])
        own = colours[(places == [3, line]).all(axis=1)]
        assert sorted(own) == sorted(run["accuracy"]["2000"] for run in numbers["long"][name])
    assert axes.get_title(loc="left") == "Each dot is one seed"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["chance", "half right", "all right"]


def test_a_distance_that_one_seed_failed_has_a_column_of_its_own(numbers: dict[str, Any]) -> None:
    numbers["memory"]["gru"][2]["accuracy"]["5"] = 0.5
    axes, _ = report.draw_memory(numbers).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [*("2", "5", "10", "20", "40"), LONGER]
    numbers["memory"]["gru"][2]["accuracy"] = {"2": 0.95, "5": 0.92, "10": 0.93, "20": 1.0, "40": 1.0}
    dots = report.draw_memory(numbers).axes[0].collections[0]
    assert 0.92 in np.asarray(dots.get_array())  # its worst
    assert 0.93 not in np.asarray(dots.get_array())


def test_the_axis_of_the_gradients_is_spent_on_the_medians(numbers: dict[str, Any]) -> None:
    """A few seeds whose gradient has gone altogether do not squeeze the lines together."""
    panel = report.draw_gradients(numbers["memory"], FULL.shown).axes[0]
    lowest = min(
        np.median(report.norms(runs, moment), axis=0).min()
        for runs in numbers["memory"].values()
        for moment in ("start", "end")
    )
    assert lowest / 10 < panel.get_ylim()[0] < lowest


def test_of_two_rows_the_interval_is_students() -> None:
    rows = {"rnn": [{"macro_f1": x} for x in (0.1, 0.2, 0.4)], "lstm": [{"macro_f1": x} for x in (0.5, 0.7, 0.3)]}
    difference, half = report.interval(rows, "rnn", "lstm", "macro_f1")
    judge = stats.ttest_ind([0.5, 0.7, 0.3], [0.1, 0.2, 0.4]).confidence_interval(0.95)
    assert (difference - half, difference + half) == pytest.approx((judge.low, judge.high))


def test_a_third_row_says_how_much_seeds_differ() -> None:
    two = {"rnn": [{"top1": x} for x in (0.1, 0.2, 0.4)], "lstm": [{"top1": x} for x in (0.5, 0.7, 0.3)]}
    difference, half = report.interval(two, "rnn", "lstm", "top1")
    for third, wider in (((0.3, 0.3, 0.3), False), ((0.0, 0.5, 1.0), True)):
        found = report.interval({**two, "gru": [{"top1": x} for x in third]}, "rnn", "lstm", "top1")
        assert found[0] == difference
        assert (found[1] > half) is wider


def test_one_seed_tells_nothing_apart() -> None:
    rows = {"rnn": [{"top1": 0.1}], "lstm": [{"top1": 0.9}]}
    difference, half = report.interval(rows, "rnn", "lstm", "top1")
    assert difference == pytest.approx(0.8)
    assert half == np.inf


@pytest.mark.parametrize(
    ("accuracy", "since"), [([1, 0.5, 1, 1], 3), ([1, 1], 1), ([0.5, 1, 0.9], None), ([0.5], None), ([0.5, 1], 2)]
)
def test_since_when_all_phrases_have_been_right(accuracy: list[float], since: int | None) -> None:
    assert report._right_since(accuracy) == since


def test_the_figure_of_the_matched_networks_has_a_dot_for_each_seed(numbers: dict[str, Any]) -> None:
    left, right = report.draw_matched(numbers["matched"]).axes
    assert [label.get_text() for label in left.get_yticklabels()] == list(report.MATCHED_TITLES.values())
    for axes, key in ((left, "macro_f1"), (right, "emotional")):
        dots, ticks = axes.lines[::2], axes.lines[1::2]
        for runs, seeds, mean in zip(numbers["matched"].values(), dots, ticks, strict=True):
            found = [run[key] for run in runs]
            assert np.asarray(seeds.get_xdata()).tolist() == found
            assert np.asarray(mean.get_xdata()) == pytest.approx([np.mean(found)])


def test_the_figure_of_the_curves_shows_what_is_known_of_the_original_study(numbers: dict[str, Any]) -> None:
    panels = report.draw_curves(numbers["curves"]).axes
    assert [axes.get_title() for axes in panels] == ["RNN", "BiLSTM"]
    shown = [line for axes in panels for line in axes.lines]
    lines = {line.get_label(): line for line in shown}
    assert set(lines) == {"ours, 500 epochs", "ours, 10 epochs", "ours, 40 epochs", "original study"}
    crosses = [np.asarray(line.get_xydata()).tolist() for line in shown if line.get_marker() == "x"]
    assert crosses == [[[410, 1.0]], [[10, 0.8]]]
    for name, curve in CURVES.items():
        median = np.median([run["accuracy"] for run in numbers["curves"][name]], axis=0)
        assert np.asarray(lines[f"ours, {curve.epochs} epochs"].get_ydata()).tolist() == median.tolist()
