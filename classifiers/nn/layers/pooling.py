"""Pool a sequence into one vector."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.layers.layer import Layer


class MeanMaxPooling(Layer):
    """Mean and maximum over each sequence's real steps: (time, batch, features) to (batch, 2 x features)."""

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return the means and, beside them, the maxima."""
        del training
        real = np.arange(len(x))[:, None] < lengths
        self._weights = (real / lengths).astype(x.dtype)
        # Adding -inf to the padding is many times faster than np.where, and most batches have no padding.
        self._real = x if real.all() else x + np.where(real, 0, -np.inf).astype(x.dtype)[..., None]
        self._highest = self._real.max(axis=0)
        return np.concatenate([np.einsum("tbf,tb->bf", x, self._weights), self._highest], axis=1)

    def backward(self, dy: Array) -> Array:
        """Return dx: the mean's gradient shared evenly, the maximum's shared among the steps that had it."""
        d_mean, d_max = np.split(dy, 2, axis=1)
        dx: Array = self._weights[..., None] * d_mean
        won = (self._real == self._highest).astype(dy.dtype)
        won *= d_max / won.sum(axis=0)
        dx += won
        return dx
