"""Implement bidirectional layers: two recurrent layers that read a sequence from both ends."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.layers.layer import Layer


class Bidirectional(Layer):
    """One recurrent layer from the left, one from the right, side by side: Schuster and Paliwal (1997).

    Output (time, batch, 2 x units). The right-to-left layer reads each sequence reversed within its own length.
    """

    def __init__(self, forward_layer: Layer, backward_layer: Layer) -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """Yield the two directions."""
        yield "forward.", self.forward_layer
        yield "backward.", self.backward_layer

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return both directions' states, each at the step of the token that it has just read."""
        self._reversal = _reversal(len(x), lengths)
        left_to_right = self.forward_layer.forward(x, lengths, training)
        right_to_left = self.backward_layer.forward(x[self._reversal], lengths, training)
        return np.concatenate([left_to_right, right_to_left[self._reversal]], axis=2)

    def backward(self, dy: Array) -> Array:
        """Return the sum of the two directions' input gradients."""
        left_to_right, right_to_left = np.split(dy, 2, axis=2)
        dx = self.forward_layer.backward(left_to_right)
        dx += self.backward_layer.backward(right_to_left[self._reversal])[self._reversal]
        return dx


def _reversal(steps: int, lengths: Array) -> slice | tuple[Array, Array]:
    """Return the index that reverses every sequence within its own length; applied twice, it changes nothing."""
    if (lengths == steps).all():
        return slice(None, None, -1)
    step = np.arange(steps)[:, None]
    return np.where(step < lengths, lengths - 1 - step, step), np.arange(len(lengths))
