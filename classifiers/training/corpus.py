"""Provide the training texts of a run, and the vocabulary of its networks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.text import Tokenizer
from classifiers.training.augmentation import augment
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.recipes import MAX_TOKENS, MAX_WORDS, MIN_COUNT

_TEACHER_SEED, _ASSISTANT_SEED = 0, 1
_SHIPPED = ("goemotions", "chat", "people")


def shipped_dataset() -> Dataset:
    """Return the shipped recipe's data set: GoEmotions, its training texts followed by those of chat and people."""
    parts = [load_dataset(name) for name in _SHIPPED]
    train = Split(
        tuple(text for part in parts for text in part.train.texts),
        np.concatenate([part.train.targets for part in parts]),
    )
    return replace(
        parts[0],
        name="+".join(part.name for part in parts),
        train=train,
        sha256="+".join(part.sha256 for part in parts),
    )


def text_sources() -> list[str]:
    """Return the name of the data set that each training text of `shipped_dataset` is from."""
    return [name for name in _SHIPPED for _ in load_dataset(name).train.texts]


def fit_tokenizer(dataset: Dataset) -> Tokenizer:
    """Return a tokenizer with the vocabulary of the training texts."""
    return Tokenizer.fit(dataset.train.texts, MAX_WORDS, MIN_COUNT, MAX_TOKENS)


def encode(split: Split, tokenizer: Tokenizer) -> Examples:
    """Return the texts of a split as token numbers, with its targets."""
    return Examples([tokenizer.encode(text) for text in split.texts], split.targets)


def texts_for_teachers(texts: Sequence[str], unlabelled: Sequence[str], augmentations: int) -> list[str]:
    """Return the texts for teachers to label: all of these, and `augmentations` augmented ones for each of `texts`."""
    rng = np.random.default_rng(_TEACHER_SEED)
    return [*texts, *unlabelled, *(augmented for _ in range(augmentations) for augmented in augment(texts, rng))]


def rows_without_people(train: int, people: int, unlabelled: int, augmentations: int) -> Array:
    """Return the indices of those texts in `texts_for_teachers` that come from GoEmotions or chat, augmented or not.

    Args:
        train: the number of training texts in the data set, with people's messages last.
        people: how many of them are people's messages.
        unlabelled: how many texts without labels follow.
        augmentations: how many augmented texts each training text has.
    """
    starts = [0, *(unlabelled + train * number for number in range(1, augmentations + 1))]
    return np.concatenate([start + np.arange(train - people) for start in starts])


def repeated(examples: Examples, rows: Array, times: int) -> Examples:
    """Return the examples, with those in some rows (n,) repeated `times` times."""
    order = np.concatenate([np.arange(len(examples)), *[rows] * (times - 1)])
    return Examples([examples.sequences[row] for row in order], examples.targets[order])


def texts_for_assistant(texts: Sequence[str], augmentations: int) -> Iterator[list[str]]:
    """Yield `augmentations` lists with an augmented text for each text; they are not those that the teachers label."""
    rng = np.random.default_rng(_ASSISTANT_SEED)
    for _ in range(augmentations):
        yield augment(texts, rng)
