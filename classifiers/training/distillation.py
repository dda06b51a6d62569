"""What a network learns from its teachers: their certainties, on texts nobody wrote too, and a start for its vectors.

Hinton and others, "Distilling the Knowledge in a Neural Network" (2015), section 2: the targets are the teachers'
probabilities alone, since the labels that people gave are in them already.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from classifiers.nn.layers import Array, sigmoid

SPREAD = 0.3
"""Standard deviation of the elements of the reduced word vectors."""

CROPPED, SPLICED = 0.35, 0.25
"""The shares of stirred texts that are part of a text, and that are made of two."""

SWAPPED, DROPPED = 0.12, 0.08
"""The shares of a stirred text's words that give way to another word, and to nothing."""

RARE = 0.5
"""The share of texts into which every word is as likely to come as any other; into the rest, as it is in use."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What a teacher has to say, kept so that the next network need not wait for it again.

    Attributes:
        logits: (rows, labels) for the training texts and, behind them, for the stirred ones.
        vectors: (words, features), one for each word of the vocabulary.
    """

    logits: Array
    vectors: Array

    def save(self, path: Path) -> None:
        """Write it; a kill half-way leaves nothing under this name."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(save({"logits": self.logits, "vectors": self.vectors}))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, texts: int, labels: int, words: int) -> Self | None:
        """Read what `save` wrote for so many texts, labels and words.

        Returns:
            None where there is no file, or one that is damaged or of other numbers: the teacher must be asked then.
        """
        try:
            arrays = load(path.read_bytes())
            lesson = cls(arrays["logits"], arrays["vectors"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None
        fits = lesson.logits.shape == (texts, labels) and lesson.vectors.shape[:-1] == (words,)
        return lesson if fits and all(np.isfinite(array).all() for array in arrays.values()) else None

    @classmethod
    def joined(cls, lessons: Sequence[Self]) -> Self:
        """What several teachers say together: the mean of their probabilities, and their vectors side by side.

        Hinton and others (2015), section 4, on distilling an ensemble.
        """
        probability = np.mean([sigmoid(lesson.logits.astype(np.float64)) for lesson in lessons], axis=0)
        logits = np.log(probability) - np.log1p(-probability)
        return cls(logits.astype(np.float32), np.concatenate([lesson.vectors for lesson in lessons], axis=1))


def soften(probabilities: Array, temperature: float) -> Array:
    """Probabilities, of any shape, whose logits are divided by `temperature`: σ(σ⁻¹(p) / T).

    Hinton and others (2015), section 2: above 1, a network learns more of how unlikely its teachers find each of the
    labels that they do not hear. What it answers then is as soft, which calibration undoes.
    """
    yes, no = probabilities ** (1 / temperature), (1 - probabilities) ** (1 / temperature)
    softened: Array = yes / (yes + no)
    return softened


def stir(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """A new text from each text: cut short, spliced with another, or with some of its words swapped or dropped.

    Whether it makes sense matters little, since it is the teacher that says what is to be heard in it; Tang and
    others, "Distilling Task-Specific Knowledge from BERT into Simple Neural Networks" (2019), section 3.2.
    """
    rows = [text.split() for text in texts]
    words = [word for row in rows for word in row]
    rare = sorted(set(words))
    return [" ".join(_stirred(row, rows, words, rare, rng)) for row in rows]


def _stirred(
    row: list[str], rows: list[list[str]], words: list[str], rare: list[str], rng: np.random.Generator
) -> list[str]:
    kind = rng.random()
    if kind < SPLICED:
        other = rows[rng.integers(len(rows))]
        return row[: rng.integers(1, len(row) + 1)] + other[rng.integers(len(other)) :]
    if kind < SPLICED + CROPPED and len(row) > 3:
        start = rng.integers(len(row) - 1)
        row = row[start : rng.integers(start + 2, len(row) + 1)]
    pool = rare if rng.random() < RARE else words
    swapped = [pool[rng.integers(len(pool))] if rng.random() < SWAPPED else word for word in row]
    return [word for word in swapped if rng.random() >= DROPPED] or row


def reduce(vectors: Array, size: int) -> Array:
    """The `size` principal components of word vectors (words, features), scaled to a deviation of `SPREAD`."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    reduced: Array = centred @ directions[:size].T
    return np.asarray(reduced * (SPREAD / reduced.std()), dtype=np.float32)
