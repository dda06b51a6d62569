"""Identify the data and the framework of a training run, so that it is only resumed with the same."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Self

import numpy as np

from classifiers.training.datasets import Dataset

_OTHER = {
    "data": "other data (the file, its columns or its split)",
    "tokens": "another vocabulary",
    "framework": "another framework",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """The data and the framework with which a network is trained.

    Attributes:
        data: SHA-256 of the labels and of every split's texts and targets.
        tokens: SHA-256 of the training texts as token numbers, which depend on the tokenizer and its vocabulary.
        framework: the framework that computes the gradients.
    """

    data: str
    tokens: str
    framework: str

    @classmethod
    def of(cls, dataset: Dataset, sequences: Sequence[Sequence[int]], framework: str) -> Self:
        """Return the origin of a training run on `dataset`, whose training texts are `sequences` of token numbers."""
        data = hashlib.sha256(repr(dataset.labels).encode())
        for split in (dataset.train, dataset.dev, dataset.test):
            data.update(repr(split.texts).encode())
            data.update(split.targets.tobytes())
        lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
        numbers = np.fromiter(chain.from_iterable(sequences), dtype=np.int64)
        tokens = hashlib.sha256(lengths.tobytes() + numbers.tobytes())
        return cls(data.hexdigest(), tokens.hexdigest(), framework)

    def differences(self, earlier: Origin) -> list[str]:
        """Return in words what was different in the origin of an earlier training run; empty if they are the same."""
        return [name for key, name in _OTHER.items() if getattr(earlier, key) != getattr(self, key)]
