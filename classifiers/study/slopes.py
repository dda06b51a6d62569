"""Compute from weights and states by which factor one step back multiplies the gradient before training."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.layers import LSTM
from classifiers.study.lstm_trace import trace_lstm
from classifiers.study.memory import before_training
from classifiers.study.settings import Settings

EXPLAINED = ("glorot", "orthogonal", "lstm", "lstm-open")
"""The networks of the memory task that `step_factors` accepts."""

_SEQUENCES = 100
"""The number of sequences that are averaged; with all their steps and units, more would not change the third digit."""


def step_factors(name: str, seed: int, settings: Settings) -> dict[str, float]:
    """Return the factors of one step back in an untrained network of `EXPLAINED`, as logarithms to base 10.

    Of a tanh network:

    - "norm": the spectral norm of its recurrent matrix U, the most by which U stretches a vector;
    - "radius": the spectral radius of U, by which U stretches a vector at each of many steps;
    - "stretch": the Frobenius norm of U by the root of its size, the root mean square over all directions;
    - "tanh": the root mean square of the slope of tanh.

    Of an LSTM, "forget": the geometric mean of its forget gate.
    """
    network, batch, _, _ = before_training(name, seed, settings.shown, settings)
    embedding, recurrent = network.layers[:2]
    ids, lengths = batch.ids[:, :_SEQUENCES], batch.lengths[:_SEQUENCES]
    x = embedding.forward(ids, lengths)
    if isinstance(recurrent, LSTM):
        return {"forget": float(np.log10(trace_lstm(recurrent, x, lengths).forget).mean())}
    hidden = recurrent.forward(x, lengths)
    matrix = recurrent.params["recurrent_kernel"]
    factors = {
        "norm": np.linalg.norm(matrix, 2),
        "radius": spectral_radius(matrix),
        "stretch": np.linalg.norm(matrix) / np.sqrt(len(matrix)),
        "tanh": np.sqrt(np.mean((1 - hidden**2) ** 2)),
    }
    return {key: float(np.log10(factor)) for key, factor in factors.items()}


def spectral_radius(matrix: Array) -> float:
    """Return the largest absolute value of a matrix's eigenvalues."""
    return float(np.abs(np.linalg.eigvals(matrix)).max())
