"""Train networks to name the marked letter among plain ones: the experiments `memory` and `long`."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.nn.network import Network
from classifiers.nn.optimizers import warmup_cosine
from classifiers.study.gradients import gradient_norms, rounded
from classifiers.study.networks import MEMORY
from classifiers.study.settings import Settings
from classifiers.training.numpy_backend import Trainer

FIRST_LETTER = 2
"""The token number of the first plain letter; those before it are padding and the unknown token."""

_MEASUREMENTS = 10
"""The number of times that the accuracy is measured in the experiment `long`."""


def memory_batch(distance: int, rows: int, letters: int, rng: np.random.Generator) -> tuple[Batch, Array]:
    """Return random letters (2 x distance + 1, rows), the middle one marked, and its one-hot target (rows, letters).

    The middle is equally far from both ends, so that no direction has an advantage.
    """
    drawn = rng.integers(0, letters, (2 * distance + 1, rows), dtype=np.int32)
    ids = drawn + FIRST_LETTER
    ids[distance] += letters  # a marked letter is a token of its own
    return Batch(ids, np.full(rows, len(ids), dtype=np.int32)), np.eye(letters, dtype=np.float32)[drawn[distance]]


def before_training(
    name: str, seed: int, distance: int, settings: Settings
) -> tuple[Network, Batch, Array, np.random.Generator]:
    """Return the untrained network of a run, the sequences it is measured on, their targets, and its random generator.

    They depend only on the arguments, so that further properties of an untrained network can still be computed later.
    """
    rng = np.random.default_rng([seed, distance])
    network = MEMORY[name].build(FIRST_LETTER + 2 * settings.letters, settings.units, settings.letters, rng)
    return network, *memory_batch(distance, settings.probes, settings.letters, rng), rng


def measure_memory(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train a network for each distance; return the accuracies, and for `shown` the gradients before and after.

    The gradients are those of the loss for a random letter: for the right letter, a network that has learnt the task
    would send hardly any error back, whatever its recurrence does.
    """
    spec = MEMORY[name]
    found: dict[str, Any] = {"accuracy": {}}
    for distance in settings.distances:
        network, batch, targets, rng = before_training(name, seed, distance, settings)
        trainer = Trainer(network, settings.recipe(spec.clip_norm, seed), multi_label=False)
        others = rng.permutation(targets)
        probe = partial(gradient_norms, network, batch, others, softmax_cross_entropy, 2 * distance)
        if distance == settings.shown:
            found["start"] = probe()
        for _ in _updates(trainer, distance, settings, rng):
            pass
        if distance == settings.shown:
            found["end"] = probe()
        found["accuracy"][str(distance)] = _accuracy(network, batch, targets)
    return found


def measure_long(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train a network for the only distance in the settings; return its accuracy by the number of updates so far."""
    [distance] = settings.distances
    network, batch, targets, rng = before_training(name, seed, distance, settings)
    trainer = Trainer(network, settings.recipe(MEMORY[name].clip_norm, seed), multi_label=False)
    measured_at = np.linspace(0, settings.updates, _MEASUREMENTS + 1).round().astype(int)[1:].tolist()
    return {
        "accuracy": {
            str(done): _accuracy(network, batch, targets)
            for done in _updates(trainer, distance, settings, rng)
            if done in measured_at
        }
    }


def _updates(trainer: Trainer, distance: int, settings: Settings, rng: np.random.Generator) -> Iterator[int]:
    """Train on new random sequences each time, and yield after each update how many there have been."""
    for step in range(settings.updates):
        rate = warmup_cosine(step, settings.updates, settings.learning_rate)
        trainer.step(*memory_batch(distance, settings.batch_size, settings.letters, rng), rate)
        yield step + 1


def _accuracy(network: Network, batch: Batch, targets: Array) -> float:
    right = network.forward(batch).argmax(axis=1) == targets.argmax(axis=1)
    return rounded(right.mean())
