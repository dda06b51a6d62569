"""Read the study's results from `numbers.json`, and name networks and measures in figures and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from scipy.special import stdtrit

from classifiers.nn.arrays import Array
from classifiers.study.settings import Settings

TITLES = {
    "glorot": "Tanh RNN, Glorot start",
    "orthogonal": "Tanh RNN, orthogonal, clipped",
    "chain": "Tanh RNN, non-normal start",
    "relu": "ReLU RNN, identity start",
    "skip": "Two tanh layers, skip connections",
    "norm": "Tanh RNN, layer normalisation",
    "gru": "GRU",
    "gru-chrono": "GRU, chrono start",
    "lstm": "LSTM",
    "lstm-open": "LSTM, forget gate wide open",
    "lstm-chrono": "LSTM, chrono start",
    "bilstm": "BiLSTM",
    "orthogonal-pooled": "Tanh RNN, orthogonal, pooled",
    "bilstm-pooled": "BiLSTM, pooled",
}
"""The display name of each network in the experiments `memory`, `long` and `goemotions`."""

MATCHED_TITLES = {
    "rnn": "RNN",
    "rnn-wide": "Wide RNN",
    "birnn": "BiRNN",
    "gru": "GRU",
    "bigru": "BiGRU",
    "lstm": "LSTM",
    "bilstm": "BiLSTM",
}
"""The display name of each network in the experiment `matched`."""

MEASURES = {
    "macro_f1": "macro-F1",
    "top1": "top-1",
    "acceptable": "strongest label accepted",
    "emotional": "strongest emotion accepted",
}
"""The measures of the experiment `matched`: two on the test part of GoEmotions, two on people's messages."""

COMPARISONS = {
    "size": [("rnn", "rnn-wide")],
    "gates": [("rnn-wide", "gru"), ("rnn-wide", "lstm"), ("birnn", "bigru"), ("birnn", "bilstm")],
    "directions": [("rnn-wide", "birnn"), ("gru", "bigru"), ("lstm", "bilstm")],
    "gates and directions": [("rnn-wide", "bilstm")],
    "all three": [("rnn", "bilstm")],
}
"""The pairs of networks in the experiment `matched` that differ only in this respect, or in these."""

CURVE_TITLES = {"rnn": "RNN", "bilstm": "BiLSTM"}
"""The display name of each kind of network in the experiment `curves`."""

ORIGINAL = {"rnn-500": (410, 1.0), "bilstm-10": (10, 0.8)}
"""All that is known of the original study's curves: an epoch and the accuracy there."""

DIRECTIONS = ("from the left", "from the right")

SMALLEST = 1e-12
"""Smaller gradients, including zero, are drawn with this value."""

LEARNT_ACCURACY = 0.9
"""The accuracy from which a network has learnt its distance."""


def memory_settings(numbers: Mapping[str, Any]) -> Settings:
    """Return the settings of the memory task from the content of `numbers.json`."""
    return msgspec.convert(numbers["settings"]["memory"], Settings)


def long_settings(numbers: Mapping[str, Any]) -> Settings:
    """Return the settings of the experiment `long` from the content of `numbers.json`."""
    return msgspec.convert(numbers["settings"]["long"], Settings)


def accuracy(runs: Sequence[Mapping[str, Any]]) -> Array:
    """Return accuracies (seeds, distances)."""
    return np.array([list(run["accuracy"].values()) for run in runs])


def norms(runs: Sequence[Mapping[str, Any]], moment: str) -> Array:
    """Return norms of the gradient (seeds, directions, steps) at the "start" or "end" of training."""
    return np.array([run[moment] for run in runs])


def measure_of(runs: Sequence[Mapping[str, float]], key: str) -> Array:
    """Return a measure of a network in the experiment `matched`, one number for each seed."""
    return np.array([run[key] for run in runs])


def interval(
    rows: Mapping[str, Sequence[Mapping[str, float]]], before: str, after: str, key: str
) -> tuple[float, float]:
    """Return by how much the mean of a measure differs between two networks, and the half-width of its 95 % interval.

    The interval is Student's, with the deviation between seeds pooled over all networks, since three seeds of one
    network say little about it. It is infinite if no network has a second seed.
    """
    found = {name: measure_of(runs, key) for name, runs in rows.items()}
    freedom = sum(len(each) - 1 for each in found.values())
    difference = float(found[after].mean() - found[before].mean())
    if not freedom:
        return difference, np.inf
    variance = sum(float(((each - each.mean()) ** 2).sum()) for each in found.values()) / freedom
    spread = np.sqrt(variance * (1 / len(found[before]) + 1 / len(found[after])))
    return difference, float(stdtrit(freedom, 0.975) * spread)
