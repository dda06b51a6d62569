from collections import Counter

import numpy as np
import pytest

from classifiers.nn.batching import Examples
from classifiers.text import tokenize
from classifiers.training.corpus import (
    fit_tokenizer,
    repeated,
    rows_without_people,
    shipped_dataset,
    text_sources,
    texts_for_assistant,
    texts_for_teachers,
)
from classifiers.training.datasets import load_dataset
from classifiers.training.recipes import MAX_TOKENS

TEXTS = ("one two three four five", "six seven eight nine ten")


@pytest.mark.usefixtures("small_goemotions")
def test_shipped_dataset_is_goemotions_with_the_training_parts_of_chat_and_people() -> None:
    shipped = shipped_dataset()
    goemotions, chat, people = (load_dataset(name) for name in ("goemotions", "chat", "people"))
    assert shipped.name == "goemotions+chat+people"
    assert shipped.train.texts == goemotions.train.texts + chat.train.texts + people.train.texts
    assert len(shipped.train.targets) == len(shipped.train)
    assert (shipped.dev.texts, shipped.test.texts) == (goemotions.dev.texts, goemotions.test.texts)
    assert shipped.sha256 == f"{goemotions.sha256}+{chat.sha256}+{people.sha256}"


@pytest.mark.usefixtures("small_goemotions")
def test_text_sources_name_the_data_set_of_each_training_text() -> None:
    texts = {name: load_dataset(name).train.texts for name in ("goemotions", "chat", "people")}
    for source, text in zip(text_sources(), shipped_dataset().train.texts, strict=True):
        assert text in texts[source]


def test_texts_for_teachers_are_all_texts_and_augmented_ones_of_those_with_labels() -> None:
    texts = texts_for_teachers(TEXTS, ["lol", "gg"], 3)
    assert tuple(texts[:4]) == (*TEXTS, "lol", "gg")
    assert len(texts) == 10
    assert {"lol", "gg"}.isdisjoint(" ".join(texts[4:]).split())
    assert texts == texts_for_teachers(TEXTS, ["lol", "gg"], 3)


def test_rows_without_people_exclude_their_texts_and_augmentations() -> None:
    """There are three training texts, the last one of a person, two without labels, and two augmentations of each."""
    assert rows_without_people(3, 1, 2, 2).tolist() == [0, 1, 5, 6, 8, 9]


def test_repeated_rows_keep_their_targets() -> None:
    examples = Examples([[1], [2, 2], [3]], np.array([[0.1], [0.2], [0.3]]))
    assert repeated(examples, np.array([0, 2]), 1).sequences == [[1], [2, 2], [3]]
    thrice = repeated(examples, np.array([0, 2]), 3)
    assert thrice.sequences == [[1], [2, 2], [3], [1], [3], [1], [3]]
    assert thrice.targets.tolist() == [[0.1], [0.2], [0.3], [0.1], [0.3], [0.1], [0.3]]


def test_texts_for_the_assistant_differ_from_those_for_the_teachers() -> None:
    many = TEXTS * 50
    [first, second] = texts_for_assistant(many, 2)
    assert len(first) == len(second) == 100
    assert first != second
    assert first != texts_for_teachers(many, [], 1)[100:]


def test_vocabulary_is_the_tokens_that_occur_more_than_once_in_train() -> None:
    dataset = load_dataset("builtin")
    counts = Counter(token for text in dataset.train.texts for token in tokenize(text))
    tokenizer = fit_tokenizer(dataset)
    assert set(tokenizer.words) == {token for token, count in counts.items() if count > 1}
    assert tokenizer.max_tokens == MAX_TOKENS
