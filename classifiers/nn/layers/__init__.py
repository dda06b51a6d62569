"""Neural network layers from scratch in NumPy, with hand-written forward and backward passes; one family per module.

**A sequence array is (time, batch, features)**, so that the slice of one time step is contiguous; `lengths` (batch,)
says how many steps of each column are real. The padding is at the end. A recurrence only looks back, so it needs no
mask: what it computes for the padding comes after every real step and is not read (`MeanMaxPooling` skips it, and
`Bidirectional` reverses each sequence within its own length), so its gradient is zero.

Every layer has `y = layer.forward(x, lengths, training)` and, for the last forward pass, `dx = layer.backward(dy)`;
see `Layer`. Parameters have Keras' names and layout, so that weights can be exchanged and compared. The gradient of
the loss with respect to an array is named `d` and the array, as in `dx`.

Start reading with `rnn_step`, `lstm_step` and `gru_step`, which are one step of each recurrence, written like its
equations. The layers in the same modules compute all steps, faster.
"""

from classifiers.nn.layers.bidirectional import Bidirectional
from classifiers.nn.layers.dense import Dense
from classifiers.nn.layers.dropout import Dropout
from classifiers.nn.layers.embedding import Embedding
from classifiers.nn.layers.gru import GRU, gru_step
from classifiers.nn.layers.layer import Layer
from classifiers.nn.layers.lstm import LSTM, lstm_step
from classifiers.nn.layers.normalization import LayerNorm
from classifiers.nn.layers.pooling import MeanMaxPooling
from classifiers.nn.layers.rnn import RNN, rnn_step

__all__ = [
    "GRU",
    "LSTM",
    "RNN",
    "Bidirectional",
    "Dense",
    "Dropout",
    "Embedding",
    "Layer",
    "LayerNorm",
    "MeanMaxPooling",
    "gru_step",
    "lstm_step",
    "rnn_step",
]
