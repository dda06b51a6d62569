from __future__ import annotations

from itertools import chain

import pytest

from classifiers.emotions import EKMAN, EMOJI, LABELS, NEUTRAL, SENTIMENT


def test_the_labels_are_the_27_emotions_in_order_and_neutral() -> None:
    assert (*sorted(EMOJI), NEUTRAL) == LABELS
    assert len(LABELS) == 28


@pytest.mark.parametrize("groups", [EKMAN, SENTIMENT], ids=["Ekman", "sentiment"])
def test_each_emotion_is_in_exactly_one_group(groups: dict[str, tuple[str, ...]]) -> None:
    assert sorted(chain.from_iterable(groups.values())) == sorted(EMOJI)


def test_each_of_ekmans_emotions_leads_a_group_that_it_belongs_to() -> None:
    assert list(EKMAN) == ["joy", "surprise", "sadness", "anger", "fear", "disgust"]
    assert all(name in members for name, members in EKMAN.items())


def test_the_groups_are_of_the_published_sizes() -> None:
    assert {name: len(members) for name, members in EKMAN.items()} == {
        "joy": 12,
        "surprise": 4,
        "sadness": 5,
        "anger": 3,
        "fear": 2,
        "disgust": 1,
    }
    assert {name: len(members) for name, members in SENTIMENT.items()} == {
        "positive": 12,
        "ambiguous": 4,
        "negative": 11,
    }
