"""Implement long short-term memory."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, outer_sum, project, project_backward, split_gates
from classifiers.nn.initializers import Seed, glorot_uniform, orthogonal
from classifiers.nn.layers.layer import Layer


def lstm_step(x: Array, h: Array, c: Array, params: Mapping[str, Array]) -> tuple[Array, Array]:
    """Return the next hidden state and the next cell (batch, units) of a long short-term memory.

    Hochreiter and Schmidhuber (1997), with the forget gate of Gers and others (2000). z_t = x_t W + h_{t-1} U + b is
    split into four equal parts, in Keras' order: input gate i, forget gate f, candidate g and output gate o.

    c_t = σ(f) ∘ c_{t-1} + σ(i) ∘ tanh(g)
    h_t = σ(o) ∘ tanh(c_t)

    Args:
        x: the input x_t (batch, features).
        h: the state h_{t-1} (batch, units); zeros before the first step.
        c: the cell c_{t-1} (batch, units); zeros before the first step.
        params: "kernel" W (features, 4 x units), "recurrent_kernel" U (units, 4 x units) and "bias" b (4 x units,).
    """
    i, f, g, o = split_gates(x @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"], 4)
    next_c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(next_c), next_c


class LSTM(Layer):
    """`lstm_step` over all steps: (time, batch, features) to (time, batch, units).

    The backward pass follows Greff and others, "LSTM: A Search Space Odyssey" (2017), section II-B, without
    peepholes.
    """

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        bias = np.zeros(4 * units, dtype=np.float32)
        bias[units : 2 * units] = 1  # an open forget gate at the start: Jozefowicz and others (2015)
        self.params = {
            "kernel": glorot_uniform(rng, features, 4 * units),
            "recurrent_kernel": orthogonal(rng, units, 4 * units),
            "bias": bias,
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return all hidden states; x_t W + b of all steps and gates is one matrix product.

        For a single message, half of a step's time is the overhead of calling NumPy. So one tanh serves all gates,
        results are written in place, and `zip` yields the views of each step, which is cheaper than indexing.
        """
        del lengths, training
        recurrent = self.params["recurrent_kernel"]
        units = len(recurrent)
        gates = project(x, self.params["kernel"], self.params["bias"])
        hidden = np.empty((*gates.shape[:2], units), gates.dtype)
        cells, tanh_cells = np.empty_like(hidden), np.empty_like(hidden)
        # σ(z) = tanh(z / 2) / 2 + 1/2 for the gates i, f and o, and tanh(z) = tanh(z) + 0 for the candidate g.
        scale = np.full_like(gates[0], 0.5)
        scale[:, 2 * units : 3 * units] = 1
        shift = 1 - scale

        dot, multiply, tanh = np.dot, np.multiply, np.tanh  # looked up once
        previous_h = previous_c = None
        steps = zip(gates, *split_gates(gates, 4), cells, tanh_cells, hidden, strict=False)  # all have the same length
        for z, i, f, g, o, c, tanh_c, h in steps:
            if previous_h is not None:
                z += dot(previous_h, recurrent)
            z *= scale
            tanh(z, z)
            z *= scale
            z += shift  # now the gates i, f, g and o, which are views of z, are activated
            multiply(i, g, c)
            if previous_c is not None:
                c += f * previous_c
            tanh(c, tanh_c)
            multiply(o, tanh_c, h)
            previous_h, previous_c = h, c
        self._x, self._gates, self._cells, self._tanh_cells, self._hidden = x, gates, cells, tanh_cells, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Set `grads` and return dx; `dh` and `dc` are the gradients of the hidden state and of the cell."""
        x, hidden, cells, tanh_cells = self._x, self._hidden, self._cells, self._tanh_cells
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        i, f, g, o = split_gates(self._gates, 4)
        dz = self._gates - np.square(self._gates)  # σ' = σ (1 - σ), which each step below multiplies by its gradients
        di, df, dg, do = split_gates(dz, 4)
        np.square(g, out=dg)
        np.subtract(1, dg, out=dg)  # tanh' = 1 - tanh²
        df[0] = 0  # there is no cell before the first step
        dh = np.zeros_like(hidden[0])
        dc = np.zeros_like(hidden[0])
        for t in range(len(dy) - 1, -1, -1):
            dh += dy[t]
            dc += dh * o[t] * (1 - np.square(tanh_cells[t]))
            di[t] *= dc * g[t]
            if t:
                df[t] *= dc * cells[t - 1]
            dg[t] *= dc * i[t]
            do[t] *= dh * tanh_cells[t]
            dh = dz[t] @ recurrent_t
            dc *= f[t]
        dx, self.grads = project_backward(x, self.params["kernel"], dz)
        self.grads["recurrent_kernel"] = outer_sum(hidden[:-1], dz[1:])
        return dx
