"""Define the networks of the study: the plain RNN, and one for each remedy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classifiers.nn.initializers import chain, chrono_bias, glorot_uniform
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Embedding, Layer, MeanMaxPooling
from classifiers.nn.network import Network
from classifiers.study.layers import LastStep, NormalisedRNN, ReLURNN, Residual

CHRONO_LONGEST = 80
"""The longest time, in steps, for which chrono initialisation is set: the longest distance of the study."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """The layers of a network of the study, and how it is trained.

    Attributes:
        layers: returns the recurrent layers, with `units` features in and out, for a number of units and a random
            generator.
        directions: 2 if the last layer also reads from the right.
        clip_norm: the largest joint norm of the gradients in training; larger gradients are scaled down.
        pooled: whether it predicts from mean and maximum over all steps instead of the final state.
    """

    layers: Callable[[int, np.random.Generator], list[Layer]]
    directions: int = 1
    clip_norm: float = 1.0
    pooled: bool = False

    def build(self, vocabulary: int, units: int, labels: int, rng: np.random.Generator) -> Network:
        """Return the untrained network: embeddings, recurrent layers, pooling or final state, and logits."""
        pooling = MeanMaxPooling() if self.pooled else LastStep(self.directions)
        features = units * self.directions * (2 if self.pooled else 1)
        layers = self.layers(units, rng)
        return Network([Embedding(vocabulary, units, rng), *layers, pooling, Dense(features, labels, rng)])


def _glorot(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an RNN whose recurrent matrix is Glorot-uniform instead of orthogonal."""
    layer = RNN(units, units, rng)
    layer.params["recurrent_kernel"] = glorot_uniform(rng, units, units)
    return [layer]


def _orthogonal(units: int, rng: np.random.Generator) -> list[Layer]:
    return [RNN(units, units, rng)]


def _chain(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an RNN that starts as a chain of units, each fed by one feature of the input, after Orhan and Pitkow.

    Their networks use ELU or ReLU instead of tanh. 0.9 is their scale of W.
    """
    layer = RNN(units, units, rng)
    layer.params["kernel"] = 0.9 * np.eye(units, dtype=np.float32)
    layer.params["recurrent_kernel"] = chain(units)
    return [layer]


def _chrono_gru(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return a GRU with chrono initialisation of its update gate, which keeps the state."""
    layer = GRU(units, units, rng)
    layer.params["bias"][0, :units] = chrono_bias(rng, units, CHRONO_LONGEST)
    return [layer]


def _lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [LSTM(units, units, rng)]


def _open_lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an LSTM whose forget gate is initially σ(4) = 0.98 instead of σ(1) = 0.73, so that it forgets slowly."""
    layer = LSTM(units, units, rng)
    layer.params["bias"][units : 2 * units] = 4
    return [layer]


def _chrono_lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an LSTM with chrono initialisation of its forget gate, and the negative of it for its input gate."""
    layer = LSTM(units, units, rng)
    forget = chrono_bias(rng, units, CHRONO_LONGEST)
    layer.params["bias"][: 2 * units] = np.concatenate([-forget, forget])
    return [layer]


def _bilstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [Bidirectional(LSTM(units, units, rng), LSTM(units, units, rng))]


MEMORY = {
    "glorot": NetworkSpec(_glorot, clip_norm=math.inf),
    "orthogonal": NetworkSpec(_orthogonal),
    "chain": NetworkSpec(_chain),
    "relu": NetworkSpec(lambda units, rng: [ReLURNN(units, units, rng)]),
    "skip": NetworkSpec(lambda units, rng: [Residual(RNN(units, units, rng)), Residual(RNN(units, units, rng))]),
    "norm": NetworkSpec(lambda units, rng: [NormalisedRNN(units, units, rng)]),
    "gru": NetworkSpec(lambda units, rng: [GRU(units, units, rng)]),
    "gru-chrono": NetworkSpec(_chrono_gru),
    "lstm": NetworkSpec(_lstm),
    "lstm-open": NetworkSpec(_open_lstm),
    "lstm-chrono": NetworkSpec(_chrono_lstm),
    "bilstm": NetworkSpec(_bilstm, directions=2),
}
"""The networks of the memory task: the plain RNN first, then each remedy."""

GOEMOTIONS = {
    "glorot": NetworkSpec(_glorot, clip_norm=math.inf),
    "orthogonal": NetworkSpec(_orthogonal),
    "lstm": NetworkSpec(_lstm),
    "bilstm": NetworkSpec(_bilstm, directions=2),
    "orthogonal-pooled": NetworkSpec(_orthogonal, pooled=True),
    "bilstm-pooled": NetworkSpec(_bilstm, directions=2, pooled=True),
}
"""The networks that read GoEmotions; the pooled ones predict as the shipped models do."""
