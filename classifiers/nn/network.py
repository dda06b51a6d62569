"""A stack of our NumPy layers: the RNN, the GRU, the LSTM and the BiLSTM from scratch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, logits_of
from classifiers.nn.initializers import Seed
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, Layer, MeanMaxPooling

DEPTHS = {"rnn": 2, "gru": 2, "lstm": 2, "bilstm": 3}
"""The kinds of network that `build` knows, and how many recurrent layers each has."""

_CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


class Network:
    """Layers, one after the other; the first reads token numbers, the last gives a logit for each label."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self.layers = tuple(layers)
        self._leaves = {
            f"{place}.{part}": leaf for place, layer in enumerate(self.layers) for part, leaf in layer.leaves()
        }

    def forward(self, batch: Batch, training: bool = False) -> Array:
        """Logits (batch, labels)."""
        x: Array = batch.ids
        for layer in self.layers:
            x = layer.forward(x, batch.lengths, training)
        return x

    def backward(self, d_logits: Array) -> None:
        """Fill all gradients for the last forward pass from that of its logits (batch, labels)."""
        self.layers[0].backward(self.input_gradient(d_logits))

    def input_gradient(self, d_logits: Array) -> Array:
        """The gradient of the last forward pass's embedded inputs (time, batch, size) from that of its logits."""
        gradient = d_logits
        for layer in reversed(self.layers[1:]):
            gradient = layer.backward(gradient)
        return gradient

    @property
    def params(self) -> dict[str, Array]:
        """All parameters by name, "place.part.parameter"; the arrays themselves, no copies."""
        return {f"{name}{key}": array for name, leaf in self._leaves.items() for key, array in leaf.params.items()}

    @property
    def grads(self) -> dict[str, Array]:
        """The gradients of the last backward pass, under the names of `params`."""
        return {f"{name}{key}": leaf.grads[key] for name, leaf in self._leaves.items() for key in leaf.params}

    @property
    def touched(self) -> dict[str, Array]:
        """Of arrays whose gradient is zero but in few rows: those rows, under the names of `params`."""
        return {f"{name}{key}": rows for name, leaf in self._leaves.items() for key, rows in leaf.touched.items()}

    def load(self, arrays: Mapping[str, Array]) -> None:
        """Take over parameters by name, in the type of `arrays`.

        Raises:
            ValueError: names or shapes are not this network's.
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
        """Logits (rows, labels) of any number of sequences."""
        return logits_of(self.forward, sequences)


def build(
    kind: str, vocabulary: int, embedding: int, labels: int, rng: Seed, dropout: float = 0.0, units: int = 128
) -> Network:
    """A network of one of the kinds in `DEPTHS`: word vectors, recurrent layers, mean and max over time, logits.

    Layer for layer the network of `classifiers.training.keras_backend.build`, with which it can exchange its weights.
    """
    layers: list[Layer] = [Embedding(vocabulary, embedding, rng)]
    features = embedding
    for place in range(DEPTHS[kind]):
        layers.append(Dropout(dropout / 2 if place else dropout, rng))
        if kind == "bilstm":
            layers.append(Bidirectional(LSTM(features, units, rng), LSTM(features, units, rng)))
            features = 2 * units
        else:
            layers.append(_CELLS[kind](features, units, rng))
            features = units
    return Network([*layers, MeanMaxPooling(), Dropout(dropout, rng), Dense(2 * features, labels, rng)])
