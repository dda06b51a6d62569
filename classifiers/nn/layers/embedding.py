"""Implement the embedding of token numbers as word vectors."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.initializers import Seed, uniform
from classifiers.nn.layers.layer import Layer


class Embedding(Layer):
    """A learned vector for every token number: (time, batch) integers to (time, batch, size)."""

    def __init__(self, vocabulary: int, size: int, rng: Seed) -> None:
        super().__init__()
        # Ten times Keras' default range: on GoEmotions, words that start further apart were learnt faster and better.
        self.params["embeddings"] = uniform(rng, 0.5, vocabulary, size)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return the vector of each token number."""
        del lengths, training
        self._ids = x
        return self.params["embeddings"][x]

    def backward(self, dy: Array) -> Array:
        """Sum the gradients of equal tokens; return an empty array, since token numbers have no gradient."""
        table = self.params["embeddings"]
        ids = self._ids.ravel()
        # Once the tokens are sorted, one vectorised reduction sums the rows of equal tokens. Each sum has a high fixed
        # cost, so tokens that occur once, which are the majority, are left out.
        order = np.argsort(ids, kind="stable")
        rows = dy.reshape(-1, table.shape[1])[order]
        numbers, starts, counts = np.unique(ids[order], return_index=True, return_counts=True)
        repeated = counts > 1
        sums = rows[starts]
        sums[repeated] = np.add.reduceat(
            rows[np.repeat(repeated, counts)], np.cumsum(counts[repeated]) - counts[repeated]
        )
        # The table is large and few of its rows change, so the zeros of the last gradient are reused.
        gradient = self.grads.get("embeddings")
        if gradient is None or gradient.dtype != table.dtype:
            gradient = np.zeros_like(table)
        else:
            gradient[self.touched["embeddings"]] = 0
        gradient[numbers] = sums
        self.grads["embeddings"], self.touched["embeddings"] = gradient, numbers
        return np.empty(0, dtype=dy.dtype)
