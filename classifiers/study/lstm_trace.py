"""Compute the gates and cells of our LSTM, which the layer itself does not return."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, split_gates
from classifiers.nn.layers import LSTM


@dataclass(frozen=True, slots=True)
class LSTMTrace:
    """The gates, cells and states of an LSTM at each step; all (time, batch, units), or with fewer axes.

    Attributes:
        input: the input gate, in [0, 1].
        forget: the forget gate, in [0, 1].
        output: the output gate, in [0, 1].
        cell: the cell.
        state: the hidden state, in [-1, 1].
    """

    input: Array
    forget: Array
    output: Array
    cell: Array
    state: Array

    def at(self, *index: Any) -> LSTMTrace:
        """Return a part of each array, given a NumPy index."""
        return LSTMTrace(*(getattr(self, field.name)[index] for field in fields(self)))


def trace_lstm(layer: LSTM, x: Array, lengths: Array) -> LSTMTrace:
    """Return the gates, cells and states of an LSTM that reads `x` (time, batch, features).

    The layer itself returns only its hidden states; the gates and cells follow from them, as in `lstm_step`.
    """
    state = layer.forward(x, lengths)
    before = np.concatenate([np.zeros_like(state[:1]), state[:-1]])
    z = x @ layer.params["kernel"] + before @ layer.params["recurrent_kernel"] + layer.params["bias"]
    i, f, g, o = split_gates(z, 4)
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    cell = i * np.tanh(g)
    for t in range(1, len(cell)):
        cell[t] += f[t] * cell[t - 1]
    return LSTMTrace(i, f, o, cell, state)
