"""Check exercise 1: write the backward pass of the RNN."""

from __future__ import annotations

from collections.abc import Callable

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
from classifiers.nn.arrays import Array
from classifiers.nn.layers import RNN

_STEPS, _BATCH, _FEATURES, _UNITS = 6, 4, 3, 5  # all different, so that wrong shapes never fit by chance


def check(attempt: Attempt) -> str:
    """Compare `backward` with central differences of our layer's forward pass, and with its backward pass.

    Raises:
        ExerciseError: the gradients differ.
    """
    rng = np.random.default_rng(1)
    layer = RNN(_FEATURES, _UNITS, None)
    layer.params = {name: rng.normal(0, 0.5, array.shape) for name, array in layer.params.items()}
    w, u, b = layer.params["kernel"], layer.params["recurrent_kernel"], layer.params["bias"]
    x, dh = rng.normal(size=(_STEPS, _BATCH, _FEATURES)), rng.normal(size=(_STEPS, _BATCH, _UNITS))
    lengths = np.full(_BATCH, _STEPS)
    h = layer.forward(x, lengths)

    given = {"dx": x, "dW": w, "dU": u, "db": b}
    found = arrays_in(attempt.call("backward", dh, x, h, w, u), list(given), "backward", given)
    expected = {
        name: numeric_gradient(lambda: float((layer.forward(x, lengths) * dh).sum()), array)
        for name, array in given.items()
    }
    mistakes = _mistakes(dh, x, h, w, u)
    for name, array in found.items():
        if relative_error(array, expected[name]) > TOLERANCE:
            hint = known_mistake(array, mistakes[name]) or (name == "dx" and _hint_by_steps(array, expected[name]))
            raise ExerciseError(f"{name} is wrong: {hint or largest_difference(name, array, expected[name])}.")

    layer.forward(x, lengths)
    ours = {"dx": layer.backward(dh), "dW": layer.grads["kernel"], "dU": layer.grads["recurrent_kernel"]}
    ours["db"] = layer.grads["bias"]
    numeric = max(relative_error(array, expected[name]) for name, array in found.items())
    exact = max(relative_error(array, ours[name]) for name, array in found.items())
    return (
        f"Solved: dx, dW, dU and db are those of central differences (apart by {numeric:.0e}) and of our own layer "
        f"(apart by {exact:.0e})."
    )


def _hint_by_steps(found: Array, expected: Array) -> str | None:
    """Return a hint that depends on whether dx of the last step, after which nothing comes, is right."""
    if relative_error(found[-1], expected[-1]) > TOLERANCE:
        return "at the last step already, after which nothing comes, so look at the slope of the tanh and at Wᵀ"
    if relative_error(found[-2], expected[-2]) > TOLERANCE:
        return "it is right at the last step and wrong before it: look at what each step passes to the one before it"
    return None


def _mistakes(dh: Array, x: Array, h: Array, w: Array, u: Array) -> dict[str, dict[str, Array]]:
    """Return, for each gradient, the results of well-known mistakes, by their hints."""
    da = _through_time(dh, h, lambda _dh, da: da @ u.T)
    return {
        "dx": {hint: wrong @ w.T for hint, wrong in _wrong_da(dh, h, u).items()},
        "dW": {
            "it is that of step 0 alone, but all steps use the same W: add up over the steps": x[0].T @ da[0],
            "it is a mean over the batch, but should be the sum": _outer_sum(x, da) / _BATCH,
            "it is computed from dh, but W acts before the tanh: use da": _outer_sum(x, dh),
        },
        "dU": {
            "it is computed from h_t and da_t, but U multiplies the previous state: use h_{t-1} and da_t": _outer_sum(
                h, da
            ),
            "at step 0, h[t - 1] is h[-1], the last state of all, but the state before step 0 is zero": (
                _outer_sum(np.roll(h, 1, axis=0), da)
            ),
            "it is that of step 1 alone, but all steps use the same U: add up over the steps": h[0].T @ da[1],
            "it is a mean over the batch, but should be the sum": _outer_sum(h[:-1], da[1:]) / _BATCH,
            "it is computed from dh, but U acts before the tanh: use da": _outer_sum(h[:-1], dh[1:]),
        },
        "db": {
            "it is that of step 0 alone, but b is added at every step: add up over the steps": da[0].sum(axis=0),
            "it is a mean over the batch, but should be the sum": da.mean(axis=1).sum(axis=0),
            "it is a mean over steps and batch, but should be the sum": da.mean(axis=(0, 1)),
            "it is computed from dh, but b is added before the tanh: use da": dh.sum(axis=(0, 1)),
        },
    }


def _wrong_da(dh: Array, h: Array, u: Array) -> dict[str, Array]:
    """Return the values of da, the gradient before the tanh, to which well-known mistakes lead."""
    only_last = np.zeros_like(dh)
    only_last[-1] = dh[-1]
    return {
        "the gradient from the next step is missing: h_t also reaches the loss through h_{t+1}": (
            _through_time(dh, h, lambda _dh, da: 0 * da)
        ),
        "what comes from the layers above is missing: dh[t] has to be added at every step, not only at the last": (
            _through_time(only_last, h, lambda _dh, da: da @ u.T)
        ),
        "what comes back from the next step has to be multiplied by the transpose of U, not by U itself": (
            _through_time(dh, h, lambda _dh, da: da @ u)
        ),
        "what comes back from the next step has to be multiplied by the transpose of U": (
            _through_time(dh, h, lambda _dh, da: da)
        ),
        "what comes back from the next step has skipped the slope of its tanh: pass on da @ U.T, which includes it": (
            _through_time(dh, h, lambda dh, _da: dh @ u.T)
        ),
        "the slope of the tanh is missing: the gradient passes through the tanh of each step": (
            _through_time(dh, h, lambda _dh, da: da @ u.T, np.ones_like)
        ),
        "the slope of the tanh is 1 - h², not 1 - h": _through_time(dh, h, lambda _dh, da: da @ u.T, lambda h: 1 - h),
        "the slope of the tanh is 1 - h², where h is already the tanh: do not take the tanh of it again": (
            _through_time(dh, h, lambda _dh, da: da @ u.T, lambda h: 1 - np.tanh(h) ** 2)
        ),
    }


def _through_time(
    dh: Array,
    h: Array,
    pass_back: Callable[[Array, Array], Array],
    slope: Callable[[Array], Array] = lambda h: 1 - h**2,
) -> Array:
    """Return da of all steps; `pass_back` returns, from a step's dh and da, the gradient for the step before it."""
    da = np.zeros_like(h)
    from_next = da[0]
    for t in range(len(h) - 1, -1, -1):
        dh_t = dh[t] + from_next
        da[t] = dh_t * slope(h[t])
        from_next = pass_back(dh_t, da[t])
    return da


def _outer_sum(x: Array, dy: Array) -> Array:
    return np.asarray(np.einsum("tbi,tbj->ij", x, dy))
