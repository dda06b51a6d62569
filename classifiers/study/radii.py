"""Measure how the gradient of an untrained tanh network depends on the spectral radius of its recurrent matrix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study.gradients import gradient_norms
from classifiers.study.jacobians import lyapunov_exponents, singular_values, step_jacobians
from classifiers.study.memory import before_training, memory_batch
from classifiers.study.settings import FULL
from classifiers.study.slopes import spectral_radius

STARTS = {"orthogonal": "orthogonal", "glorot": "Glorot"}
"""The networks of the memory task whose recurrent matrices are scaled, and their initialisations' names on the page."""

RADII = tuple(round(0.5 + 0.1 * step, 1) for step in range(16))
"""The spectral radii, from 0.5 to 2, to which each matrix is scaled."""

REACH = 40
"""The number of steps back over which the gradient is measured."""

SLOPE = (20, 40)
"""The steps back between which the slope of the measured gradient is taken."""

GRADIENT = "measured gradient"
EXPONENT = "Lyapunov exponent"
SINGULAR = ("largest singular value", "middle singular value", "smallest singular value")
RADIUS = "spectral radius"
NORM = "spectral norm"

SEEDS = 3

_SETTINGS = replace(FULL, probes=100)

_DISTANCE = 60
"""The sequences are three times as long as `REACH`, so that the states no longer depend on the initial one."""

_LONG_RUN = 200
"""The Lyapunov exponent is taken over one sequence of twice as many letters, without the first `_DISTANCE`."""

_RELATIVE_PRECISION = 1e-14
"""A singular value smaller than this share of the largest one is only a rounding error."""


def radius_records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Measure the untrained networks of `STARTS` with their matrices scaled to each of `RADII`.

    Returns:
        Two lists of records. In each record, "start" and "radius" identify the network, and "quantity" says what the
        value is:

        - In the first list, "left" is what is left "back" steps back: of the gradient; the largest, middle and smallest
          singular value of the product of as many Jacobians; and the prediction of the Lyapunov exponent.
        - In the second list, "slope" is the logarithm to base 10 of the factor of one step back: of the gradient,
          measured over `SLOPE`; the prediction of the Lyapunov exponent; and the spectral radius and norm of the
          matrix.

        The values are means of logarithms over the seeds.
    """
    by_distance: list[dict[str, Any]] = []
    by_radius: list[dict[str, Any]] = []
    for name, start in STARTS.items():
        for radius in RADII:
            seeds = [measure_seed(name, radius, seed) for seed in range(SEEDS)]
            about = {"start": start, "radius": radius}
            for quantity, line in _means([lines for lines, _ in seeds]).items():
                by_distance += [
                    {**about, "quantity": quantity, "back": back, "left": float(f"{10 ** line[back]:.3g}")}
                    for back in range(0, REACH + 1, 2)
                    if np.isfinite(line[back])
                ]
            for quantity, slope in _means([slopes for _, slopes in seeds]).items():
                by_radius.append({**about, "quantity": quantity, "slope": round(float(slope), 3)})
    return by_distance, by_radius


def measure_seed(name: str, radius: float, seed: int) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the values of `radius_records` for one seed, as logarithms to base 10.

    Returns:
        By quantity, the lines (REACH + 1,) by steps back; and by quantity, the slopes.
    """
    network, batch, targets, rng = before_training(name, seed, _DISTANCE, _SETTINGS)
    embedding, recurrent = network.layers[:2]
    matrix = recurrent.params["recurrent_kernel"]
    matrix *= radius / spectral_radius(matrix)
    others = rng.permutation(targets)
    [norms] = gradient_norms(network, batch, others, softmax_cross_entropy, REACH)
    gradient = np.log10(np.array(norms) / norms[0])

    letters, _ = memory_batch(_LONG_RUN, 1, _SETTINGS.letters, rng)
    hidden = recurrent.forward(embedding.forward(letters.ids, letters.lengths), letters.lengths)
    jacobians = step_jacobians(matrix.astype(np.float64), hidden[:, 0].astype(np.float64))
    [exponent] = lyapunov_exponents(jacobians[_DISTANCE:], 1) / np.log(10)
    values = singular_values(jacobians, REACH)
    values[values < _RELATIVE_PRECISION * values[:, :1]] = np.nan
    chosen = np.log10(values[:, [0, values.shape[1] // 2, -1]])
    near, far = SLOPE
    return (
        {GRADIENT: gradient, EXPONENT: exponent * np.arange(REACH + 1), **dict(zip(SINGULAR, chosen.T, strict=True))},
        {
            GRADIENT: (gradient[far] - gradient[near]) / (far - near),
            EXPONENT: exponent,
            RADIUS: np.log10(spectral_radius(matrix)),
            NORM: np.log10(np.linalg.norm(matrix, 2)),
        },
    )


def _means(seeds: Sequence[dict[str, Array]]) -> dict[str, Array]:
    return {quantity: np.mean([seed[quantity] for seed in seeds], axis=0) for quantity in seeds[0]}
