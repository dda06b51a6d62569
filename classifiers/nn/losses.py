"""Compute cross-entropies of logits and their gradients."""

from __future__ import annotations

import numpy as np

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array


def sigmoid_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean binary cross-entropy over rows and labels, and its gradient.

    It is computed as max(z, 0) - z y + log(1 + e^-|z|), which cannot overflow.

    Args:
        logits: (batch, labels).
        targets: (batch, labels), the probability that each label applies.
    """
    losses = np.maximum(logits, 0) - logits * targets + np.log1p(np.exp(-np.abs(logits)))
    return float(losses.mean()), (sigmoid(logits) - targets) / logits.size


def softmax_cross_entropy(logits: Array, targets: Array) -> tuple[float, Array]:
    """Return the mean categorical cross-entropy over rows, -Σ y log softmax(z), and its gradient.

    Args:
        logits: (batch, labels).
        targets: (batch, labels); each row is a distribution.
    """
    shifted = logits - logits.max(axis=1, keepdims=True)
    surprisal = np.log(np.exp(shifted).sum(axis=1, keepdims=True)) - shifted  # -log softmax, never -0.0
    return float((targets * surprisal).sum(axis=1).mean()), (np.exp(-surprisal) - targets) / len(logits)
