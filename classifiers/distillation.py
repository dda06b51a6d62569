"""What a network learns from its teacher: softened targets and a start for its word vectors."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors.numpy import load_file, save_file

from classifiers.layers import Array, sigmoid

TRUST = 0.7
"""The share of a target that is the teacher's; the rest is the label that people gave."""

SPREAD = 0.3
"""Standard deviation of the elements of the reduced word vectors."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a teacher has to say, kept so that the next network need not wait for it again.

    Attributes:
        logits: (rows, labels) for the training texts.
        vectors: (words, features), one for each word of the vocabulary.
    """

    logits: Array
    vectors: Array

    def save(self, path: Path) -> None:
        """Write it; a kill half-way leaves nothing under this name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        save_file({"logits": self.logits, "vectors": self.vectors}, partial)
        partial.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote."""
        return cls(**load_file(path))


def soften(targets: Array, teacher_logits: Array) -> Array:
    """Targets (rows, labels) drawn towards the probabilities of a teacher with these logits (rows, labels).

    Hinton and others, "Distilling the Knowledge in a Neural Network" (2015), section 2, at temperature 1 and with
    the two losses joined into one: cross-entropy is linear in its targets.
    """
    return ((1 - TRUST) * targets + TRUST * sigmoid(teacher_logits)).astype(np.float32)


def reduce(vectors: Array, size: int) -> Array:
    """The `size` principal components of word vectors (words, features), scaled to a deviation of `SPREAD`."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    reduced: Array = centred @ directions[:size].T
    return np.asarray(reduced * (SPREAD / reduced.std()), dtype=np.float32)
