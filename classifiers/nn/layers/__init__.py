"""Neural network layers from scratch in NumPy, forward and backward by hand; one family in each module.

**A sequence array is (time, batch, features)**, so that the slice of one time step is contiguous; `lengths` (batch,)
says how many steps of each column are real. The padding is at the end. A recurrence only looks back, so it needs no
mask: what it computes over the padding comes after every real step and is not read (`MeanMaxPooling` skips it,
`Bidirectional` reverses each sequence within its own length), so its gradient is zero.

Every layer has `y = layer.forward(x, lengths, training)` and, for the last forward pass, `dx = layer.backward(dy)`;
see `Layer`. Parameters have Keras' names and layout, so that weights can be exchanged and compared. The gradient of
the loss with respect to an array is named `d` and the array, as in `dx`.

Where to start reading: `rnn_step`, `lstm_step` and `gru_step` are one step of each recurrence as its equations have it.
The layers of the same modules compute the same for all steps, faster.
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
