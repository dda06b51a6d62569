"""Define the interface of all layers."""

from __future__ import annotations

from collections.abc import Iterator

from classifiers.nn.arrays import Array


class Layer:
    """A function with parameters, a forward and a backward pass; this base class returns its input unchanged.

    Attributes:
        params: the layer's parameters by name.
        grads: the gradients of the last backward pass, under the names of `params`.
        touched: for parameters whose gradient is zero in most rows, the indices of the other rows.
    """

    def __init__(self) -> None:
        self.params: dict[str, Array] = {}
        self.grads: dict[str, Array] = {}
        self.touched: dict[str, Array] = {}

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return the layer's output, and keep on the layer what `backward` will need."""
        del lengths, training
        return x

    def backward(self, dy: Array) -> Array:
        """Set `grads` and return the gradient of the last input, from the gradient `dy` of the last output."""
        return dy

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """Yield each layer within this one that has parameters (itself, or its parts), with its name."""
        if self.params:
            yield "", self
