"""Implement the gated recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, outer_sum, project, project_backward, split_gates
from classifiers.nn.initializers import Seed, glorot_uniform, orthogonal
from classifiers.nn.layers.layer import Layer


def gru_step(x: Array, h: Array, params: Mapping[str, Array]) -> Array:
    """Return the next hidden state (batch, units) of a gated recurrent unit.

    Cho and others (2014), in the form of cuDNN and of Keras' `reset_after=True`: the paper resets the state before its
    product with U; here it is reset after it, so that one product serves all three parts. With a_t = x_t W + b_0 and
    s_t = h_{t-1} U + b_1, each split into three equal parts in Keras' order, z, r and g:

    z = σ(a_z + s_z)             update gate
    r = σ(a_r + s_r)             reset gate
    g = tanh(a_g + r ∘ s_g)      candidate
    h_t = z ∘ h_{t-1} + (1 - z) ∘ g

    Args:
        x: the input x_t (batch, features).
        h: the state h_{t-1} (batch, units); zeros before the first step.
        params: "kernel" W (features, 3 x units), "recurrent_kernel" U (units, 3 x units) and "bias" b (2, 3 x units).
    """
    input_bias, state_bias = params["bias"]
    a_z, a_r, a_g = split_gates(x @ params["kernel"] + input_bias, 3)
    s_z, s_r, s_g = split_gates(h @ params["recurrent_kernel"] + state_bias, 3)
    z = sigmoid(a_z + s_z)
    r = sigmoid(a_r + s_r)
    g = np.tanh(a_g + r * s_g)
    return np.asarray(z * h + (1 - z) * g)


class GRU(Layer):
    """`gru_step` over all steps: (time, batch, features) to (time, batch, units)."""

    def __init__(self, features: int, units: int, rng: Seed) -> None:
        super().__init__()
        self.params = {
            "kernel": glorot_uniform(rng, features, 3 * units),
            "recurrent_kernel": orthogonal(rng, units, 3 * units),
            "bias": np.zeros((2, 3 * units), dtype=np.float32),
        }

    def forward(self, x: Array, lengths: Array, training: bool = False) -> Array:
        """Return all hidden states; x_t W + b_0 of all steps and gates is one matrix product.

        Results are written in place, and the views of all steps are created at once, as lists, since indexing an array
        in each step takes longer.
        """
        del lengths, training
        recurrent, (input_bias, state_bias) = self.params["recurrent_kernel"], self.params["bias"]
        units = len(recurrent)
        gates = project(x, self.params["kernel"], input_bias)
        hidden = np.empty((*gates.shape[:2], units), gates.dtype)
        candidate_states = np.empty_like(hidden)  # s_g of all steps, for the backward pass

        h, s_g = list(hidden), list(candidate_states)
        z, r, g = map(list, split_gates(gates, 3))
        z_and_r = list(gates[..., : 2 * units])
        for t in range(len(h)):
            s = np.dot(h[t - 1], recurrent) + state_bias if t else np.broadcast_to(state_bias, gates[0].shape)
            s_g[t][:] = s[:, 2 * units :]
            z_and_r[t] += s[:, : 2 * units]
            z_and_r[t] *= 0.5  # σ(z) = tanh(z / 2) / 2 + 1/2
            np.tanh(z_and_r[t], z_and_r[t])
            z_and_r[t] *= 0.5
            z_and_r[t] += 0.5  # now z and r, which are views of it, are activated
            g[t] += r[t] * s_g[t]
            np.tanh(g[t], g[t])
            np.subtract(1, z[t], h[t])
            h[t] *= g[t]
            if t:
                h[t] += z[t] * h[t - 1]
        self._x, self._gates, self._candidate_states, self._hidden = x, gates, candidate_states, hidden
        return hidden

    def backward(self, dy: Array) -> Array:
        """Set `grads` and return dx; `ds`, the gradient of s_t, differs from that of a_t only in its part g."""
        x, hidden, candidate_states = self._x, self._hidden, self._candidate_states
        recurrent_t = np.ascontiguousarray(self.params["recurrent_kernel"].T)  # each step multiplies by it
        z, r, g = split_gates(self._gates, 3)
        da, ds = np.empty_like(self._gates), np.empty_like(self._gates)
        da_z, da_r, da_g = split_gates(da, 3)
        *_, ds_g = split_gates(ds, 3)
        dh = np.zeros_like(hidden[0])
        for t in range(len(dy) - 1, -1, -1):
            dh += dy[t]
            previous = hidden[t - 1] if t else np.zeros_like(dh)
            da_z[t] = dh * (previous - g[t]) * z[t] * (1 - z[t])
            da_g[t] = dh * (1 - z[t]) * (1 - np.square(g[t]))
            da_r[t] = da_g[t] * candidate_states[t] * r[t] * (1 - r[t])
            ds[t] = da[t]
            ds_g[t] *= r[t]
            dh *= z[t]
            dh += ds[t] @ recurrent_t
        dx, self.grads = project_backward(x, self.params["kernel"], da)
        self.grads["recurrent_kernel"] = outer_sum(hidden[:-1], ds[1:])
        self.grads["bias"] = np.stack([self.grads["bias"], ds.sum(axis=(0, 1))])
        return dx
