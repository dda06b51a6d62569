"""Calibrate logits to probabilities, and choose the thresholds from which labels are present.

Everything is chosen on a dev split, on which the networks were not trained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifiers.errors import MissingExtraError
from classifiers.nn.activations import sigmoid, softmax
from classifiers.nn.arrays import Array
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy

MIN_TEMPERATURE, MAX_TEMPERATURE = 0.2, 5.0
"""The range of temperatures; without it, a network that gets all of dev right would have a temperature of 0."""

MIN_THRESHOLD, MAX_THRESHOLD = 0.05, 0.95
"""The range of thresholds."""

THRESHOLD_GRID = np.linspace(-3.0, 3.0, 121)
"""The thresholds that are tried, as logits."""

SMOOTHING_WIDTH = 0.4
"""The width, in logits, of the sigmoid with which `choose_thresholds` counts rows near a threshold partially."""

MODEL_WEIGHT = 0.5
"""The weight of the model's own probability in the target of a row for which `choose_thresholds` computes F1."""

MIN_ROWS = 50
"""The fewest rows on dev for a temperature below 1; getting all of fewer rows right may be luck."""

MIN_POSITIVE = 10
"""A label with fewer positive rows on dev gets the common threshold, or the default if all together have fewer."""

DEFAULT_THRESHOLD = 0.5
"""The threshold if none can be chosen."""

TARGET_PRECISION = 0.93
"""The share of the bot's reactions that must be right on dev.

A certainty that is chosen on dev works a little better there than elsewhere: chosen for 0.93 on random halves of
people's dev messages, it gave 0.928 on the other halves for both shipped networks (200 halvings). On test it gave less,
0.855 for the RNN and 0.903 for the BiLSTM.
"""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A temperature, by which logits are divided, and for each label the probability from which it is present."""

    temperature: float
    thresholds: NDArray[np.float64]


def calibrate(logits: Array, targets: Array, multi_label: bool) -> Calibration:
    """Return the temperature and the thresholds chosen on dev; with few rows, some labels get a common threshold.

    Args:
        logits: (rows, labels) on dev.
        targets: (rows, labels), 1 where the label applies.
        multi_label: whether `probabilities` will use sigmoid or softmax.
    """
    temperature = choose_temperature(logits, targets, multi_label)
    if len(targets) < MIN_ROWS:
        temperature = max(1.0, temperature)
    scores = probabilities(logits, temperature, multi_label)
    return Calibration(temperature, choose_thresholds(scores, targets, MIN_POSITIVE))


def uncalibrated(labels: int) -> Calibration:
    """Return the calibration without a dev split: temperature 1, and `DEFAULT_THRESHOLD` for each label."""
    return Calibration(1.0, np.full(labels, DEFAULT_THRESHOLD))


def probabilities(logits: Array, temperature: float, multi_label: bool) -> Array:
    """Return probabilities (rows, labels) of logits (rows, labels) divided by `temperature`.

    They are the sigmoid if labels are independent (`multi_label`), else the softmax. No logit overflows.
    """
    scaled = logits / temperature
    return sigmoid(scaled) if multi_label else softmax(scaled)


def choose_temperature(logits: Array, targets: Array, multi_label: bool) -> float:
    """Return the temperature with the lowest negative log-likelihood, in [`MIN_TEMPERATURE`, `MAX_TEMPERATURE`].

    Guo and others, "On Calibration of Modern Neural Networks" (2017), section 4.2.

    Args:
        logits: (rows, labels) on dev.
        targets: (rows, labels), 1 where the label applies.
        multi_label: whether `probabilities` will use sigmoid or softmax.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy.optimize import minimize_scalar  # noqa: PLC0415 - only training needs it
    except ImportError:
        raise MissingExtraError("Calibration", "train") from None
    loss = sigmoid_cross_entropy if multi_label else softmax_cross_entropy
    precise = np.asarray(logits, dtype=np.float64)
    # Over log T, since halving and doubling are equal steps for a temperature.
    found = minimize_scalar(
        lambda log_t: loss(precise / np.exp(log_t), targets)[0], bounds=np.log([MIN_TEMPERATURE, MAX_TEMPERATURE])
    )
    return float(np.exp(found.x))


def choose_thresholds(scores: Array, targets: Array, fewest: int = 1) -> NDArray[np.float64]:
    """Return for each label the probability from which it counts as present, for the best expected F1.

    The F1 of a label with few positive rows jumps from one threshold to the next, and its highest value is mostly
    luck. So it is smoothed in two ways: a row near the threshold counts partially, by a sigmoid of the distance
    between the two logits, and half of a row's target is the model's own probability, scaled to the number of
    positive rows. On random halves of GoEmotions' dev split, thresholds chosen in this way on one half gained 0.008
    macro-F1 and 0.011 micro-F1 on the other, compared with the plain maximum of F1 (means of five models).

    A label with fewer than `fewest` positive rows gets the threshold that is best for all labels together, or
    `DEFAULT_THRESHOLD` if all labels together have fewer.

    Args:
        scores: probabilities (rows, labels) on dev.
        targets: (rows, labels), 1 where the label applies.
        fewest: the fewest positive rows for a label to get its own threshold, at least 1.

    Returns:
        (labels,) thresholds in [`MIN_THRESHOLD`, `MAX_THRESHOLD`]; a label is present where its score is at least its
        threshold.
    """
    shared = _best_threshold(scores.ravel(), targets.ravel()) if targets.sum() >= fewest else DEFAULT_THRESHOLD
    return np.array(
        [
            _best_threshold(label_scores, label_targets) if label_targets.sum() >= fewest else shared
            for label_scores, label_targets in zip(scores.T, targets.T, strict=True)
        ]
    )


def choose_certainty(confidence: Array, right: Array, precision: float = TARGET_PRECISION) -> float:
    """Return the lowest certainty from which enough reactions are right, or `MAX_THRESHOLD` if none is high enough.

    Args:
        confidence: (rows,) the probability of the emotion that each message would get as a reaction.
        right: (rows,) whether a fair reader accepts that emotion.
        precision: the share of reactions that must be right.
    """
    order = np.argsort(-confidence, kind="stable")
    ranked = np.append(confidence[order], 0.0).astype(np.float64)
    share = np.cumsum(right[order], dtype=np.float64) / np.arange(1, len(order) + 1)
    share[ranked[:-1] == ranked[1:]] = 0  # equal confidences are accepted together or not at all
    enough = np.flatnonzero(share >= precision)
    return float(ranked[enough[-1] : enough[-1] + 2].mean()) if len(enough) else MAX_THRESHOLD


def _best_threshold(scores: Array, targets: Array) -> float:
    """Return the threshold with the highest smoothed F1 for one label, given (rows,) scores and targets."""
    precise = np.clip(scores.astype(np.float64), 1e-6, 1 - 1e-6)
    expected = np.clip(precise * targets.sum() / precise.sum(), 0, 1)
    truth = MODEL_WEIGHT * expected + (1 - MODEL_WEIGHT) * targets
    logits = np.log(precise) - np.log1p(-precise)
    # One threshold at a time: all at once would need a table of all rows and thresholds.
    shares = (sigmoid((logits - threshold) / SMOOTHING_WIDTH) for threshold in THRESHOLD_GRID)
    f1 = [2 * (taken @ truth) / (taken.sum() + truth.sum()) for taken in shares]
    return float(np.clip(sigmoid(THRESHOLD_GRID[np.argmax(f1)]), MIN_THRESHOLD, MAX_THRESHOLD))
