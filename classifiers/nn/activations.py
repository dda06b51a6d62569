"""Turn logits into probabilities, by forms of the activation functions that cannot overflow."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array


def sigmoid(x: Array) -> Array:
    """Return σ(x) = 1 / (1 + e^-x), computed as (1 + tanh(x / 2)) / 2."""
    return (1 + np.tanh(x / 2)) / 2


def softmax(x: Array) -> Array:
    """Return e^x / Σ e^x over the last axis, computed from x less its maximum."""
    exponentials = np.exp(x - x.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))
