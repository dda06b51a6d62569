"""Check exercise 2: find the wrong line in an LSTM."""

from __future__ import annotations

import numpy as np

from classifiers.errors import ExerciseError
from classifiers.exercises.attempt import Attempt
from classifiers.exercises.comparison import (
    TOLERANCE,
    arrays_in,
    known_mistake,
    largest_difference,
    numeric_gradient,
    relative_error,
)
from classifiers.nn.arrays import Array, outer_sum, split_gates
from classifiers.nn.layers import LSTM

_FEATURES, _UNITS = 3, 4
_LENGTHS = (1, 2, 6)
"""Lengths of the sequences; with a single step, no gradient is passed from one step to the one before it."""

_GATES = ("i", "f", "g", "o")
_NAMES = ("the input gate", "the forget gate", "the candidate", "the output gate")
_STATES = ("h", "c", *_GATES)


def check(attempt: Attempt) -> str:
    """Compare `forward` with our LSTM, and `backward` with central differences and with our LSTM.

    Raises:
        ExerciseError: they differ.
    """
    rng = np.random.default_rng(2)
    layer = LSTM(_FEATURES, _UNITS, None)
    layer.params = {name: rng.normal(0, 0.7, array.shape) for name, array in layer.params.items()}
    apart = {"central differences": 0.0, "our own layer": 0.0}
    for steps in _LENGTHS:
        x, dh = rng.normal(size=(steps, _FEATURES)), rng.normal(size=(steps, _UNITS))
        for reference, error in _check_sequence(attempt, layer, x, dh).items():
            apart[reference] = max(apart[reference], error)
    references = " and of ".join(f"{reference} (apart by {error:.0e})" for reference, error in apart.items())
    return f"Solved: the states are those of our own LSTM, and dx, dW, dU and db those of {references}."


def _check_sequence(attempt: Attempt, layer: LSTM, x: Array, dh: Array) -> dict[str, float]:
    """Return how far the gradients of a sequence (steps, features) are from each of the two references."""
    w, u, b = (layer.params[name] for name in ("kernel", "recurrent_kernel", "bias"))
    batch, lengths = x[:, None], np.array([len(x)])
    h = layer.forward(batch, lengths)[:, 0]
    returned = attempt.call("forward", x, w, u, b)
    states = arrays_in(returned, _STATES, "forward", dict.fromkeys(_STATES, h))
    if relative_error(states["h"], h) > TOLERANCE:
        raise ExerciseError(
            "The forward pass is no longer that of an LSTM, although it was: undo what you have changed in `forward`, "
            "the wrong line is in `backward`."
        )

    given = {"dx": x, "dW": w, "dU": u, "db": b}
    found = arrays_in(attempt.call("backward", dh, x, *states.values(), w, u), list(given), "backward", given)
    numeric = {
        name: numeric_gradient(lambda: float((layer.forward(batch, lengths)[:, 0] * dh).sum()), array)
        for name, array in given.items()
    }
    mistakes = _mistakes(dh, x, states, w, u)
    for name, array in found.items():
        if relative_error(array, numeric[name]) > TOLERANCE:
            hint = known_mistake(array, mistakes[name])
            if hint:
                raise ExerciseError(f"{name} is wrong: {hint}.")
            gates = _wrong_gates(found["db"], numeric["db"])
            evidence = largest_difference(name, array, numeric[name])
            raise ExerciseError(_hint_by_length(len(x), gates, evidence))
    layer.forward(batch, lengths)
    exact = {"dx": layer.backward(dh[:, None])[:, 0], "dW": layer.grads["kernel"]}
    exact |= {"dU": layer.grads["recurrent_kernel"], "db": layer.grads["bias"]}
    return {
        reference: max(relative_error(array, right[name]) for name, array in found.items())
        for reference, right in (("central differences", numeric), ("our own layer", exact))
    }


def _wrong_gates(found: Array, expected: Array) -> str:
    """Return the names of the gates whose biases have a wrong gradient."""
    parts = zip(_NAMES, split_gates(found, 4), split_gates(expected, 4), strict=True)
    return " and ".join(name for name, ours, right in parts if relative_error(ours, right) > TOLERANCE)


def _hint_by_length(steps: int, gates: str, evidence: str) -> str:
    """Return a hint that depends on the length of the shortest sequence with wrong gradients."""
    if steps > 1:
        return (
            "The states are right, and so are all gradients of a sequence of one step; but in a sequence of "
            f"{steps} steps {evidence}: follow what `backward` passes from a step to the one before it."
        )
    whose = f"look at the gradient of {gates}" if gates else "look at what `backward` returns"
    return f"The states are right, but already in a sequence of one step {evidence}: {whose}."


def _mistakes(dh: Array, x: Array, states: dict[str, Array], w: Array, u: Array) -> dict[str, dict[str, Array]]:
    """Return, for each gradient, the results of known mistakes in going back through the steps, by their hints."""
    ones, zeros = np.ones_like(dh), np.zeros_like(dh)
    cell = "dc reaches the cell before through the gate by which that cell was multiplied"
    wrong = {
        f"{cell}, the forget gate, not through the input gate": (states["i"], u),
        f"{cell}, the forget gate, not through the output gate": (states["o"], u),
        f"{cell}, the forget gate, but here it passes unchanged": (ones, u),
        "h of the step before also reaches the loss through the four gates of this step, and that is missing": (
            states["f"],
            np.zeros_like(u),
        ),
        "neither dh nor dc is passed to the step before": (zeros, np.zeros_like(u)),
    }
    gradients = {hint: _gradients(dh, x, states, w, *ways) for hint, ways in wrong.items()}
    return {name: {hint: arrays[name] for hint, arrays in gradients.items()} for name in ("dx", "dW", "dU", "db")}


def _gradients(dh: Array, x: Array, states: dict[str, Array], w: Array, kept: Array, u: Array) -> dict[str, Array]:
    """Return all gradients if dc reaches the previous cell times `kept`, and dz the previous state times Uᵀ."""
    i, f, g, o, c = (states[name] for name in (*_GATES, "c"))
    dz = np.zeros((len(dh), 4 * _UNITS))
    di, df, dg, do = split_gates(dz, 4)
    dh_next, dc_next = np.zeros(_UNITS), np.zeros(_UNITS)
    for t in range(len(dh) - 1, -1, -1):
        dh_t = dh[t] + dh_next
        dc = dc_next + dh_t * o[t] * (1 - np.tanh(c[t]) ** 2)
        di[t] = dc * g[t] * i[t] * (1 - i[t])
        df[t] = dc * c[t - 1] * f[t] * (1 - f[t]) if t else 0
        dg[t] = dc * i[t] * (1 - g[t] ** 2)
        do[t] = dh_t * np.tanh(c[t]) * o[t] * (1 - o[t])
        dh_next, dc_next = dz[t] @ u.T, dc * kept[t]
    return {"dx": dz @ w.T, "dW": outer_sum(x, dz), "dU": outer_sum(states["h"][:-1], dz[1:]), "db": dz.sum(axis=0)}
