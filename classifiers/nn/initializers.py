"""How the weights of a layer start."""

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

    They keep the norm of a gradient that is multiplied by them: Saxe and others (2014).
    """
    if rng is None:
        return np.empty((rows, columns), dtype=np.float32)
    q, r = np.linalg.qr(rng.standard_normal((columns, rows)))
    return np.ascontiguousarray((q * np.sign(np.diag(r))).T, dtype=np.float32)


def prior_bias(targets: Array, multi_label: bool) -> Array:
    """Return the output bias (labels,) with which an untrained network predicts each label as often as it occurs.

    Without it, a network spends its first epoch on learning that most labels are rare; Lin and others, "Focal
    Loss for Dense Object Detection" (2017), section 3.3. `targets` is (rows, labels).
    """
    share = np.clip(targets.mean(axis=0, dtype=np.float64), 0.5 / len(targets), 1 - 0.5 / len(targets))
    odds: Array = share / (1 - share) if multi_label else share
    return np.log(odds).astype(np.float32)
