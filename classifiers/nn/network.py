"""Stack our NumPy layers into networks: the RNN, the GRU, the LSTM and the BiLSTM from scratch."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, logits_of
from classifiers.nn.initializers import Seed
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, Layer, MeanMaxPooling

UNITS = 128
"""The units of each recurrent layer in each direction, unless `build` is given another number."""


RecurrentLayer: TypeAlias = Callable[[int, int, Seed], Layer]
"""The class of a recurrent layer, called with features, units and a source of random numbers."""


@dataclass(frozen=True, slots=True)
class Kind:
    """The recurrent layers of a kind of network.

    Attributes:
        layer: the class of each layer.
        depth: the number of layers.
        directions: 1 if they read only from the left, 2 if each reads from both sides.
    """

    layer: RecurrentLayer
    depth: int
    directions: int = 1

    @property
    def output(self) -> int:
        """The index of the last layer in a network of this kind; each recurrent layer has a dropout layer before it."""
        return 2 * self.depth + 3


KINDS = {"rnn": Kind(RNN, 2), "gru": Kind(GRU, 2), "lstm": Kind(LSTM, 2), "bilstm": Kind(LSTM, 3, directions=2)}
"""The kinds of network that `build` knows."""


class Network:
    """A sequence of layers; the first reads token numbers, and the last gives a logit for each label."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self._leaves = {
            f"{place}.{part}": leaf for place, layer in enumerate(self.layers) for part, leaf in layer.leaves()
        }

    def forward(self, batch: Batch, training: bool = False) -> Array:
        """Return logits (batch, labels)."""
        return self.layers[-1].forward(self.features(batch, training), batch.lengths, training)

    def features(self, batch: Batch, training: bool = False) -> Array:
        """Return what the last layer reads, (batch, features)."""
        x: Array = batch.ids
        for layer in self.layers[:-1]:
            x = layer.forward(x, batch.lengths, training)
        return x

    def backward(self, d_logits: Array) -> None:
        """Fill all gradients for the last forward pass from that of its logits (batch, labels)."""
        self.layers[0].backward(self.input_gradient(d_logits))

    def input_gradient(self, d_logits: Array) -> Array:
        """Return the gradient of the last pass's embedded inputs (time, batch, size) from that of its logits."""
        gradient = d_logits
        for layer in reversed(self.layers[1:]):
            gradient = layer.backward(gradient)
        return gradient

    @property
    def params(self) -> dict[str, Array]:
        """All parameters by name: the arrays themselves, not copies.

        The name is the layer's index and the parameter's name, as "1.kernel"; in a bidirectional layer with the
        direction between them, as "2.forward.kernel".
        """
        return {f"{name}{key}": array for name, leaf in self._leaves.items() for key, array in leaf.params.items()}

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients of the last backward pass, under the names of `params`."""
        return {f"{name}{key}": leaf.grads[key] for name, leaf in self._leaves.items() for key in leaf.params}

    @property
    def touched(self) -> dict[str, Array]:
        """The rows with a gradient, for parameters whose gradient is zero in most rows, under the names of `params`."""
        return {f"{name}{key}": rows for name, leaf in self._leaves.items() for key, rows in leaf.touched.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Load parameters by name, keeping the types of `arrays`.

        Raises:
            ValueError: names, shapes or types do not fit this network.
        """
        own = {name: array.shape for name, array in self.params.items()}
        given = {name: array.shape for name, array in arrays.items()}
        for name in sorted(own.keys() | given.keys()):
            if own.get(name) != given.get(name):
                raise ValueError(
                    f"the weights do not fit this network: {name} is {given.get(name, 'missing')}, "
                    f"not {own.get(name, 'known')}"
                )
            if arrays[name].dtype.kind != "f":
                raise ValueError(
                    f"the weights do not fit this network: {name} is of {arrays[name].dtype}, not of floats"
                )
        for name, leaf in self._leaves.items():
            leaf.params = {key: arrays[f"{name}{key}"] for key in leaf.params}

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """Return logits (rows, labels) of one or more sequences."""
        return logits_of(self.forward, sequences)


def build(
    name: str, vocabulary: int, embedding: int, labels: int, rng: Seed, dropout: float = 0.0, units: int = UNITS
) -> Network:
    """Return a network of one of `KINDS`, see `stacked`.

    It has the same layers as the network of `classifiers.training.keras_backend.build`, so the two can exchange
    weights.
    """
    return stacked(KINDS[name], vocabulary, embedding, labels, rng, dropout, units)


def stacked(
    kind: Kind, vocabulary: int, embedding: int, labels: int, rng: Seed, dropout: float = 0.0, units: int = UNITS
) -> Network:
    """Return a network of any kind: word vectors, recurrent layers, mean and max over time, logits."""
    layers: list[Layer] = [Embedding(vocabulary, embedding, rng)]
    features = embedding
    for place in range(kind.depth):
        layers.append(Dropout(dropout / 2 if place else dropout, rng))
        directions = [kind.layer(features, units, rng) for _ in range(kind.directions)]
        layers.append(Bidirectional(*directions) if kind.directions == 2 else directions[0])
        features = kind.directions * units
    return Network([*layers, MeanMaxPooling(), Dropout(dropout, rng), Dense(2 * features, labels, rng)])
