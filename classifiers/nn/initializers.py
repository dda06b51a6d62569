"""Create the initial weights of layers."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np

from classifiers.nn.arrays import Array

Seed: TypeAlias = "np.random.Generator | None"
"""The source of random initial weights; None leaves them unset, for a network whose weights are loaded."""


def uniform(rng: Seed, limit: float, rows: int, columns: int) -> Array:
    """Return float32 weights (rows, columns), uniform in ±limit."""
    if rng is None:
        return np.empty((rows, columns), dtype=np.float32)
    return rng.uniform(-limit, limit, (rows, columns)).astype(np.float32)


def glorot_uniform(rng: Seed, rows: int, columns: int) -> Array:
    """Return float32 weights (rows, columns), uniform in ±sqrt(6 / (rows + columns)): Glorot and Bengio (2010)."""
    return uniform(rng, math.sqrt(6 / (rows + columns)), rows, columns)


def orthogonal(rng: Seed, rows: int, columns: int) -> Array:
    """Return float32 weights (rows, columns) with orthonormal rows, for columns >= rows.

    They keep the norm of a state that is multiplied by them, and if they are square, also that of a gradient on its way
    back: Saxe and others (2014).
    """
    if rng is None:
        return np.empty((rows, columns), dtype=np.float32)
    q, r = np.linalg.qr(rng.standard_normal((columns, rows)))
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T, dtype=np.float32)


def chain(units: int, gain: float = 1.02) -> Array:
    """Return float32 weights (units, units) with which each unit passes `gain` times its state to the next unit.

    Orhan and Pitkow, "Improved memory in recurrent neural networks with sequential non-normal dynamics" (2020). The
    matrix is not normal: all its eigenvalues are zero, and yet it keeps what moves along the chain for as many steps
    as there are units. `gain` is usually the authors' 1.02.
    """
    return np.eye(units, k=1, dtype=np.float32) * np.float32(gain)


def chrono_bias(rng: np.random.Generator, units: int, longest: int) -> Array:
    """Return float32 biases (units,) of a gate that keeps the state, each for a different time up to `longest` steps.

    Tallec and Ollivier, "Can recurrent neural networks warp time?" (2018): log u, for u uniform between 1 and
    longest - 1. Then the gate is u / (u + 1), and what it keeps falls to 1/e in about u + 1 steps. An LSTM's input gate
    gets the negative of its forget gate's bias. In a GRU, only the update gate, which both keeps and writes, gets it.

    Args:
        rng: the source of random numbers.
        units: the number of units of the layer.
        longest: the longest time to remember, in steps, at least 3.
    """
    return np.log(rng.uniform(1, longest - 1, units)).astype(np.float32)


def prior_bias(targets: Array, multi_label: bool) -> Array:
    """Return the output bias (labels,) with which an untrained network predicts each label about as often as it occurs.

    Without it, a network spends its first epoch learning that most labels are rare; see Lin and others, "Focal Loss for
    Dense Object Detection" (2017), section 3.3. `targets` is (rows, labels).
    """
    share = np.clip(targets.mean(axis=0, dtype=np.float64), 0.5 / len(targets), 1 - 0.5 / len(targets))
    odds: Array = share / (1 - share) if multi_label else share
    return np.log(odds).astype(np.float32)
