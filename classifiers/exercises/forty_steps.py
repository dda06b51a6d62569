"""Check exercise 3: set the weights of an LSTM by hand so that it holds a letter for forty steps."""

from __future__ import annotations

import numpy as np

from classifiers.errors import ExerciseError
from classifiers.exercises.attempt import Attempt
from classifiers.exercises.comparison import arrays_in
from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, split_gates
from classifiers.nn.layers import LSTM

LETTERS, STEPS = 4, 40
"""The number of letters, each with its own unit, and the number of steps for which the first one must be held."""

LEAD = 0.5
"""By how much the state of the right unit must exceed every other one at the end."""

_SEQUENCES = 200
_GATES = ("input gate", "forget gate", "candidate", "output gate")


def check(attempt: Attempt) -> str:
    """Run our LSTM with the weights of the file on random sequences.

    Raises:
        ExerciseError: in one of them the first letter does not lead at the end.
    """
    layer = LSTM(LETTERS + 1, LETTERS, None)
    names = {"W": "kernel", "U": "recurrent_kernel", "b": "bias"}
    like = {name: layer.params[ours] for name, ours in names.items()}
    weights = arrays_in(attempt.call("weights"), list(names), "weights", like)
    x, first = sequences(np.random.default_rng(3))
    lead = _lead(_run(layer, weights, x), first).min()
    if lead >= LEAD:
        return (
            f"Solved: after {STEPS} steps the first letter leads in each of {_SEQUENCES} random sequences, by at least "
            f"{lead:.2f}."
        )
    raise ExerciseError(_swapped(layer, weights, x, first) or _first_wrong_gate(weights, x, first))


def sequences(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return random letters (steps, sequences, letters + 1), one-hot with the first one marked, and which is first."""
    letters = rng.integers(0, LETTERS, (STEPS + 1, _SEQUENCES))
    x = np.zeros((STEPS + 1, _SEQUENCES, LETTERS + 1))
    x[..., :LETTERS] = np.eye(LETTERS)[letters]
    x[0, :, LETTERS] = 1
    return x, letters[0]


def _run(layer: LSTM, weights: dict[str, Array], x: Array) -> Array:
    """Return the states after the last step (sequences, units)."""
    layer.params = {"kernel": weights["W"], "recurrent_kernel": weights["U"], "bias": weights["b"]}
    return np.asarray(layer.forward(x, np.full(x.shape[1], len(x)))[-1])


def _lead(h: Array, first: Array) -> Array:
    """Return, for each sequence, by how much the first letter's unit exceeds the highest of the others."""
    right = np.eye(LETTERS, dtype=bool)[first]
    return np.asarray(h[right] - np.where(right, -np.inf, h).max(axis=1))


def _swapped(layer: LSTM, weights: dict[str, Array], x: Array, first: Array) -> str | None:
    """Return a sentence if the weights would hold the letter with two gates swapped.

    Forget and output gate are not tried: both may always be open, so swapping them might change nothing.
    """
    for one, other in ((0, 1), (0, 2), (0, 3), (1, 2), (2, 3)):
        order = list(range(4))
        order[one], order[other] = other, one
        changed = {
            name: np.concatenate([split_gates(array, 4)[gate] for gate in order], axis=-1)
            for name, array in weights.items()
        }
        if _lead(_run(layer, changed, x), first).min() >= LEAD:
            return (
                f"The columns of the {_GATES[one]} and the {_GATES[other]} are swapped: the order is "
                "input gate, forget gate, candidate, output gate."
            )
    return None


def _first_wrong_gate(weights: dict[str, Array], x: Array, first: Array) -> str:
    """Return a sentence that says at which gate the letter is lost on its way from the input to the last state."""
    gates, c = _recurrence(weights, x)
    own = np.arange(len(first)), first  # the unit of the first letter, in each sequence
    opened, closed = gates["input gate"][0][own].mean(), gates["input gate"][1:].mean()
    kept, output = gates["forget gate"][1:, *own].mean(), gates["output gate"][-1][own].mean()
    if opened < 0.9:
        return (
            f"The first letter does not get into its cell, because the input gate is {opened:.2f} at the first step: "
            "let the mark open it."
        )
    if _lead(c[0], first).min() < 0.7:
        return (
            "After the first step the cell of the first letter is not far above the others: let each letter raise the "
            "candidate of its own unit, and of no other."
        )
    if closed > 0.02:
        return (
            f"The later letters get into the cells too, because the input gate is still {closed:.2f} at their steps: "
            "without the mark it has to be shut."
        )
    if kept**STEPS < 0.7:
        return (
            f"The first letter is forgotten, because the forget gate is {kept:.2f}, and {kept:.2f} to the power of "
            f"{STEPS} leaves {kept**STEPS:.1g} of it: open the gate further by its bias."
        )
    return (
        f"The cell of the first letter leads in the end, but its state does not by {LEAD}: the output gate is "
        f"{output:.2f} at the last step, so open it."
    )


def _recurrence(weights: dict[str, Array], x: Array) -> tuple[dict[str, Array], Array]:
    """Return all gates and all cells (steps, sequences, units)."""
    h = c = np.zeros((x.shape[1], LETTERS))
    gates: dict[str, list[Array]] = {name: [] for name in _GATES}
    cells = []
    for now in x:
        z = split_gates(now @ weights["W"] + h @ weights["U"] + weights["b"], 4)
        i, f, g, o = sigmoid(z[0]), sigmoid(z[1]), np.tanh(z[2]), sigmoid(z[3])
        c = f * c + i * g
        h = o * np.tanh(c)
        cells.append(c)
        for name, gate in zip(_GATES, (i, f, g, o), strict=True):
            gates[name].append(gate)
    return {name: np.array(steps) for name, steps in gates.items()}, np.array(cells)
