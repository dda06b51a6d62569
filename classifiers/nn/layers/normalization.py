"""Implement layer normalisation."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.layers.layer import Layer


class LayerNorm(Layer):
    """Each step's features, scaled to mean 0 and deviation 1 and then by learned factors: (..., features) to the same.

    Ba and others, "Layer Normalization" (2016): y = gamma ∘ n + beta with n = (x - mean(x)) / sqrt(variance(x) + ε).
    The backward pass removes from dn what would shift or scale all features alike:
    dx = (dn - mean(dn) - n mean(dn ∘ n)) / sqrt(variance(x) + ε).
    """

    def __init__(self, features: int, epsilon: float = 1e-3) -> None:
        super().__init__()
        self.epsilon = epsilon  # Keras' default
        self.params = {
            "gamma": np.ones(features, dtype=np.float32),
            "beta": np.zeros(features, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return every step normalised on its own, so that padding makes no difference."""
        del lengths, training
        centred = x - x.mean(axis=-1, keepdims=True)
        self._deviation = np.sqrt(np.square(centred).mean(axis=-1, keepdims=True) + self.epsilon)
        self._normal = centred / self._deviation
        y: Array = self._normal * self.params["gamma"] + self.params["beta"]
        return y

    def backward(self, dy: Array) -> Array:
        """Set d_gamma = Σ dy ∘ n and d_beta = Σ dy, both over steps and rows; return dx."""
        normal = self._normal
        axes = tuple(range(dy.ndim - 1))
        self.grads = {"gamma": (dy * normal).sum(axis=axes), "beta": dy.sum(axis=axes)}
        dn = dy * self.params["gamma"]
        dx: Array = dn - dn.mean(axis=-1, keepdims=True) - normal * (dn * normal).mean(axis=-1, keepdims=True)
        dx /= self._deviation
        return dx
