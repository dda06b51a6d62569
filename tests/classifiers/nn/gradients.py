"""Compute numeric gradients to compare backward passes with, and define the sizes of the layers under test."""

from collections.abc import Callable

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.layers import Layer

STEPS, BATCH, FEATURES, UNITS = 6, 4, 3, 5
LENGTHS = np.array([6, 1, 4, 3])
REAL = (np.arange(STEPS)[:, None] < LENGTHS)[..., None]
"""A mask of the real steps in a batch of these lengths (time, batch, 1)."""


def numeric_gradient(loss: Callable[[], float], array: Array) -> Array:
    """Return central differences of `loss` with respect to every element of `array`."""
    gradient = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept, step = array[place], 1e-5
        array[place] = kept + step
        above = loss()
        array[place] = kept - step
        gradient[place] = (above - loss()) / (2 * step)
        array[place] = kept
    return gradient


def relative_error(ours: Array, numeric: Array) -> float:
    return float(np.linalg.norm(ours - numeric) / (np.linalg.norm(ours) + np.linalg.norm(numeric)))


def in_float64(layer: Layer, rng: np.random.Generator) -> Layer:
    for _, leaf in layer.leaves():
        leaf.params = {name: rng.normal(0, 0.5, array.shape) for name, array in leaf.params.items()}
    return layer
