"""Train the networks of `classifiers.nn.network` with our own backward passes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples
from classifiers.nn.layers import Dropout
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.nn.network import Network
from classifiers.nn.optimizers import Adam, clip_by_global_norm
from classifiers.training.recipes import Recipe
from classifiers.training.schedule import scheduled_batches


class Trainer:
    """A `loop.Trainable` in NumPy: AdamW, clipped gradients, warm-up and a cosine schedule."""

    def __init__(self, network: Network, recipe: Recipe, multi_label: bool) -> None:
        self.network = network
        self._recipe = recipe
        self._loss = sigmoid_cross_entropy if multi_label else softmax_cross_entropy
        self._optimizer = Adam(weight_decay=recipe.weight_decay)

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See `Trainable`."""
        rng = np.random.default_rng([self._recipe.seed, number])
        for layer in self.network.layers:
            if isinstance(layer, Dropout):
                layer.rng = rng
        for batch, targets, rate in scheduled_batches(examples, self._recipe, number, rng):
            yield self.step(batch, targets, rate)

    def step(self, batch: Batch, targets: Array, rate: float) -> float:
        """Update the weights once; return the loss before it."""
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


def _under(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}
