"""A stack of our NumPy layers: the RNN, the GRU, the LSTM and the BiLSTM from scratch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, count_batches, logits_of, training_batches
from classifiers.nn.initializers import Seed
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Dense, Dropout, Embedding, Layer, MeanMaxPooling
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.nn.optimizers import Adam, clip_by_global_norm, warmup_cosine
from classifiers.training.loop import Recipe

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


class Trainer:
    """A network in training: AdamW, clipped gradients, a warm-up and a cosine (see `training.fit`)."""

    def __init__(self, network: Network, recipe: Recipe, multi_label: bool) -> None:
        self.network = network
        self._recipe = recipe
        self._loss = sigmoid_cross_entropy if multi_label else softmax_cross_entropy
        self._optimizer = Adam(weight_decay=recipe.weight_decay)

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, number])
        for layer in self.network.layers:
            if isinstance(layer, Dropout):
                layer.rng = rng
        steps = count_batches(examples, recipe.batch_size)
        batches = training_batches(examples, recipe.batch_size, rng, recipe.word_dropout)
        for step, (batch, targets) in enumerate(batches, start=(number - 1) * steps):
            rate = warmup_cosine(step, recipe.epochs * steps, recipe.learning_rate)
            yield self.step(batch, targets, rate)

    def step(self, batch: Batch, targets: Array, rate: float) -> float:
        """One update; returns the loss before it."""
        loss, d_logits = self._loss(self.network.forward(batch, training=True), targets)
        self.network.backward(d_logits)
        grads, touched = self.network.grads, self.network.touched
        clip_by_global_norm(grads, self._recipe.clip_norm, touched)
        self._optimizer.step(self.network.params, grads, rate, touched)
        return loss

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """See `Trainable`."""
        return self.network.logits(sequences)

    def state(self) -> dict[str, Array]:
        """See `Trainable`."""
        return {
            **{f"network/{name}": array.copy() for name, array in self.network.params.items()},
            **{f"optimizer/{name}": array.copy() for name, array in self._optimizer.state.items()},
        }

    def restore(self, state: dict[str, Array]) -> None:
        """See `Trainable`."""
        arrays = {name: array.copy() for name, array in state.items()}
        moments = _under("optimizer/", arrays)
        self.network.load(_under("network/", arrays))
        shapes = {
            f"{name}.{moment}": array.shape
            for name, array in self.network.params.items()
            for moment in ("mean", "root")
        }
        if {name: array.shape for name, array in moments.items()} not in ({"steps": (1,)}, {"steps": (1,), **shapes}):
            raise ValueError("the state is that of another framework's optimiser, or of an earlier version's")
        self._optimizer.state = moments


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


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
