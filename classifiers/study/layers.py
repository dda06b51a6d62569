"""Implement layers that only the study uses: remedies for the vanishing gradient, and the final state of a sequence."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.initializers import Seed
from classifiers.nn.layers import RNN, Layer


class ReLURNN(RNN):
    """Le and others, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units" (2015).

    h_t = max(0, x_t W + h_{t-1} U + b), where U starts as the identity, so that a state is kept until the input
    changes it, and W as a normal distribution of deviation 0.001.
    """

    def __init__(self, features: int, units: int, rng: np.random.Generator) -> None:
        super().__init__(features, units, None)
        self.params["kernel"] = rng.normal(0, 0.001, (features, units)).astype(np.float32)
        self.params["recurrent_kernel"] = np.eye(units, dtype=np.float32)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return h_t for every step, shaped (time, batch, units)."""
        del lengths, training
        hidden: Array = np.tensordot(x, self.params["kernel"], 1) + self.params["bias"]
        for t, now in enumerate(hidden):
            if t:
                now += hidden[t - 1] @ self.params["recurrent_kernel"]
            np.maximum(now, 0, out=now)
        self._x, self._hidden = x, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the input: as with tanh, but the slope is 1 or 0."""
        slope = self._hidden > 0
        da = dy * slope
        for t in range(len(da) - 2, -1, -1):
            da[t] += (da[t + 1] @ self.params["recurrent_kernel"].T) * slope[t]
        return _input_gradient(self, self._x, self._hidden, da, da)


class NormalisedRNN(RNN):
    """Layer normalisation within the recurrence, Ba and others, "Layer Normalization" (2016), equation 4.

    h_t = tanh(g ∘ (a_t - mean(a_t)) / deviation(a_t) + b) with a_t = x_t W + h_{t-1} U, over the units of a step.
    Normalisation between layers would not change the path through time.
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__(features, units, rng)
        self.params["gain"] = np.ones(units, dtype=np.float32)

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return h_t for every step, shaped (time, batch, units)."""
        del lengths, training
        normal: Array = np.tensordot(x, self.params["kernel"], 1)
        deviation, hidden = np.empty_like(normal[..., :1]), np.empty_like(normal)
        for t, a in enumerate(normal):
            if t:
                a += hidden[t - 1] @ self.params["recurrent_kernel"]
            a -= a.mean(axis=1, keepdims=True)
            deviation[t] = np.sqrt((a**2).mean(axis=1, keepdims=True) + 1e-5)
            a /= deviation[t]
            np.tanh(a * self.params["gain"] + self.params["bias"], out=hidden[t])
        self._x, self._hidden, self._normal, self._deviation = x, hidden, normal, deviation
        return hidden

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the input, without the parts that shift or scale all units of a step alike."""
        slope = 1 - self._hidden**2
        dz, da = dy.copy(), np.empty_like(dy)
        for t in range(len(da) - 1, -1, -1):
            if t + 1 < len(da):
                dz[t] += da[t + 1] @ self.params["recurrent_kernel"].T
            dz[t] *= slope[t]
            dn, n = dz[t] * self.params["gain"], self._normal[t]
            da[t] = dn - dn.mean(axis=1, keepdims=True) - n * (dn * n).mean(axis=1, keepdims=True)
            da[t] /= self._deviation[t]
        self.grads["gain"] = (dz * self._normal).sum(axis=(0, 1))
        return _input_gradient(self, self._x, self._hidden, da, dz)


class Residual(Layer):
    """A skip connection around a layer, y = x + f(x): He and others, "Deep Residual Learning" (2016)."""

    def __init__(self, inner: Layer) -> None:
        super().__init__()
        self.inner = inner

    def leaves(self) -> Iterator[tuple[str, Layer]]:
        """Return the leaves of the inner layer."""
        return self.inner.leaves()

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return x + f(x)."""
        return x + self.inner.forward(x, lengths, training)

    def backward(self, dy: Array) -> Array:
        """Return the gradient at x: the sum of both paths."""
        return dy + self.inner.backward(dy)


class LastStep(Layer):
    """The final state of each direction: (time, batch, features) to (batch, features).

    From the left it is the state of the last step, from the right that of the first.
    """

    def __init__(self, directions: int) -> None:
        super().__init__()
        self._directions = directions

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return the final state of each direction."""
        del training
        self._shape = x.shape
        self._steps = (lengths - 1, np.zeros_like(lengths))[: self._directions]
        columns = np.arange(len(lengths))
        parts = np.split(x, self._directions, axis=2)
        return np.concatenate([part[steps, columns] for part, steps in zip(parts, self._steps, strict=True)], axis=1)

    def backward(self, dy: Array) -> Array:
        """Return the gradient at the states, which is zero except at the final ones."""
        dx = np.zeros(self._shape, dtype=dy.dtype)
        columns = np.arange(len(dy))
        parts = zip(np.split(dx, self._directions, axis=2), np.split(dy, self._directions, axis=1), strict=True)
        for (part, gradient), steps in zip(parts, self._steps, strict=True):
            part[steps, columns] = gradient
        return dx


def _input_gradient(layer: Layer, x: Array, hidden: Array, da: Array, d_bias: Array) -> Array:
    """Set the layer's gradients of W, U and b, and return that of x."""
    both = ((0, 1), (0, 1))
    layer.grads["kernel"] = np.tensordot(x, da, both)
    layer.grads["recurrent_kernel"] = np.tensordot(hidden[:-1], da[1:], both)
    layer.grads["bias"] = d_bias.sum(axis=(0, 1))
    return np.tensordot(da, layer.params["kernel"].T, 1)
