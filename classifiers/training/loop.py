"""The training loop for every network and framework: epochs, the best one on dev, checkpoints, Ctrl-C."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.checkpoint import load_checkpoint, save_checkpoint
from classifiers.training.history import Epoch, Training, best
from classifiers.training.origin import Origin
from classifiers.training.recipes import Recipe

MIN_CHECKPOINTS = 20
"""The fewest checkpoints that a training run writes, if it has that many epochs; not every short epoch is worth one."""


class Trainable(Protocol):
    """A network in training, as the loop needs it."""

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """Train on all examples once, in an order given by the recipe's seed and `number`; yield each batch's loss."""

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """Return the outputs before the activation, (rows, labels)."""

    def state(self) -> dict[str, Array]:
        """Return copies of the weights and of the optimiser's state."""

    def restore(self, state: dict[str, Array]) -> None:
        """Restore the weights and the optimiser to a result of `state`."""


def fit(
    network: Trainable,
    train: Examples,
    dev: Examples,
    recipe: Recipe,
    judge: Callable[[Array, Array], tuple[float, float]],
    origin: Origin,
    checkpoint: Path,
    on_batch: Callable[[int, float], None] = lambda _number, _loss: None,
    on_epoch: Callable[[Epoch], None] = lambda _epoch: None,
) -> Training:
    """Train by `recipe`, from `checkpoint` if it exists, and leave the network at its best epoch.

    It ends early if dev does not improve for `recipe.patience` epochs, and after Ctrl-C, which sets `interrupted` and
    keeps the best state so far.

    Args:
        network: the network, at its initial weights.
        train: the training examples.
        dev: the examples on which the best epoch is chosen.
        recipe: how it is trained.
        judge: maps dev logits and targets to (loss, score).
        origin: where the examples come from, for the checkpoint.
        checkpoint: the folder to which finished epochs are written, at least `MIN_CHECKPOINTS` of them and the last one
            before Ctrl-C, and from which an earlier run is continued.
        on_batch: called after each batch with the epoch and the mean loss since its start.
        on_epoch: called with each finished epoch.

    Raises:
        CheckpointError: the checkpoint is from another recipe or origin, or cannot be read.
    """
    training = load_checkpoint(checkpoint, recipe, origin, network.restore)
    unsaved: dict[str, Array] = {}
    try:
        for number in range(len(training.epochs) + 1, recipe.epochs + 1):
            if _is_over(training.epochs, recipe):
                break
            epoch = _one_epoch(network, train, dev, recipe, judge, number, on_batch)
            state = network.state()
            # Only now does the epoch count, so that Ctrl-C leaves no epoch without its state.
            training = training.after(epoch, state)
            unsaved = state
            if number % max(1, recipe.epochs // MIN_CHECKPOINTS) == 0:
                save_checkpoint(checkpoint, training, recipe, origin, unsaved)
                unsaved = {}
            on_epoch(epoch)
    except KeyboardInterrupt:
        training.interrupted = True
    if unsaved:
        save_checkpoint(checkpoint, training, recipe, origin, unsaved)
    if training.best:
        network.restore(training.best)
    return training


def _one_epoch(
    network: Trainable,
    train: Examples,
    dev: Examples,
    recipe: Recipe,
    judge: Callable[[Array, Array], tuple[float, float]],
    number: int,
    on_batch: Callable[[int, float], None],
) -> Epoch:
    """Train on all examples once, and return the epoch; the arguments are those of `fit` and the epoch's number."""
    start = time.perf_counter()
    total, mean = 0.0, math.nan
    for count, loss in enumerate(network.train_epoch(train, number), start=1):
        total += loss
        mean = total / count
        on_batch(number, mean)
    dev_loss, score = judge(network.logits(dev.sequences), dev.targets)
    seconds = time.perf_counter() - start
    return Epoch(number, mean, dev_loss, score, seconds, number >= recipe.settled)


def _is_over(epochs: Sequence[Epoch], recipe: Recipe) -> bool:
    if recipe.patience is None or len(epochs) < recipe.settled:
        return False
    return len(epochs) - best(epochs).number >= recipe.patience
