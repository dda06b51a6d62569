"""Distil knowledge: use the outputs of teachers, and their word vectors, to train smaller networks.

Hinton and others, "Distilling the Knowledge in a Neural Network" (2015), section 2: the targets are only the teachers'
probabilities, since the teachers were trained on the labels that people gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from classifiers.files import write_atomically
from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, logits_of
from classifiers.text import Tokenizer
from classifiers.training.recipes import VECTOR_DEVIATION

_MIN_PROBABILITY = 1e-6
"""The least distance of a probability from 0 and 1 when it is turned into a logit."""


@dataclass(frozen=True, slots=True)
class TeacherOutputs:
    """The outputs of one or more teachers, which are cached on disk since they take hours to compute.

    Attributes:
        logits: (rows, labels), one row for each of `corpus.texts_for_teachers`.
        vectors: (words, features), one for each word of the vocabulary.
    """

    logits: Array
    vectors: Array

    def save(self, path: Path) -> None:
        """Write both arrays to `path` atomically; its folder is created if it is missing."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, save({"logits": self.logits, "vectors": self.vectors}))

    @classmethod
    def load(cls, path: Path, texts: int, labels: int, words: int) -> Self | None:
        """Return the outputs that `save` wrote to `path`; None if it is missing, damaged or of other sizes."""
        try:
            arrays = load(path.read_bytes())
            outputs = cls(arrays["logits"], arrays["vectors"])
        except (FileNotFoundError, SafetensorError, KeyError):
            return None
        fits = outputs.logits.shape == (texts, labels) and outputs.vectors.shape[:-1] == (words,)
        return outputs if fits and all(np.isfinite(array).all() for array in arrays.values()) else None

    @classmethod
    def combined(cls, outputs: Sequence[Self]) -> Self:
        """Return the logits of the teachers' mean probabilities, and their word vectors concatenated.

        Hinton and others (2015), section 4, on distilling an ensemble.
        """
        probability = np.mean([sigmoid(each.logits.astype(np.float64)) for each in outputs], axis=0)
        return cls(_logits(probability), np.concatenate([each.vectors for each in outputs], axis=1))

    def averaged(self, rows: Array, probabilities: Array) -> Self:
        """Return the outputs, with some rows averaged with another model's probabilities.

        Args:
            rows: (n,) the indices of the rows.
            probabilities: (n, labels) the other model's probabilities.
        """
        logits = self.logits.copy()
        logits[rows] = _logits((sigmoid(logits[rows].astype(np.float64)) + probabilities) / 2)
        return replace(self, logits=logits)


def _logits(probabilities: Array) -> Array:
    """Return the logits of probabilities as float32, finite even for 0 and 1."""
    clipped = np.clip(probabilities, _MIN_PROBABILITY, 1 - _MIN_PROBABILITY)
    return np.asarray(np.log(clipped) - np.log1p(-clipped), dtype=np.float32)


def apply_temperature(probabilities: Array, temperature: float) -> Array:
    """Return probabilities of any shape with their logits divided by `temperature`: σ(σ⁻¹(p) / T).

    Hinton and others (2015), section 2: with a temperature above 1, a network learns more from how the teachers rank
    the labels that they find unlikely. Its own outputs become equally soft, which calibration undoes.
    """
    yes, no = probabilities ** (1 / temperature), (1 - probabilities) ** (1 / temperature)
    tempered: Array = yes / (yes + no)
    return tempered


def with_teacher_targets(texts: Sequence[str], outputs: TeacherOutputs, tokenizer: Tokenizer) -> Examples:
    """Return texts as token numbers, with the probabilities of the teachers' `outputs` for them as targets."""
    return Examples([tokenizer.encode(text) for text in texts], sigmoid(outputs.logits))


def with_assistant_targets(
    distilled: Examples,
    further: Iterable[Sequence[str]],
    assistant: Callable[[Batch], Array],
    tokenizer: Tokenizer,
    temperature: float,
) -> Examples:
    """Return `distilled` and `further` texts, the latter labelled by the assistant, with all targets at a temperature.

    Args:
        distilled: the examples on which the assistant was trained.
        further: texts, in portions that are labelled one at a time.
        assistant: the trained network, which maps a batch to logits (batch, labels).
        tokenizer: the assistant's tokenizer.
        temperature: see `apply_temperature`.
    """
    sequences, targets = [*distilled.sequences], [apply_temperature(distilled.targets, temperature)]
    for texts in further:
        encoded = [tokenizer.encode(text) for text in texts]
        sequences += encoded
        targets.append(sigmoid(logits_of(assistant, encoded) / temperature))
    return Examples(sequences, np.concatenate(targets))


def pca(vectors: Array, size: int) -> Array:
    """Reduce word vectors (words, features) to (words, `size`) by PCA, with deviation `VECTOR_DEVIATION`; float32."""
    centred = vectors - vectors.mean(axis=0)
    _, _, directions = np.linalg.svd(centred, full_matrices=False)
    reduced: Array = centred @ directions[:size].T
    return np.asarray(reduced * (VECTOR_DEVIATION / reduced.std()), dtype=np.float32)
