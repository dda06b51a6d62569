from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from classifiers.training.datasets import Dataset, load_dataset
from classifiers.training.origin import Origin

SEQUENCES = [[2, 3], [4]]


@pytest.fixture
def dataset() -> Dataset:
    return load_dataset("builtin")


def test_the_same_data_have_the_same_origin(dataset: Dataset) -> None:
    first, again = (Origin.of(each, SEQUENCES, "numpy") for each in (dataset, load_dataset("builtin")))
    assert again.differences(first) == []


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_origin_changes_with_texts_or_labels_of_any_split(dataset: Dataset, part: str) -> None:
    origin = Origin.of(dataset, SEQUENCES, "numpy")
    split = getattr(dataset, part)
    relabelled = np.vstack([1 - split.targets[:1], split.targets[1:]])
    for other in (replace(split, targets=relabelled), replace(split, texts=("new", *split.texts[1:]))):
        [difference] = Origin.of(replace(dataset, **{part: other}), SEQUENCES, "numpy").differences(origin)
        assert difference.startswith("other data")


def test_origin_changes_with_the_names_of_labels(dataset: Dataset) -> None:
    origin = Origin.of(dataset, SEQUENCES, "numpy")
    assert Origin.of(replace(dataset, labels=("joy", "grief")), SEQUENCES, "numpy").differences(origin)


@pytest.mark.parametrize("sequences", [[[2], [3, 4]], [[2, 3], [5]], [[2, 3, 4]]])
def test_origin_changes_with_the_tokenizer(dataset: Dataset, sequences: list[list[int]]) -> None:
    origin = Origin.of(dataset, SEQUENCES, "numpy")
    assert Origin.of(dataset, sequences, "numpy").differences(origin) == ["another vocabulary"]
