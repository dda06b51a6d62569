"""Build and train the networks of `classifiers.nn.network` in Keras on TensorFlow.

Their parameters go by the same names as those of the same networks in NumPy, so that weights pass between the two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, count_batches, logits_of
from classifiers.nn.layers import GRU, LSTM, RNN
from classifiers.nn.network import KINDS, UNITS, Network, RecurrentLayer
from classifiers.training.recipes import Recipe
from classifiers.training.schedule import scheduled_batches

_LAYERS: dict[RecurrentLayer, Any] = {
    RNN: keras.layers.SimpleRNN,
    GRU: keras.layers.GRU,
    LSTM: keras.layers.LSTM,
}
"""The equivalent Keras layer for each of ours."""


@keras.saving.register_keras_serializable(package="emobot")
class MeanMaxPooling(keras.layers.Layer):
    """Mean and maximum over the unmasked steps: (batch, time, features) to (batch, 2 x features)."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Return the means and, beside them, the maxima; `mask` (batch, time) comes from the embedding."""
        real = keras.ops.expand_dims(mask, -1)
        weights = keras.ops.cast(real, inputs.dtype)
        mean = keras.ops.sum(inputs * weights, axis=1) / keras.ops.sum(weights, axis=1)
        return keras.ops.concatenate([mean, keras.ops.max(keras.ops.where(real, inputs, -1e9), axis=1)], axis=-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return no mask, since the output has no steps."""
        del inputs, mask


def build(
    name: str, vocabulary: int, embedding: int, labels: int, dropout: float = 0.0, seed: int = 0, units: int = UNITS
) -> keras.Model:
    """Return the network of `classifiers.nn.network.build`, layer for layer; `seed` is for weights and dropout."""
    kind = KINDS[name]
    keras.utils.set_random_seed(seed)  # dropout layers draw their own seeds when they are created
    layers = [
        keras.Input((None,), dtype="int32", name="ids"),
        keras.layers.Embedding(vocabulary, embedding, mask_zero=True),
    ]
    for place in range(kind.depth):
        layers.append(keras.layers.SpatialDropout1D(dropout / 2 if place else dropout))
        layer = _LAYERS[kind.layer](units, return_sequences=True)
        layers.append(keras.layers.Bidirectional(layer) if kind.directions == 2 else layer)
    layers += [MeanMaxPooling(), keras.layers.Dropout(dropout), keras.layers.Dense(labels)]
    return keras.Sequential(layers)


def from_network(name: str, network: Network, dropout: float, seed: int) -> keras.Model:
    """Return the Keras equivalent of a network of ours, with its weights; `seed` is for dropout."""
    vocabulary, embedding = network.layers[0].params["embeddings"].shape
    model = build(name, vocabulary, embedding, len(network.layers[-1].params["bias"]), dropout, seed)
    load(model, network.params)
    return model


def params(model: keras.Model) -> dict[str, Array]:
    """Return copies of the parameters of `build`'s model, by the names that `classifiers.nn.network` gives them."""
    return {name: variable.numpy() for name, variable in variables(model).items()}


def load(model: keras.Model, arrays: Mapping[str, Array]) -> None:
    """Load parameters into `build`'s model, by the names that `params` or the NumPy network uses."""
    for name, variable in variables(model).items():
        variable.assign(arrays[name])


def variables(model: keras.Model) -> dict[str, Any]:
    """Return the parameters themselves, by the names that `classifiers.nn.network` gives them."""
    named: dict[str, Any] = {}
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Bidirectional):
            for direction, inner in (("forward", layer.forward_layer), ("backward", layer.backward_layer)):
                named |= {f"{place}.{direction}.{v.name}": v for v in inner.cell.weights}
        else:
            named |= {f"{place}.{v.name}": v for v in layer.weights}
    return named


class Trainer:
    """A `loop.Trainable` in Keras, trained like the NumPy networks."""

    def __init__(self, model: keras.Model, recipe: Recipe, multi_label: bool) -> None:
        self.model = model
        self._recipe = recipe
        self._optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm
        )
        cross_entropy = keras.losses.BinaryCrossentropy if multi_label else keras.losses.CategoricalCrossentropy
        loss = cross_entropy(from_logits=True)
        model.compile(self._optimizer, loss)  # for people who continue training the saved model
        self._optimizer.build(model.trainable_variables)
        self._update = _update_function(model, self._optimizer, loss)

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, number])
        self.set_dropout((number - 1) * count_batches(examples, recipe.batch_size))
        for batch, targets, rate in scheduled_batches(examples, recipe, number, rng):
            yield self.step(batch.ids.T, targets, rate)

    def set_dropout(self, steps: int) -> None:
        """Make dropout draw the masks that follow this many steps, so that a resumed training run gets the same."""
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.Dropout) and layer.rate:
                seed, _ = layer.seed_generator.state.numpy()  # the second number counts the masks drawn
                layer.seed_generator.state.assign([seed, steps])

    def step(self, ids: Array, targets: Array, rate: float) -> float:
        """Update the weights once, from token numbers (batch, time); return the loss before it."""
        self._optimizer.learning_rate = rate
        return float(self._update(ids, targets))

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """See `Trainable`."""
        return logits_of(lambda batch: run(self.model, batch), sequences, batch_size=256)

    def state(self) -> dict[str, Array]:
        """See `Trainable`."""
        return {
            **{f"network/{name}": array for name, array in params(self.model).items()},
            **{
                f"optimizer/{place}": np.asarray(variable.numpy())
                for place, variable in enumerate(self._optimizer.variables)
            },
        }

    def restore(self, state: dict[str, Array]) -> None:
        """See `Trainable`."""
        for place, variable in enumerate(self._optimizer.variables):
            variable.assign(state[f"optimizer/{place}"])
        load(self.model, {name.removeprefix("network/"): array for name, array in state.items()})


def _update_function(model: keras.Model, optimizer: keras.Optimizer, loss: keras.Loss) -> Callable[..., Any]:
    """Return a function that makes one update from token numbers and targets, and returns the loss before it.

    It is compiled once for batches of all shapes, whereas `train_on_batch` is recompiled for each of the first few
    shapes, which takes longer than a short training run.
    """

    def update(ids: Any, targets: Any) -> Any:
        with tf.GradientTape() as tape:
            error = loss(targets, model(ids, training=True))
        gradients = tape.gradient(error, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))
        return error

    any_shape = tf.TensorSpec((None, None), tf.int32), tf.TensorSpec((None, None), tf.float32)
    compiled: Callable[..., Any] = tf.function(update, input_signature=any_shape, autograph=False)
    return compiled


def run(model: keras.Model, batch: Batch) -> Array:
    """Return logits (batch, labels) of one padded batch."""
    return np.asarray(_call(model, tf.constant(np.ascontiguousarray(batch.ids.T))))


@tf.function(reduce_retracing=True, autograph=False)
def _call(model: keras.Model, ids: Any) -> Any:
    return model(ids, training=False)
