"""The BiLSTM in Keras on TensorFlow, and its export to ONNX for a bot without TensorFlow.

Its parameters go by the same names as those of `classifiers.network.bilstm`, the same network in NumPy, so that
weights pass between the two, and from either to ONNX.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnx.checker
import onnx.numpy_helper
import onnx.parser
import tensorflow as tf

from classifiers.batching import Batch, Examples, count_batches, logits_of, training_batches
from classifiers.layers import Array
from classifiers.optimizers import warmup_cosine
from classifiers.training import Recipe


@keras.saving.register_keras_serializable(package="emobot")
class MeanMaxPooling(keras.layers.Layer):
    """Mean and maximum over the unmasked steps: (batch, time, features) to (batch, 2 x features)."""

    supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """`mask` (batch, time) comes from the embedding."""
        real = keras.ops.expand_dims(mask, -1)
        weights = keras.ops.cast(real, inputs.dtype)
        mean = keras.ops.sum(inputs * weights, axis=1) / keras.ops.sum(weights, axis=1)
        return keras.ops.concatenate([mean, keras.ops.max(keras.ops.where(real, inputs, -1e9), axis=1)], axis=-1)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Time is gone, and the mask with it."""
        del inputs, mask


def build(vocabulary: int, embedding: int, labels: int, dropout: float = 0.0) -> keras.Model:
    """The BiLSTM: word vectors, three bidirectional layers of 128 units, mean and max over time, logits."""
    lstm = [keras.layers.Bidirectional(keras.layers.LSTM(128, return_sequences=True)) for _ in range(3)]
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="ids"),
            keras.layers.Embedding(vocabulary, embedding, mask_zero=True),
            keras.layers.SpatialDropout1D(dropout),
            lstm[0],
            keras.layers.SpatialDropout1D(dropout / 2),
            lstm[1],
            keras.layers.SpatialDropout1D(dropout / 2),
            lstm[2],
            MeanMaxPooling(),
            keras.layers.Dropout(dropout),
            keras.layers.Dense(labels),
        ]
    )


def params(model: keras.Model) -> dict[str, Array]:
    """Copies of the parameters of `build`'s model, under the names of `classifiers.network.bilstm`."""
    return {name: variable.numpy() for name, variable in variables(model).items()}


def load(model: keras.Model, arrays: Mapping[str, Array]) -> None:
    """Give `build`'s model the parameters that `params` or the NumPy network names."""
    for name, variable in variables(model).items():
        variable.assign(arrays[name])


def variables(model: keras.Model) -> dict[str, Any]:
    """The parameters themselves, under the names of `classifiers.network.bilstm`."""
    named: dict[str, Any] = {}
    for place, layer in enumerate(model.layers):
        if isinstance(layer, keras.layers.Bidirectional):
            for direction, inner in (("forward", layer.forward_layer), ("backward", layer.backward_layer)):
                named |= {f"{place}.{direction}.{v.name}": v for v in inner.cell.weights}
        else:
            named |= {f"{place}.{v.name}": v for v in layer.weights}
    return named


class Trainer:
    """The Keras BiLSTM in training: the same recipe as the NumPy networks' (see `training.fit`)."""

    def __init__(self, model: keras.Model, recipe: Recipe, multi_label: bool) -> None:
        self.model = model
        self._recipe = recipe
        keras.utils.set_random_seed(recipe.seed)
        self._optimizer = keras.optimizers.AdamW(
            recipe.learning_rate, weight_decay=recipe.weight_decay, global_clipnorm=recipe.clip_norm
        )
        loss = keras.losses.BinaryCrossentropy if multi_label else keras.losses.CategoricalCrossentropy
        model.compile(self._optimizer, loss(from_logits=True))
        self._optimizer.build(model.trainable_variables)

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`; the batches come through `tf.data`, made while the network computes."""
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, number])
        steps = count_batches(examples, recipe.batch_size)

        def batches() -> Iterator[tuple[Array, Array]]:
            for batch, targets in training_batches(examples, recipe.batch_size, rng, recipe.word_dropout):
                yield batch.ids.T, targets

        stream = tf.data.Dataset.from_generator(
            batches,
            output_signature=(
                tf.TensorSpec((None, None), tf.int32),
                tf.TensorSpec((None, examples.targets.shape[1]), tf.float32),
            ),
        ).prefetch(tf.data.AUTOTUNE)
        for step, (ids, targets) in enumerate(stream, start=(number - 1) * steps):
            self._optimizer.learning_rate = warmup_cosine(step, recipe.epochs * steps, recipe.learning_rate)
            self.model.reset_metrics()  # else Keras answers with the mean of all batches so far
            yield float(self.model.train_on_batch(ids, targets))

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


def run(model: keras.Model, batch: Batch) -> Array:
    """Logits (batch, labels) of one padded batch."""
    return np.asarray(_call(model, tf.constant(np.ascontiguousarray(batch.ids.T))))


@tf.function(reduce_retracing=True)
def _call(model: keras.Model, ids: Any) -> Any:
    return model(ids, training=False)


_GRAPH = """
<ir_version: 8, opset_import: ["": 17]>
bilstm (int32[time, batch] ids, int32[batch] lengths) => (float[batch, {labels}] logits)
<int64[1] time_axis = {{0}}, int64[1] unit_axis = {{1}}, int64[2] unit_axes = {{1, 2}}, int64[2] outer_axes = {{0, 2}},
 int64[3] joined = {{0, 0, -1}}, int32 zero = {{0}}, int32 one = {{1}}, float lowest = {{-3.4e38}}>
{{
    vectors = Gather (embeddings, ids)
    hidden_0 = Cast <to: int = 1> (vectors)
    {lstm_layers}

    # The operator leaves zeros beyond each length: a plain sum serves the mean, but the maximum needs the mask.
    total = ReduceSum <keepdims: int = 0> (hidden_3, time_axis)
    column = Unsqueeze (lengths, unit_axis)
    counts = Cast <to: int = 1> (column)
    mean = Div (total, counts)
    shape = Shape <start: int = 0, end: int = 1> (ids)
    steps_64 = Squeeze (shape, time_axis)
    steps = Cast <to: int = 6> (steps_64)
    clock = Range (zero, steps, one)
    clock_3d = Unsqueeze (clock, unit_axes)
    lengths_3d = Unsqueeze (lengths, outer_axes)
    real = Less (clock_3d, lengths_3d)
    candidates = Where (real, hidden_3, lowest)
    highest = ReduceMax <axes: ints = [0], keepdims: int = 0> (candidates)
    pooled = Concat <axis: int = 1> (mean, highest)
    output_kernel_32 = Cast <to: int = 1> (output_kernel)
    output_bias_32 = Cast <to: int = 1> (output_bias)
    logits = Gemm (pooled, output_kernel_32, output_bias_32)
}}
"""

_LSTM_LAYER = """
    w_{n} = Cast <to: int = 1> (kernel_{n})
    r_{n} = Cast <to: int = 1> (recurrent_{n})
    b_{n} = Cast <to: int = 1> (bias_{n})
    directions_{n} = LSTM <hidden_size: int = 128, direction: string = "bidirectional">
        (hidden_{before}, w_{n}, r_{n}, b_{n}, lengths)
    apart_{n} = Transpose <perm: ints = [0, 2, 1, 3]> (directions_{n})
    hidden_{n} = Reshape (apart_{n}, joined)
"""


def save_onnx(arrays: Mapping[str, Array], path: Path, dtype: type[np.floating[Any]] = np.float16) -> None:
    """Write the BiLSTM with the given parameters as an ONNX graph over ONNX's own LSTM operator.

    Inputs `ids` (time, batch) and `lengths` (batch,), int32, right-padded; output `logits` (batch, labels).
    Parameters are stored as `dtype` and computed with in float32.
    """
    weights = {
        "embeddings": arrays["0.embeddings"],
        "output_kernel": arrays["9.kernel"],
        "output_bias": arrays["9.bias"],
    }
    for n, place in enumerate((2, 4, 6), start=1):
        ahead, behind = (
            {key: arrays[f"{place}.{direction}.{key}"] for key in ("kernel", "recurrent_kernel", "bias")}
            for direction in ("forward", "backward")
        )
        weights[f"kernel_{n}"] = np.stack([_gates(ahead["kernel"]), _gates(behind["kernel"])])
        weights[f"recurrent_{n}"] = np.stack([_gates(ahead["recurrent_kernel"]), _gates(behind["recurrent_kernel"])])
        biases = np.stack([_gates(ahead["bias"]), _gates(behind["bias"])])
        weights[f"bias_{n}"] = np.concatenate([biases, np.zeros_like(biases)], axis=1)
    layers = "".join(_LSTM_LAYER.format(n=n, before=n - 1) for n in (1, 2, 3))
    model = onnx.parser.parse_model(_GRAPH.format(labels=len(arrays["9.bias"]), lstm_layers=layers))
    model.graph.initializer.extend(
        onnx.numpy_helper.from_array(np.ascontiguousarray(array, dtype=dtype), name) for name, array in weights.items()
    )
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def _gates(array: Array) -> Array:
    """Keras' gates i, f, g, o along the last axis, as ONNX wants them: i, o, f, g along the first."""
    i, f, g, o = np.split(array, 4, axis=-1)
    return np.concatenate([i, o, f, g], axis=-1).T
