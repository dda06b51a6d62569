"""Measure the norm of the gradient a number of steps back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.nn.layers import Bidirectional
from classifiers.nn.network import Network

Loss: TypeAlias = Callable[[Array, Array], tuple[float, Array]]


def gradient_norms(network: Network, batch: Batch, targets: Array, loss: Loss, reach: int) -> list[list[float]]:
    """Return the norm of the loss gradient at the input `k` steps back: [direction][k], with k up to `reach`.

    It is the norm over features, averaged over the sequences, of the gradient with respect to the embedded token. Steps
    are counted from where the direction ends: from the left, k = 0 is the last token; from the right, the first.
    Each direction's gradient includes only its own path; the full gradient is the sum of both.
    """
    logits = network.forward(batch)
    gradient = loss(logits, targets)[1] * len(logits)  # of the sum over the batch, so that its size does not matter
    *inner, pooling, output = network.layers[1:]
    d_states = pooling.backward(output.backward(gradient))
    directions = 2 if isinstance(inner[-1], Bidirectional) else 1
    columns = np.arange(len(batch.lengths))
    norms = []
    for direction, part in enumerate(np.split(np.arange(d_states.shape[2]), directions)):
        dx = np.zeros_like(d_states)
        dx[..., part] = d_states[..., part]
        for layer in reversed(inner):
            dx = layer.backward(dx)
        size = np.linalg.norm(dx, axis=2)
        steps = [batch.lengths - 1 - k if direction == 0 else np.full_like(batch.lengths, k) for k in range(reach + 1)]
        norms.append([rounded(size[step, columns].mean()) for step in steps])
    return norms


def rounded(number: float) -> float:
    """Return a number with four significant digits, which are enough for a few seeds."""
    return float(f"{number:.4g}")
