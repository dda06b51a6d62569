"""Compute the Jacobians of a tanh layer's steps, and how much their product stretches a vector."""

from __future__ import annotations

import numpy as np

from classifiers.nn.arrays import Array


def step_jacobians(recurrent: Array, hidden: Array) -> Array:
    """Return the Jacobian (time, units, units) of each step of one sequence, U diag(1 - h_t²).

    Its entry [t, i, j] is the derivative of unit j of h_t with respect to unit i of h_{t-1}. A small change of the
    state, as a row vector, is multiplied by it on the right, and a gradient on its way back by its transpose.

    Args:
        recurrent: U (units, units), as in `RNN`.
        hidden: the states h_t (time, units).
    """
    return np.asarray(recurrent * (1 - np.square(hidden))[:, None, :])


def singular_values(jacobians: Array, steps: int) -> Array:
    """Return the singular values (steps + 1, units) of the product of the last 0, 1, ... `steps` Jacobians.

    The first and the last are the most and the least by which the product stretches a vector. Those that are less than
    about 1e-14 of the largest are only rounding errors.
    """
    products = [np.eye(jacobians.shape[-1])]
    for jacobian in jacobians[: -steps - 1 : -1]:
        products.append(jacobian @ products[-1])
    return np.linalg.svd(np.array(products), compute_uv=False)


def lyapunov_exponents(jacobians: Array, count: int) -> Array:
    """Return the `count` largest Lyapunov exponents, the largest first.

    The i-th is the mean natural logarithm, per step, of how much the i-th most stretched direction is stretched: the
    i-th singular value of the product of T Jacobians tends to exp(T x exponent). So the first gives the factor by which
    a gradient shrinks or grows at each step in the long run.

    Such a product cannot be computed for large T, since its entries overflow or vanish. Benettin and others (1980), and
    for recurrent networks Engelken and others, "Lyapunov spectra of chaotic recurrent neural networks" (2023), carry
    orthogonal directions along instead, and at each step factor out their stretches with a QR decomposition.

    Args:
        jacobians: the result of `step_jacobians` for T steps.
        count: the number of exponents, at most the number of units.
    """
    # Any directions will do, since the Jacobians turn them towards those that they stretch most.
    start = np.random.default_rng(0).normal(size=(jacobians.shape[-1], count))
    directions = np.linalg.qr(start).Q
    total = np.zeros(count)
    for jacobian in jacobians:
        directions, stretches = np.linalg.qr(jacobian.T @ directions)
        total += np.log(np.abs(np.diagonal(stretches)))
    return total / len(jacobians)
