"""The texts that a run trains on, and the vocabulary with which its networks read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from classifiers.nn.batching import Examples
from classifiers.text import Tokenizer
from classifiers.training.augmentation import augment
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.recipes import MAX_TOKENS, MAX_WORDS, MIN_COUNT

_TEACHER_SEED, _ASSISTANT_SEED = 0, 1


def shipped_dataset() -> Dataset:
    """Return the data set of the shipped recipe: GoEmotions, its training texts followed by those of chat."""
    goemotions, chat = load_dataset("goemotions"), load_dataset("chat")
    train = Split(
        goemotions.train.texts + chat.train.texts, np.concatenate([goemotions.train.targets, chat.train.targets])
    )
    return replace(goemotions, name="goemotions+chat", train=train, sha256=f"{goemotions.sha256}+{chat.sha256}")


def fit_tokenizer(dataset: Dataset) -> Tokenizer:
    """Return a tokenizer with the vocabulary of the training texts."""
    return Tokenizer.fit(dataset.train.texts, MAX_WORDS, MIN_COUNT, MAX_TOKENS)


def encode(split: Split, tokenizer: Tokenizer) -> Examples:
    """Return the texts of a split as token numbers, with its targets."""
    return Examples([tokenizer.encode(text) for text in split.texts], split.targets)


def texts_for_teachers(texts: Sequence[str], augmentations: int) -> list[str]:
    """Return the texts that the teachers label: the training texts, and `augmentations` augmented ones for each."""
    rng = np.random.default_rng(_TEACHER_SEED)
    return [*texts, *(augmented for _ in range(augmentations) for augmented in augment(texts, rng))]


def texts_for_assistant(texts: Sequence[str], augmentations: int) -> Iterator[list[str]]:
    """Yield `augmentations` times an augmented text for each training text, other ones than the teachers label."""
    rng = np.random.default_rng(_ASSISTANT_SEED)
    for _ in range(augmentations):
        yield augment(texts, rng)
