"""The training loop that every network here goes through, whatever computes its gradients."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Literal, Protocol

import msgspec
import numpy as np
from safetensors.numpy import load_file, save

from classifiers.errors import CheckpointError
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.origin import Origin

FORMAT = "emobot-training-1"
"""What the history of every checkpoint begins with."""

SAVES = 20
"""How often a training writes its checkpoint at least, if it has so many epochs; short ones are not worth it each."""

_HISTORY = "history.json"
_OWN = re.compile(r"history\.json(\.partial)?|epoch-\d+\.safetensors")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained.

    Attributes:
        epochs: how often every example is seen.
        batch_size: examples an update.
        learning_rate: its peak, reached after a tenth of all steps; a cosine brings it to zero.
        embedding: size of the word vectors.
        dropout: share of features silenced at the embeddings and before the output; half of it between layers.
        word_dropout: share of words replaced by the unknown one.
        weight_decay: AdamW's.
        clip_norm: the gradients' largest joint norm.
        seed: of initial weights, order and dropout.
        settled: the first epoch that dev may choose; earlier ones are kept only for want of another.
        patience: after how many settled epochs without a better one the training ends; None to see all epochs.
    """

    epochs: int
    batch_size: int
    learning_rate: float
    embedding: int
    dropout: float
    word_dropout: float
    weight_decay: float
    clip_norm: float = 1.0
    seed: int = 0
    settled: int = 1
    patience: int | None = None


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of a training's history.

    Attributes:
        number: counted from 1.
        loss: mean training loss of the epoch, dropout included.
        dev_loss: loss on dev after the epoch, at the temperature that suits the network best by then; without it, a
            network that grows too sure of itself would seem worse than it will be once it is calibrated.
        score: macro-F1 on dev after the epoch, with thresholds chosen there.
        seconds: the epoch's duration.
        settled: whether dev may choose it, as `Recipe.settled` says.
    """

    number: int
    loss: float
    dev_loss: float
    score: float
    seconds: float
    settled: bool = True


class Trainable(Protocol):
    """What the loop asks of a network."""

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        """See all examples once, in an order fixed by the recipe's seed and `number`; yields each batch's loss."""

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        """Outputs before the activation, (rows, labels)."""

    def state(self) -> dict[str, Array]:
        """Copies of the weights and of all that the optimiser needs to go on."""

    def restore(self, state: dict[str, Array]) -> None:
        """Take up a state that `state` gave."""


@dataclass(slots=True)
class Training:
    """The course of one training: what has happened, and the best state so far."""

    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, Array] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def best_epoch(self) -> Epoch:
        """The epoch whose state is kept."""
        return best(self.epochs)


def best(epochs: Sequence[Epoch]) -> Epoch:
    """The settled epoch with the lowest dev loss, which is steadier than a score that counts rows right and wrong."""
    return min(epochs, key=lambda epoch: (not epoch.settled, epoch.dev_loss))


def prior_bias(targets: Array, multi_label: bool) -> Array:
    """Return the output bias (labels,) with which an untrained network predicts each label as often as it occurs.

    Without it, a network spends its first epoch on learning that most labels are rare; Lin and others, "Focal
    Loss for Dense Object Detection" (2017), section 3.3. `targets` is (rows, labels).
    """
    share = np.clip(targets.mean(axis=0, dtype=np.float64), 0.5 / len(targets), 1 - 0.5 / len(targets))
    odds: Array = share / (1 - share) if multi_label else share
    return np.log(odds).astype(np.float32)


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

    The training ends early where dev gets no better for as long as `recipe.patience` says.

    Ctrl-C ends the loop early but cleanly: the best state so far is kept and `interrupted` is set.

    Args:
        network: the network, at its initial weights.
        train: what it learns from.
        dev: what the best epoch is chosen on.
        recipe: how it is trained.
        judge: from dev logits and targets to (loss, score).
        origin: what the examples come from, kept in the checkpoint.
        checkpoint: folder to which finished epochs are written, at least `SAVES` of all and the last before Ctrl-C,
            and from which an earlier run goes on.
        on_batch: told the epoch and the mean loss since its start, after each batch.
        on_epoch: told each finished epoch.

    Raises:
        CheckpointError: the checkpoint comes from another recipe or origin, or cannot be read.
    """
    training = _resume(network, recipe, origin, checkpoint)
    unsaved: dict[str, Array] = {}
    try:
        for number in range(len(training.epochs) + 1, recipe.epochs + 1):
            if _is_over(training.epochs, recipe):
                break
            start = time.perf_counter()
            losses: list[float] = []
            for loss in network.train_epoch(train, number):
                losses.append(loss)
                on_batch(number, float(np.mean(losses)))
            dev_loss, score = judge(network.logits(dev.sequences), dev.targets)
            seconds = time.perf_counter() - start
            epoch = Epoch(number, float(np.mean(losses)), dev_loss, score, seconds, number >= recipe.settled)
            training.epochs.append(epoch)
            unsaved = network.state()
            if training.best_epoch is epoch:
                training.best = unsaved
            if number % max(1, recipe.epochs // SAVES) == 0:
                _save(training, recipe, origin, unsaved, checkpoint)
                unsaved = {}
            on_epoch(epoch)
    except KeyboardInterrupt:
        training.interrupted = True
    if unsaved:
        _save(training, recipe, origin, unsaved, checkpoint)
    if training.best:
        network.restore(training.best)
    return training


def _is_over(epochs: Sequence[Epoch], recipe: Recipe) -> bool:
    if recipe.patience is None or len(epochs) < recipe.settled:
        return False
    return len(epochs) - best(epochs).number >= recipe.patience


def is_checkpoint(folder: Path) -> bool:
    """Whether `fit` wrote to this folder; its files may have been damaged since."""
    try:
        return f'"{FORMAT}"'.encode() in (folder / _HISTORY).read_bytes()
    except OSError:
        return False


def discard(checkpoint: Path) -> None:
    """Delete what `fit` wrote to its checkpoint, and the folder unless somebody else's files are in it."""
    for path in _own_files(checkpoint):
        path.unlink()
    with suppress(OSError):
        checkpoint.rmdir()


def _own_files(checkpoint: Path) -> list[Path]:
    return [path for path in checkpoint.iterdir() if _OWN.fullmatch(path.name)]


def _save(training: Training, recipe: Recipe, origin: Origin, state: dict[str, Array], checkpoint: Path) -> None:
    """Write the history last: what it does not tell of does not count, so a kill half-way harms nothing."""
    checkpoint.mkdir(parents=True, exist_ok=True)
    number = len(training.epochs)
    for epoch, arrays in ((training.best_epoch.number, training.best), (number, state)):
        (checkpoint / f"epoch-{epoch}.safetensors").write_bytes(save(arrays))
    history = {
        "format": FORMAT,
        "recipe": asdict(recipe),
        "origin": asdict(origin),
        "epochs": [asdict(epoch) for epoch in training.epochs],
    }
    partial = checkpoint / f"{_HISTORY}.partial"
    partial.write_text(json.dumps(history))
    partial.replace(checkpoint / _HISTORY)
    kept = {_HISTORY, f"epoch-{number}.safetensors", f"epoch-{training.best_epoch.number}.safetensors"}
    for path in _own_files(checkpoint):
        if path.name not in kept:
            path.unlink()


class _History(msgspec.Struct, frozen=True, kw_only=True):
    """What `history.json` holds."""

    format: Literal["emobot-training-1"]
    recipe: Recipe
    origin: Origin
    epochs: Annotated[list[Epoch], msgspec.Meta(min_length=1)]

    def __post_init__(self) -> None:
        if [epoch.number for epoch in self.epochs] != list(range(1, len(self.epochs) + 1)):
            raise ValueError("the epochs are not numbered from 1")


def _resume(network: Trainable, recipe: Recipe, origin: Origin, checkpoint: Path) -> Training:
    try:
        # Python's own reader, since a diverged training's losses are NaN, which msgspec's does not read.
        history = msgspec.convert(json.loads((checkpoint / _HISTORY).read_bytes()), _History)
    except FileNotFoundError:
        return Training()
    except OSError as error:
        raise CheckpointError(f"The checkpoint in {checkpoint} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        raise CheckpointError(
            f"The checkpoint in {checkpoint} is damaged: start anew with --overwrite, or choose another folder with "
            "--out."
        ) from error
    others = origin.differences(history.origin)
    others += [f"{key} {value}" for key, value in asdict(history.recipe).items() if value != getattr(recipe, key)]
    if others:
        raise CheckpointError(
            f"The training in {checkpoint} was begun with {', '.join(others)}: go on with the same, "
            "or start anew with --overwrite."
        )
    try:
        best_state, last_state = (
            load_file(checkpoint / f"epoch-{number}.safetensors")
            for number in (best(history.epochs).number, len(history.epochs))
        )
        # The best one too, since otherwise damage to it would only show at the end of the training.
        for state in (best_state, last_state):
            network.restore(state)
    except Exception as error:  # NumPy, Keras and PyTorch refuse what does not fit in different ways
        raise CheckpointError(f"The checkpoint in {checkpoint} is damaged: start anew with --overwrite.") from error
    return Training(history.epochs, best_state)
