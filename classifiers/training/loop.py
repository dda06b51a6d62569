"""Train a network in any framework: epochs, the best one on dev, checkpoints, Ctrl-C."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.checkpoint import load_checkpoint, save_checkpoint
from classifiers.training.history import Epoch, History, choose_best
from classifiers.training.origin import Origin
from classifiers.training.progress import Bar, NullReporter
from classifiers.training.recipes import Recipe

MIN_CHECKPOINTS = 20
"""A run to the last epoch writes at least this many checkpoints, or one for each epoch if it has fewer."""


class Trainable(Protocol):
    """A network that `fit` can train."""

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """Train on all examples once, in an order given by the recipe's seed and `number`; yield each batch's loss."""

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """Return the outputs before the activation, (rows, labels)."""

    def state(self) -> dict[str, Array]:
        """Return copies of the weights and of the optimiser's state."""

    def restore(self, state: dict[str, Array]) -> None:
        """Restore the weights and the optimiser to a result of `state`."""


@dataclass(frozen=True, slots=True)
class Job:
    """The examples, the recipe and the checkpoint of a training run.

    Attributes:
        train: the training examples.
        dev: the examples on which the best epoch is chosen.
        recipe: the hyper-parameters.
        evaluate: maps dev logits and targets to (loss, score).
        origin: where the examples come from, for the checkpoint.
        checkpoint: the folder to which finished epochs are written, as often as `MIN_CHECKPOINTS` says and at Ctrl-C,
            and from which an earlier run is continued.
    """

    train: Examples
    dev: Examples
    recipe: Recipe
    evaluate: Callable[[Array, Array], tuple[float, float]]
    origin: Origin
    checkpoint: Path


def fit(network: Trainable, job: Job, progress: Bar | None = None) -> History:
    """Train a network, from its checkpoint if there is one, and leave it in its state after the best epoch.

    Training ends early if dev does not improve for `recipe.patience` epochs, and after Ctrl-C, which sets `interrupted`
    and keeps the best state so far.

    Args:
        network: the network, at its initial weights.
        job: the examples, the recipe and the checkpoint.
        progress: called after each batch and each epoch; None to show nothing.

    Raises:
        CheckpointError: the checkpoint is from another recipe or origin, or cannot be read.
    """
    recipe, progress = job.recipe, progress or NullReporter()
    history = load_checkpoint(job.checkpoint, recipe, job.origin, network.restore)
    unsaved: dict[str, Array] = {}
    try:
        for number in range(len(history.epochs) + 1, recipe.epochs + 1):
            if _is_over(history.epochs, recipe):
                break
            epoch = _train_epoch(network, job, number, progress)
            state = network.state()
            # Only now does the epoch count, so that Ctrl-C leaves no epoch without its state.
            history = history.with_epoch(epoch, state)
            unsaved = state
            if number % max(1, recipe.epochs // MIN_CHECKPOINTS) == 0:
                save_checkpoint(job.checkpoint, history, recipe, job.origin, unsaved)
                unsaved = {}
            progress.on_epoch(epoch)
    except KeyboardInterrupt:
        history.interrupted = True
    if unsaved:
        save_checkpoint(job.checkpoint, history, recipe, job.origin, unsaved)
    if history.best_state:
        network.restore(history.best_state)
    return history


def _train_epoch(network: Trainable, job: Job, number: int, progress: Bar) -> Epoch:
    """Train on all examples once, and return the results of this epoch, which has this number."""
    start = time.perf_counter()
    total, mean = 0.0, math.nan
    for count, loss in enumerate(network.train_epoch(job.train, number), start=1):
        total += loss
        mean = total / count
        progress.on_batch(number, mean)
    dev_loss, score = job.evaluate(network.logits(job.dev.sequences), job.dev.targets)
    seconds = time.perf_counter() - start
    return Epoch(number, mean, dev_loss, score, seconds, number >= job.recipe.settled)


def _is_over(epochs: Sequence[Epoch], recipe: Recipe) -> bool:
    if recipe.patience is None or len(epochs) < recipe.settled:
        return False
    return len(epochs) - choose_best(epochs).number >= recipe.patience
