"""Compare the arrays that an answer returns with the right ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.errors import ExerciseError
from classifiers.nn.arrays import Array

TOLERANCE = 1e-6
"""The largest error of an array, relative to the size of both; central differences are exact to 1e-9."""


def numeric_gradient(loss: Callable[[], float], array: Array) -> Array:
    """Return the gradient of `loss` with respect to an array by central differences.

    That is (L(a + ε) - L(a - ε)) / 2ε for each number a of the array, which is temporarily changed in place.
    """
    gradient, step = np.empty_like(array), 1e-5
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = loss()
        array[place] = kept - step
        gradient[place] = (above - loss()) / (2 * step)
        array[place] = kept
    return gradient


def relative_error(found: Array, expected: Array) -> float:
    """Return the distance between two arrays, relative to the size of both; 0 if they are equal."""
    return float(np.linalg.norm(found - expected) / (np.linalg.norm(found) + np.linalg.norm(expected) or 1.0))


def arrays_in(returned: Any, names: Sequence[str], function: str, like: Mapping[str, Array]) -> dict[str, Array]:
    """Return the result of a student's function as float arrays by name.

    Args:
        returned: the result.
        names: the names of the arrays that it should return, in order.
        function: the name of the function.
        like: an array of the right shape for each name.

    Raises:
        ExerciseError: the result has another number of arrays, other shapes, or numbers that are not finite.
    """
    wanted = f"{', '.join(names[:-1])} and {names[-1]}"
    if not isinstance(returned, tuple | list) or len(returned) != len(names):
        raise ExerciseError(f"`{function}` has to end with `return {', '.join(names)}`: it returned something else.")
    arrays = {}
    for name, value in zip(names, returned, strict=True):
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise ExerciseError(f"{name} is not an array of numbers: `{function}` returns {wanted}.") from None
        if array.shape != like[name].shape:
            raise ExerciseError(f"{name} has the shape {array.shape}, but should have {like[name].shape}.")
        if not np.isfinite(array).all():
            raise ExerciseError(f"{name} has numbers that are infinite or not a number (nan).")
        arrays[name] = array
    return arrays


def known_mistake(found: Array, mistakes: Mapping[str, Array]) -> str | None:
    """Return the hint for the mistake that leads to exactly this array; None if no known mistake does."""
    return next((hint for hint, wrong in mistakes.items() if relative_error(found, wrong) < TOLERANCE), None)


def largest_difference(name: str, found: Array, expected: Array) -> str:
    """Return in words where two arrays differ most: `dW[0, 2] is 0.5, while central differences give 0.25`."""
    place = np.unravel_index(np.abs(found - expected).argmax(), found.shape)
    index = ", ".join(str(int(number)) for number in place)
    return f"{name}[{index}] is {found[place]:.4g}, while central differences give {expected[place]:.4g}"
