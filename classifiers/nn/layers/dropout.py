"""Implement dropout."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.initializers import Seed
from classifiers.nn.layers.layer import Layer


class Dropout(Layer):
    """Inverted dropout, Srivastava and others (2014); on sequences, with one mask for all steps of a feature.

    The mask shared over time is the variational dropout of Gal and Ghahramani (2016). Active in training only.
    """

    def __init__(self, rate: float, rng: Seed) -> None:
        super().__init__()
        self.rate = rate
        self.rng = rng

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return x with a share `rate` of the features zero and the rest scaled up to keep the expected value.

        Raises:
            ValueError: in training, if the layer has no source of randomness.
        """
        del lengths
        if not training or not self.rate:
            self._scale = None
            return x
        if self.rng is None:
            raise ValueError("dropout in training needs a source of randomness")
        kept = self.rng.random(x.shape[-2:], dtype=np.float32) >= self.rate
        self._scale = kept.astype(x.dtype) / (1 - self.rate)
        return x * self._scale

    def backward(self, dy: Array) -> Array:
        """Return dy with the same features zero and the same scale."""
        return dy if self._scale is None else dy * self._scale
