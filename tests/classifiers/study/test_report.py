import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.study import report
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.settings import FULL, as_json

ARTICLE = Path(__file__).parents[3] / "docs" / "study.md"


def test_every_row_has_a_title() -> None:
    assert set(report.TITLES) == {*MEMORY, *GOEMOTIONS}


def test_the_article_says_what_the_numbers_say() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    numbers = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["settings"] == as_json(FULL)
    assert report.rewritten(text, report.sections(numbers, "study")) == text
    images = re.findall(r"^!\[.*\]\(study/.*\)\n\n(.*)$", text, re.MULTILINE)
    assert len(images) == 3
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
    assert len(colours) == 9 * 5 * 5
    assert [label.get_text() for label in axes.get_yticklabels()] == [report.TITLES[name] for name in MEMORY]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "5", "10", "20", "40"]
    for line, name in enumerate(MEMORY):
        own = colours[(places == [3, line]).all(axis=1)]
        assert sorted(own) == sorted(run["accuracy"]["20"] for run in numbers["memory"][name])
    assert axes.get_title(loc="left") == "Each dot is one seed"
    assert [label.get_text() for label in bar.get_yticklabels()] == ["chance", "half right", "all right"]


def test_the_axis_of_the_gradients_is_spent_on_the_medians(numbers: dict[str, Any]) -> None:
    """A few seeds whose gradient has gone altogether do not squeeze the lines together."""
    panel = report.draw_gradients(numbers["memory"], numbers["shown"]).axes[0]
    lowest = min(
        np.median(report.norms(runs, moment), axis=0).min()
        for runs in numbers["memory"].values()
        for moment in ("start", "end")
    )
    assert lowest / 10 < panel.get_ylim()[0] < lowest
