from __future__ import annotations

import contextlib
from typing import Any

import numpy as np
import pytest

from classifiers.training.label_cells import parse_labels, split_joined_label


@pytest.mark.parametrize(
    "cell",
    [
        "joy,love",
        " joy , love ",
        "joy;love",
        "joy| love",
        "joy,love;joy",
        "['joy', 'love']",
        '["joy", "love"]',
        "[ 'joy','love', ]",
        "('joy', 'love')",
        "{'joy', 'love'}",
        str(np.array(["joy", "love"])),
        "['joy'\n 'love']",
        "[joy, love]",
        ["joy", "love"],
        ["joy", " love ", "joy"],
    ],
)
def test_several_labels_are_read_in_any_usual_notation(cell: Any) -> None:
    assert parse_labels(cell) == ("joy", "love")


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("joy", ("joy",)),
        ("['joy']", ("joy",)),
        ("passive aggressiveness", ("passive aggressiveness",)),
        ("so-so/meh", ("so-so/meh",)),
        ("joy (mild)", ("joy (mild)",)),
        ("don't care", ("don't care",)),
        ('["don\'t care", "joy"]', ("don't care", "joy")),
        ("👩‍👧", ("👩‍👧",)),
        (3, ("3",)),
        ([0, 3], ("0", "3")),
        ("[0 3]", ("0", "3")),
        ("[0, 3]", ("0", "3")),
        ("3", ("3",)),
        ("w" * 100, ("w" * 100,)),
    ],
)
def test_cell_is_one_label_or_label_numbers(cell: Any, labels: tuple[str, ...]) -> None:
    assert parse_labels(cell) == labels


@pytest.mark.parametrize("cell", ["['joy'{}x]", "['joy',{}'love'", "['joy'{}", "[1{}x]", "joy{}"])
def test_million_spaces_are_split_without_backtracking(cell: str) -> None:
    """Trying every possible split would take days."""
    with contextlib.suppress(ValueError):
        assert parse_labels(cell.format(" " * 1_000_000))


@pytest.mark.parametrize(
    ("cell", "fault"),
    [
        ("", "a label is empty: give one name, or several joined by commas"),
        ("joy,,love", "a label is empty"),
        ("[]", "a label is empty"),
        ([], "a label is empty"),
        ("['joy', '']", "a label is empty"),
        ("['joy'", r'the label "\[\'joy\'" cannot be read: give names joined by commas, without brackets'),
        ("['joy''love']", "cannot be read"),
        ("{'joy': 1}", "cannot be read"),
        ("joy\nlove", "cannot be read"),
        ("joy\ud800", "cannot be read"),
        ("\u202ejoy", r"the label '\\u202ejoy' cannot be read"),
        ("joy\u2066", "cannot be read"),
        ("w" * 101, "has 101 characters: is this the column of the label\\? --label-column names another"),
        (True, "not true or false"),
        (None, "not null"),
        (1.5, "not a number"),
        (["joy", None], "not a list of other things"),
        ([["joy"]], "not a list of other things"),
        ({"joy": 1}, "not an object"),
    ],
)
def test_unreadable_cells_are_refused_with_the_reason(cell: Any, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        parse_labels(cell)


def test_split_joined_label_finds_known_labels_within_a_label() -> None:
    known = {"joy", "love", "mixed", "joy/love", "love and joy"}
    assert split_joined_label("joy/love", known) == ["joy", "love"]
    assert split_joined_label("love and joy", known) == ["love", "joy"]
    assert split_joined_label("mixed feelings", known) == []
    assert split_joined_label("joy", known) == []
