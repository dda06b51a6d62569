"""Check exercise 4: predict from the recurrent matrix alone how steeply the gradient falls."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from classifiers.errors import ExerciseError
from classifiers.exercises.attempt import Attempt
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.nn.layers import RNN
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study.gradients import gradient_norms
from classifiers.study.networks import NetworkSpec
from classifiers.study.slopes import spectral_radius

TOLERANCE = 0.01
"""The largest error of a prediction, in powers of ten per step."""

_RADII = (0.5, 0.7, 0.9, 1.0, 1.1)
_UNITS = 16
_NEAREST, _FARTHEST = 40, 100
"""The steps back between which the slope is measured; nearer to the end, other eigenvalues still count."""

_LETTERS, _SEQUENCES = 8, 8
_INPUT_SIZE = 1e-6
"""The factor on the inputs, so small that every tanh is nearly the identity."""


_WRONG: dict[str, Callable[[Array], float]] = {
    "this is the natural logarithm: the slope is in powers of ten, so take log10": (
        lambda matrix: math.log(spectral_radius(matrix))
    ),
    "this is the factor for each step itself: the slope of a logarithmic line is its logarithm": (spectral_radius),
    "the sign is wrong: a factor below 1 makes the line fall": lambda matrix: -math.log10(spectral_radius(matrix)),
    "this is the logarithm of the largest singular value, by which a single step stretches a vector at most; many "
    "steps in a row stretch it by the largest absolute value of the eigenvalues": (
        lambda matrix: math.log10(np.linalg.norm(matrix, 2))
    ),
    "this is the logarithm of the Frobenius norm, in which all directions count; after many steps only the "
    "largest absolute value of the eigenvalues does": (lambda matrix: math.log10(np.linalg.norm(matrix))),
    "this is the logarithm of the largest real part of the eigenvalues: they are complex, so take their absolute "
    "values": (lambda matrix: math.log10(abs(np.linalg.eigvals(matrix).real.max()))),
}


def check(attempt: Attempt) -> str:
    """Compare the slopes that the file predicts for random matrices with those that the study's own measure finds.

    Raises:
        ExerciseError: they differ by more than `TOLERANCE`.
    """
    matrices = [_random_matrix(radius, seed) for seed, radius in enumerate(_RADII)]
    predicted = [_number(attempt.call("slope", matrix)) for matrix in matrices]
    measured = [measured_slope(matrix) for matrix in matrices]
    off = [abs(ours - right) for ours, right in zip(predicted, measured, strict=True)]
    if max(off) <= TOLERANCE:
        pairs = zip(predicted, measured, strict=True)
        figures = ", ".join(f"{ours:z.3f} ({right:z.3f})" for ours, right in pairs)
        return f"Solved: the slopes that you predict, and in brackets those measured, are {figures}."
    for hint, wrong in _WRONG.items():
        if np.allclose(predicted, [wrong(matrix) for matrix in matrices], rtol=0, atol=1e-9):
            raise ExerciseError(f"The slopes are wrong: {hint}.")
    worst = int(np.argmax(off))
    raise ExerciseError(
        f"For a matrix of spectral radius {_RADII[worst]} you predict a slope of {predicted[worst]:.3f}, but "
        f"{measured[worst]:.3f} is measured: by which factor does U multiply a gradient in each of many steps?"
    )


def measured_slope(matrix: Array) -> float:
    """Return the slope of the line of log10 gradient norms by steps back, as the study measures them.

    The network is one of the study's, with `matrix` as the recurrent matrix of its tanh layer.
    """
    rng = np.random.default_rng(4)
    network = NetworkSpec(lambda units, rng: [RNN(units, units, rng)]).build(_LETTERS, len(matrix), _LETTERS, rng)
    params = {name: array.astype(np.float64) for name, array in network.params.items()}
    params["0.embeddings"] *= _INPUT_SIZE
    params["1.recurrent_kernel"] = matrix
    network.load(params)
    steps = _FARTHEST + 1
    batch = Batch(rng.integers(0, _LETTERS, (steps, _SEQUENCES)), np.full(_SEQUENCES, steps))
    targets = np.eye(_LETTERS)[rng.integers(0, _LETTERS, _SEQUENCES)]
    [norms] = gradient_norms(network, batch, targets, softmax_cross_entropy, _FARTHEST)
    back = np.arange(_NEAREST, _FARTHEST + 1)
    return float(np.polyfit(back, np.log10(norms[_NEAREST:]), 1)[0])


def _random_matrix(radius: float, seed: int) -> Array:
    matrix = np.random.default_rng(seed).normal(size=(_UNITS, _UNITS))
    return np.asarray(matrix * (radius / spectral_radius(matrix)))


def _number(returned: Any) -> float:
    """Return a student's prediction as a number.

    Raises:
        ExerciseError: it is not a finite number.
    """
    if isinstance(returned, complex | np.complexfloating):
        raise ExerciseError("`slope` returned a complex number: take the absolute values of the eigenvalues first.")
    try:
        number = float(returned)
    except (TypeError, ValueError):
        raise ExerciseError("`slope` has to return one number, but returned something else.") from None
    if not math.isfinite(number):
        raise ExerciseError(f"`slope` has to return a finite number, but returned {number}.")
    return number
