from typing import Any

import numpy as np
import pytest

from classifiers.study import figures, findings
from classifiers.study.curves import CURVES
from classifiers.study.networks import MEMORY
from classifiers.study.settings import FULL

LONGER = "80\n(2,000 updates)"


def test_memory_figure_has_a_dot_for_each_seed(numbers: dict[str, Any]) -> None:
    axes, bar = figures.draw_memory(numbers).axes
    [dots] = axes.collections
    places = np.rint(np.asarray(dots.get_offsets())).astype(int)
    colours = np.asarray(dots.get_array())
    assert len(colours) == len(MEMORY) * (3 * 5 + 3)
    assert [label.get_text() for label in axes.get_yticklabels()] == [findings.TITLES[name] for name in MEMORY]
    assert [label.get_text() for label in axes.get_xticklabels()] == [*("up to 10", "20", "40"), LONGER]
    for line, name in enumerate(MEMORY):
        own = colours[(places == [1, line]).all(axis=1)]
        assert sorted(own) == sorted(run["accuracy"]["20"] for run in numbers["memory"][name])
        own = colours[(places == [3, line]).all(axis=1)]
        assert sorted(own) == sorted(run["accuracy"]["2000"] for run in numbers["long"][name])
    assert axes.get_title(loc="left") == "Each dot is one seed"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["chance", "half right", "all right"]


def test_distance_that_a_seed_failed_gets_its_own_column(numbers: dict[str, Any]) -> None:
    numbers["memory"]["gru"][2]["accuracy"]["5"] = 0.5
    axes, _ = figures.draw_memory(numbers).axes
    assert [label.get_text() for label in axes.get_xticklabels()] == [*("2", "5", "10", "20", "40"), LONGER]
    numbers["memory"]["gru"][2]["accuracy"] = {"2": 0.95, "5": 0.92, "10": 0.93, "20": 1.0, "40": 1.0}
    dots = figures.draw_memory(numbers).axes[0].collections[0]
    assert 0.92 in np.asarray(dots.get_array())  # its lowest accuracy
    assert 0.93 not in np.asarray(dots.get_array())


def test_gradient_axis_covers_the_medians_not_every_seed(numbers: dict[str, Any]) -> None:
    """A few seeds with a vanished gradient do not compress the other lines."""
    panel = figures.draw_gradients(numbers["memory"], FULL.shown).axes[0]
    lowest = min(
        np.median(findings.norms(runs, moment), axis=0).min()
        for runs in numbers["memory"].values()
        for moment in ("start", "end")
    )
    assert lowest / 10 < panel.get_ylim()[0] < lowest


def test_matched_figure_has_a_dot_for_each_seed(numbers: dict[str, Any]) -> None:
    left, right = figures.draw_matched(numbers["matched"]).axes
    assert [label.get_text() for label in left.get_yticklabels()] == list(findings.MATCHED_TITLES.values())
    for axes, key in ((left, "macro_f1"), (right, "emotional")):
        dots, ticks = axes.lines[::2], axes.lines[1::2]
        for runs, seeds, mean in zip(numbers["matched"].values(), dots, ticks, strict=True):
            found = [run[key] for run in runs]
            assert np.asarray(seeds.get_xdata()).tolist() == found
            assert np.asarray(mean.get_xdata()) == pytest.approx([np.mean(found)])


def test_curves_figure_marks_the_known_points_of_the_original_study(numbers: dict[str, Any]) -> None:
    panels = figures.draw_curves(numbers["curves"]).axes
    assert [axes.get_title() for axes in panels] == ["RNN", "BiLSTM"]
    shown = [line for axes in panels for line in axes.lines]
    lines = {line.get_label(): line for line in shown}
    assert set(lines) == {"ours, 500 epochs", "ours, 10 epochs", "ours, 40 epochs", "original study"}
    crosses = [np.asarray(line.get_xydata()).tolist() for line in shown if line.get_marker() == "x"]
    assert crosses == [[[410, 1.0]], [[10, 0.8]]]
    for name, curve in CURVES.items():
        median = np.median([run["accuracy"] for run in numbers["curves"][name]], axis=0)
        assert np.asarray(lines[f"ours, {curve.epochs} epochs"].get_ydata()).tolist() == median.tolist()
