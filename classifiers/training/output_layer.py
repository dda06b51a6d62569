"""Fit a trained network's output layer to labels again, while its other layers stay as they are.

Kirichenko and others, "Last Layer Re-Training is Sufficient for Robustness to Spurious Correlations" (2023), do this to
weigh kinds of texts differently than in the training run itself, in seconds instead of hours.
"""

from __future__ import annotations

import numpy as np

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array

PENALTY = 0.01
"""The weight of the penalty on changes."""

MAX_ITERATIONS = 40
"""The most iterations of L-BFGS; stopping before its end keeps changes small, too."""

_SMALLEST_DEVIATION = 1e-6


def refit(kernel: Array, bias: Array, features: Array, targets: Array, weights: Array) -> tuple[Array, Array]:
    """Return another kernel and bias, with a lower weighted cross-entropy and a small change from the given ones.

    They minimise the weighted mean over texts of the sigmoid cross-entropy, summed over labels, plus half of `PENALTY`
    times the squared changes of the kernel; each change is multiplied by its feature's standard deviation first, so
    that the scale of a feature does not matter.

    Args:
        kernel: (features, labels).
        bias: (labels,).
        features: (texts, features), what the layer reads for each text.
        targets: (texts, labels), probabilities.
        weights: (texts, 1), how much each text counts.
    """
    from scipy.optimize import minimize  # noqa: PLC0415 - only training needs it

    deviation = features.std(axis=0)[:, None] + _SMALLEST_DEVIATION
    scaled, before, shares = features / deviation.T, features @ kernel + bias, weights / weights.sum()

    def objective(flat: Array) -> tuple[float, Array]:
        """Return the loss and its gradient for changes (features + 1, labels), of which the last row is the bias's."""
        change = flat.reshape(-1, kernel.shape[1]).astype(np.float32)
        logits = before + scaled @ change[:-1] + change[-1]
        cross_entropy = (shares * (np.logaddexp(0, logits) - targets * logits)).sum()
        d_logits = shares * (sigmoid(logits) - targets)
        gradient = np.vstack([scaled.T @ d_logits + PENALTY * change[:-1], d_logits.sum(axis=0)])
        return float(cross_entropy + PENALTY / 2 * (change[:-1] ** 2).sum()), gradient.ravel().astype(np.float64)

    start = np.zeros((len(kernel) + 1) * kernel.shape[1])
    found = minimize(objective, start, jac=True, method="L-BFGS-B", options={"maxiter": MAX_ITERATIONS})
    change = found.x.reshape(-1, kernel.shape[1])
    return kernel + (change[:-1] / deviation).astype(np.float32), bias + change[-1].astype(np.float32)
