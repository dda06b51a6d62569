"""The networks of the study: the plain RNN and each remedy."""

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
"""The longest time, in steps, for which the chrono start is set: the longest distance of the study."""


@dataclass(frozen=True, slots=True)
class Row:
    """A network of the study.

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

    def network(self, vocabulary: int, units: int, labels: int, rng: np.random.Generator) -> Network:
        """Return the untrained network: embeddings, recurrent layers, pooling or final state, and logits."""
        reading = MeanMaxPooling() if self.pooled else LastStep(self.directions)
        features = units * self.directions * (2 if self.pooled else 1)
        layers = self.layers(units, rng)
        return Network([Embedding(vocabulary, units, rng), *layers, reading, Dense(features, labels, rng)])


def _glorot(units: int, rng: np.random.Generator) -> list[Layer]:
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
    layer = GRU(units, units, rng)
    layer.params["bias"][0, :units] = chrono_bias(rng, units, CHRONO_LONGEST)  # the update gate, which keeps
    return [layer]


def _lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [LSTM(units, units, rng)]


def _open_lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    """Return an LSTM whose forget gate is initially σ(4) = 0.98 instead of σ(1) = 0.73, so that it forgets slowly."""
    layer = LSTM(units, units, rng)
    layer.params["bias"][units : 2 * units] = 4
    return [layer]


def _chrono_lstm(units: int, rng: np.random.Generator) -> list[Layer]:
    layer = LSTM(units, units, rng)
    forget = chrono_bias(rng, units, CHRONO_LONGEST)
    layer.params["bias"][: 2 * units] = np.concatenate([-forget, forget])
    return [layer]


def _bilstm(units: int, rng: np.random.Generator) -> list[Layer]:
    return [Bidirectional(LSTM(units, units, rng), LSTM(units, units, rng))]


MEMORY = {
    "glorot": Row(_glorot, clip_norm=math.inf),
    "orthogonal": Row(_orthogonal),
    "chain": Row(_chain),
    "relu": Row(lambda units, rng: [ReLURNN(units, units, rng)]),
    "skip": Row(lambda units, rng: [Residual(RNN(units, units, rng)), Residual(RNN(units, units, rng))]),
    "norm": Row(lambda units, rng: [NormalisedRNN(units, units, rng)]),
    "gru": Row(lambda units, rng: [GRU(units, units, rng)]),
    "gru-chrono": Row(_chrono_gru),
    "lstm": Row(_lstm),
    "lstm-open": Row(_open_lstm),
    "lstm-chrono": Row(_chrono_lstm),
    "bilstm": Row(_bilstm, directions=2),
}
"""The networks of the memory task: the plain RNN first, then each remedy."""

GOEMOTIONS = {
    "glorot": Row(_glorot, clip_norm=math.inf),
    "orthogonal": Row(_orthogonal),
    "lstm": Row(_lstm),
    "bilstm": Row(_bilstm, directions=2),
    "orthogonal-pooled": Row(_orthogonal, pooled=True),
    "bilstm-pooled": Row(_bilstm, directions=2, pooled=True),
}
"""The networks that read GoEmotions; the pooled ones predict as the shipped models do."""
