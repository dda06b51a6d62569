"""Define trained models and their predictions, and compare the predictions of several models for one text."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Protocol

from classifiers.acceptance import acceptance
from classifiers.calibration import probabilities
from classifiers.emotions import EMOJI, NEUTRAL
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, logits_of
from classifiers.text import Tokenizer
from classifiers.windows import mean_per_sequence, min_per_sequence, split_all

MINIMUM_CERTAINTY = 0.5
"""The certainty that a reaction requires, unless one was chosen on people's messages."""

_BATCH_SIZE = 8
"""Windows of texts per batch. Larger batches are no faster even for texts of the same length, and need more padding
otherwise: the BiLSTM reads 32 messages in half the time in batches of 8."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model's prediction for one text.

    Attributes:
        labels: the model's labels, in its own order.
        scores: a calibrated probability for each label, in [0, 1]; of a long text, the mean of its windows.
        thresholds: the probability from which each label counts as present, chosen on the dev split.
        certainty: how probable it must be that a reader accepts the label for this model to react.
        known: the share of the text's words that are among the model's common words, in [0, 1]; low for other
            languages.
        emoji: the model's default emoji by label; not every label need have one.
        acceptance: the probability for each label that a reader accepts it, in [0, 1]; for a long text, the lowest of
            its windows. If it is empty, the scores are used.
    """

    labels: tuple[str, ...]
    scores: tuple[float, ...]
    thresholds: tuple[float, ...]
    certainty: float = MINIMUM_CERTAINTY
    known: float = 1.0
    emoji: Mapping[str, str] = field(default_factory=lambda: EMOJI)
    acceptance: tuple[float, ...] = ()

    def top(self, count: int | None = None) -> list[tuple[str, float]]:
        """Return the `count` most probable labels (all if None) with their probabilities, highest first."""
        return ranked(zip(self.labels, self.scores, strict=True))[:count]

    def accepted(self) -> tuple[str, float]:
        """Return the emotion (never neutral) that a reader most probably accepts, and the probability of that."""
        probabilities = zip(self.labels, self.acceptance or self.scores, strict=True)
        return max((pair for pair in probabilities if pair[0] != NEUTRAL), key=_probability)

    def reaction(self) -> tuple[str, float]:
        """Return the label that a reaction would express, with its probability.

        It is neutral if that is the most probable label, else what `accepted` returns.
        """
        strongest, score = max(zip(self.labels, self.scores, strict=True), key=_probability)
        return (strongest, score) if strongest == NEUTRAL else self.accepted()

    def is_certain(self, minimum: float | None = None) -> bool:
        """Return whether the label of `reaction` reaches its threshold and `minimum` (`certainty` if None)."""
        label, probability = self.reaction()
        threshold = self.thresholds[self.labels.index(label)]
        return probability >= max(threshold, self.certainty if minimum is None else minimum)

    @property
    def present(self) -> list[str]:
        """The labels that reach their thresholds, most probable first."""
        judged = zip(self.labels, self.scores, self.thresholds, strict=True)
        return [label for label, _ in ranked((label, score) for label, score, least in judged if score >= least)]


_probability = itemgetter(1)


def ranked(pairs: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Return labels with their probabilities, highest first; ties keep their order."""
    return sorted(pairs, key=_probability, reverse=True)


class Classifier(Protocol):
    """A trained model that is ready to answer; safe to call from any one thread at a time."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that it distinguishes."""

    @property
    def emoji(self) -> Mapping[str, str]:
        """The default emoji by label; not every label has one, and there may be emoji for other labels."""

    @property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that it was trained with."""

    @property
    def run(self) -> Callable[[Batch], Array]:
        """The function that maps a padded batch of token numbers to logits (batch, labels)."""

    @property
    def temperature(self) -> float:
        """The temperature by which its logits are divided."""

    @property
    def multi_label(self) -> bool:
        """Whether labels are independent, so that a text may have several or none."""

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """Return one prediction for each text, in order; any string is allowed, including an empty one."""


@dataclass(frozen=True, slots=True)
class NetworkClassifier:
    """A network, with everything that turns texts into token numbers and logits into predictions.

    Attributes:
        run: maps a padded batch to logits (batch, labels).
        tokenizer: the tokenizer with which the network was trained.
        labels: a label for each logit.
        thresholds: a threshold for each label.
        temperature: the number by which logits are divided before the activation.
        certainty: as in `Prediction`.
        multi_label: whether labels are independent (sigmoid) or exclude each other (softmax).
        emoji: as in `Prediction`.
        shares: (labels, labels) how often readers accept labels together, from `acceptance.shares_of`; None if unknown.
    """

    run: Callable[[Batch], Array]
    tokenizer: Tokenizer
    labels: tuple[str, ...]
    thresholds: tuple[float, ...]
    temperature: float
    certainty: float
    multi_label: bool
    emoji: Mapping[str, str] = field(default_factory=lambda: EMOJI)
    shares: Array | None = None

    def scores(self, texts: Sequence[str]) -> Array:
        """Return probabilities (texts, labels)."""
        return self.scores_of([self.tokenizer.read(text)[0] for text in texts])

    def scores_of(self, sequences: Sequence[Sequence[int]]) -> Array:
        """Return probabilities (texts, labels) of texts that this model's tokenizer has encoded."""
        return mean_per_sequence(*self._window_probabilities(sequences))

    def predict(self, texts: Sequence[str]) -> list[Prediction]:
        """See `Classifier`."""
        if not texts:
            return []
        sequences, known = zip(*map(self.tokenizer.read, texts), strict=True)
        window_probabilities, begins = self._window_probabilities(sequences)
        scores = mean_per_sequence(window_probabilities, begins).tolist()
        accepted = window_probabilities if self.shares is None else acceptance(window_probabilities, self.shares)
        # The lowest over a long text's windows: a reaction that does not suit one of them does not suit the text.
        least_accepted = min_per_sequence(accepted, begins).tolist()
        return [
            Prediction(self.labels, tuple(row), self.thresholds, self.certainty, share, self.emoji, tuple(least))
            for row, share, least in zip(scores, known, least_accepted, strict=True)
        ]

    def _window_probabilities(self, sequences: Sequence[Sequence[int]]) -> tuple[Array, list[int]]:
        """Return probabilities (windows, labels) of the windows of all texts, and the first row of each text."""
        windows, begins = split_all(sequences, self.tokenizer.max_tokens)
        return probabilities(logits_of(self.run, windows, _BATCH_SIZE), self.temperature, self.multi_label), begins


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's prediction, and how many milliseconds it took."""

    prediction: Prediction
    milliseconds: float


def compare(models: Mapping[str, Classifier], text: str) -> dict[str, Answer]:
    """Return every model's timed prediction for one text, by the names in `models`."""
    answers = {}
    for name, model in models.items():
        start = time.perf_counter()
        [prediction] = model.predict([text])
        answers[name] = Answer(prediction, (time.perf_counter() - start) * 1000)
    return answers


def agree(answers: Mapping[str, Answer]) -> bool:
    """Return whether all models have the same most probable label."""
    return len({answer.prediction.top(1)[0][0] for answer in answers.values()}) == 1
