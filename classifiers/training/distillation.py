"""Knowledge distillation: teacher outputs, temperature, text augmentation, and word vectors reduced by PCA.

Hinton and others, "Distilling the Knowledge in a Neural Network" (2015), section 2: the targets are the teachers'
probabilities alone, since the teachers were trained on the labels that people gave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array

VECTOR_DEVIATION = 0.3
"""Standard deviation of the elements of the word vectors that `pca` returns."""

CROPPED, SPLICED = 0.35, 0.25
"""The shares of augmented texts that are a part of a text, and that are spliced from two texts."""

SWAPPED, DROPPED = 0.12, 0.08
"""The shares of an augmented text's words that are replaced by another word, and that are left out."""

UNIFORM = 0.5
"""The share of texts whose replacements are drawn evenly from all different words, so that rare words occur as well.

In the other texts they are drawn as often as the words occur.
"""


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """The outputs of one teacher or of several, cached on disk since they take hours to compute.

    Attributes:
        logits: (rows, labels) for the training texts, followed by the augmented ones.
        vectors: (words, features), one for each word of the vocabulary.
    """

    logits: Array
    vectors: Array

    def save(self, path: Path) -> None:
        """Write both arrays to `path`, atomically; its folder is made if it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        partial.write_bytes(save({"logits": self.logits, "vectors": self.vectors}))
        partial.replace(path)

    @classmethod
    def load(cls, path: Path, texts: int, labels: int, words: int) -> Self | None:
        """Return what `save` wrote to `path`, or None if the file is missing, damaged or of other sizes than these."""
        try:
            arrays = load(path.read_bytes())
            outputs = cls(arrays["logits"], arrays["vectors"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None
        fits = outputs.logits.shape == (texts, labels) and outputs.vectors.shape[:-1] == (words,)
        return outputs if fits and all(np.isfinite(array).all() for array in arrays.values()) else None

    @classmethod
    def combined(cls, outputs: Sequence[Self]) -> Self:
        """Return the logits of the teachers' mean probabilities, and their word vectors side by side.

        Hinton and others (2015), section 4, on distilling an ensemble.
        """
        probability = np.mean([sigmoid(each.logits.astype(np.float64)) for each in outputs], axis=0)
        logits = np.log(probability) - np.log1p(-probability)
        return cls(logits.astype(np.float32), np.concatenate([each.vectors for each in outputs], axis=1))


def apply_temperature(probabilities: Array, temperature: float) -> Array:
    """Return probabilities of any shape with their logits divided by `temperature`: σ(σ⁻¹(p) / T).

    Hinton and others (2015), section 2: with a temperature above 1, a network learns more from how the teachers rank
    the labels that they find unlikely. Its own outputs become as soft, which calibration undoes.
    """
    yes, no = probabilities ** (1 / temperature), (1 - probabilities) ** (1 / temperature)
    tempered: Array = yes / (yes + no)
    return tempered


def augment(texts: Sequence[str], rng: np.random.Generator) -> list[str]:
    """Return an augmented text for each text: cropped, spliced with another, or with words replaced or left out.

    It need not make sense, since the teachers provide its targets; Tang and others, "Distilling Task-Specific
    Knowledge from BERT into Simple Neural Networks" (2019), section 3.2.
    """
    rows = [text.split() for text in texts]
    words = [word for row in rows for word in row]
    different = sorted(set(words))
    return [" ".join(_augmented(row, rows, words, different, rng)) for row in rows]


def _augmented(
    row: list[str], rows: list[list[str]], words: list[str], different: list[str], rng: np.random.Generator
) -> list[str]:
    kind = rng.random()
    if kind < SPLICED:
        other = rows[rng.integers(len(rows))]
        return row[: rng.integers(1, len(row) + 1)] + other[rng.integers(len(other)) :]
    if kind < SPLICED + CROPPED and len(row) > 3:
        start = rng.integers(len(row) - 1)
        row = row[start : rng.integers(start + 2, len(row) + 1)]
    pool = different if rng.random() < UNIFORM else words
    swapped = [pool[rng.integers(len(pool))] if rng.random() < SWAPPED else word for word in row]
    return [word for word in swapped if rng.random() >= DROPPED] or row


def pca(vectors: Array, size: int) -> Array:
    """Reduce word vectors (words, features) to (words, `size`), with deviation `VECTOR_DEVIATION`; float32."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    reduced: Array = centred @ directions[:size].T
    return np.asarray(reduced * (VECTOR_DEVIATION / reduced.std()), dtype=np.float32)
