"""Implement the plain recurrent network."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from classifiers.nn.arrays import Array, outer_sum, project, project_backward
from classifiers.nn.initializers import Seed, glorot_uniform, orthogonal
from classifiers.nn.layers.layer import Layer


def rnn_step(x: Array, h: Array, params: Mapping[str, Array]) -> Array:
    """Return the next hidden state (batch, units) of Elman's recurrence, "Finding Structure in Time" (1990).

    h_t = tanh(x_t W + h_{t-1} U + b)

    Args:
        x: the input x_t (batch, features).
        h: the state h_{t-1} (batch, units); zeros before the first step.
        params: "kernel" W (features, units), "recurrent_kernel" U (units, units) and "bias" b (units,).
    """
    return np.asarray(np.tanh(x @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"]))


class RNN(Layer):
    """`rnn_step` over all steps: (time, batch, features) to (time, batch, units).

    Back-propagation through time, after Werbos (1990): da_t = (dh_t + da_{t+1} Uᵀ) ∘ (1 - h_t²), where a_t is the
    argument of tanh.
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, units),
            "recurrent_kernel": orthogonal(rng, units, units),
            "bias": np.zeros(units, dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return all hidden states; x_t W + b of all steps is one matrix product."""
        del lengths, training
        recurrent = self.params["recurrent_kernel"]
        hidden = project(x, self.params["kernel"], self.params["bias"])
        np.tanh(hidden[0], out=hidden[0])
        for previous, h in pairwise(hidden):
            h += previous @ recurrent
            np.tanh(h, out=h)
        self._x, self._hidden = x, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Set `grads` and return dx; the gradient of step t reaches step t-1 through Uᵀ."""
        x, hidden = self._x, self._hidden
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        da = np.square(hidden)
        np.subtract(1, da, out=da)  # the slope of tanh, which each step below multiplies by what reaches it
        da[-1] *= dy[-1]
        for t in range(len(da) - 2, -1, -1):
            dh = da[t + 1] @ recurrent_t
            dh += dy[t]
            da[t] *= dh
        dx, self.grads = project_backward(x, self.params["kernel"], da)
        self.grads["recurrent_kernel"] = outer_sum(hidden[:-1], da[1:])
        return dx
