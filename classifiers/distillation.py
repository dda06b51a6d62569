"""What a network learns from its teacher: softened targets and a start for its word vectors."""

from __future__ import annotations

import numpy as np

from classifiers.layers import Array, sigmoid

TRUST = 0.7
"""The share of a target that is the teacher's; the rest is the label that people gave."""

SPREAD = 0.3
"""Standard deviation of the elements of the reduced word vectors."""


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
