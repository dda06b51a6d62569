"""Divide an epoch into batches, and give each its learning rate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, count_batches, training_batches
from classifiers.nn.optimizers import warmup_cosine
from classifiers.training.recipes import Recipe


def scheduled_batches(
    examples: Examples, recipe: Recipe, number: int, rng: np.random.Generator
) -> Iterator[tuple[Batch, Array, float]]:
    """Yield the batches of an epoch, each with its targets and its learning rate.

    Args:
        examples: the training examples.
        recipe: the hyper-parameters.
        number: the number of the epoch, from 1.
        rng: the source of the order and of word dropout.
    """
    steps = count_batches(examples, recipe.batch_size)
    batches = training_batches(examples, recipe.batch_size, rng, recipe.word_dropout)
    for step, (batch, targets) in enumerate(batches, start=(number - 1) * steps):
        yield batch, targets, warmup_cosine(step, recipe.epochs * steps, recipe.learning_rate)
