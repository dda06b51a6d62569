"""Augment texts: make new ones from parts and words of the training texts, for teachers to label."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.training.recipes import CROPPED, OMITTED, REPLACED, SPLICED, UNIFORM


def augment(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return an augmented text for each text: cropped, spliced with another, or with words replaced or left out.

    They need not make sense, since the teachers provide their targets; see Tang and others, "Distilling Task-Specific
    Knowledge from BERT into Simple Neural Networks" (2019), on data augmentation.
    """
    rows = [text.split() for text in texts]
    words = [word for row in rows for word in row]
    distinct = sorted(set(words))
    return [" ".join(_augment_text(row, rows, words, distinct, rng)) for row in rows]


def _augment_text(
    row: list[str], rows: list[list[str]], words: list[str], distinct: list[str], rng: np.random.Generator
) -> list[str]:
    kind = rng.random()
    if kind < SPLICED:
        other = rows[rng.integers(len(rows))]
        return row[: rng.integers(1, len(row) + 1)] + other[rng.integers(len(other)) :]
    if kind < SPLICED + CROPPED and len(row) > 3:
        start = rng.integers(len(row) - 1)
        row = row[start : rng.integers(start + 2, len(row) + 1)]
    pool = distinct if rng.random() < UNIFORM else words
    replaced = [pool[rng.integers(len(pool))] if rng.random() < REPLACED else word for word in row]
    return [word for word in replaced if rng.random() >= OMITTED] or row
