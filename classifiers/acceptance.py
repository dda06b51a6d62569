"""Compute how probable it is that a reader accepts a label, given that readers confuse some labels with each other.

What one reader calls admiration is joy or approval to another. If a model is torn between such neighbours, each of them
is improbable by itself, although nearly every reader would accept any of them. For a reaction they are one decision,
for which the label that readers accept most probably is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from classifiers.emotions import NEUTRAL
from classifiers.nn.arrays import Array

MIN_SHARE = 0.2
"""Labels that are accepted together in a smaller share of texts count as unrelated."""

_BATCH_SIZE = 256  # texts, since each takes a table (labels, labels)

Neighbours = Mapping[str, Mapping[str, float]]
"""For each label, the other labels that its readers accept, with the share of its texts in which they do."""


def neighbours_in(targets: Array, labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return the neighbours of each label that has any, from the labels that readers accept for the same texts.

    Neutral has none: that no reaction is fine as well says nothing about the emotions.

    Args:
        targets: (texts, labels), above 0 for the labels that a reader accepts.
        labels: the name of each column.
    """
    accepted = np.asarray(targets > 0, dtype=np.float64)
    shares = accepted.T @ accepted / np.maximum(accepted.sum(axis=0), 1)[:, None]
    return {
        label: found
        for label, row in zip(labels, shares.tolist(), strict=True)
        if label != NEUTRAL
        and (
            found := {
                other: round(share, 3)
                for other, share in zip(labels, row, strict=True)
                if other not in (label, NEUTRAL) and share >= MIN_SHARE
            }
        )
    }


def shares_of(neighbours: Neighbours, labels: Sequence[str]) -> Array:
    """Return neighbours as a matrix (labels, labels): how often readers of the row's label accept the column's."""
    return np.array(
        [[1.0 if label == other else neighbours.get(label, {}).get(other, 0.0) for other in labels] for label in labels]
    )


def acceptance(scores: Array, shares: Array) -> Array:
    """Return the probability that a reader accepts each label (texts, labels).

    A reader accepts a label because it is meant, or because a neighbour is meant and the reader accepts both:
    1 - Π over meant labels of (1 - score · share), a noisy-or (Pearl, "Probabilistic Reasoning in Intelligent Systems",
    1988).

    Args:
        scores: (texts, labels) a calibrated probability for each label.
        shares: (labels, labels) from `shares_of`.
    """
    pieces = [scores[start : start + _BATCH_SIZE] for start in range(0, len(scores), _BATCH_SIZE)]
    return 1 - np.concatenate([np.prod(1 - piece[:, :, None] * shares, axis=1) for piece in pieces])
