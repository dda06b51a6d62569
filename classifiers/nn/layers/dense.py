"""Implement the fully connected layer."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array, project, project_backward
from classifiers.nn.initializers import Seed, glorot_uniform
from classifiers.nn.layers.layer import Layer


class Dense(Layer):
    """y = x W + b: (..., features) to (..., units)."""

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, units),
            "bias": np.zeros(units, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return x W + b."""
        del lengths, training
        self._x = x
        return project(x, self.params["kernel"], self.params["bias"])

    def backward(self, dy: Array) -> Array:
        """Set dW = xᵀ dy and db = Σ dy; return dx = dy Wᵀ."""
        dx, self.grads = project_backward(self._x, self.params["kernel"], dy)
        return dx
