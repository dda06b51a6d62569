"""Provide matrix products, views and a check that several modules share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
"""float32 for speed, float64 for gradient checks; integers for token numbers and lengths."""


def project(x: Array, kernel: Array, bias: Array) -> Array:
    """Return x W + b over the last axis, as one matrix product for any number of leading axes."""
    y = x.reshape(-1, x.shape[-1]) @ kernel
    y += bias
    return y.reshape(*x.shape[:-1], -1)


def project_backward(x: Array, kernel: Array, dy: Array) -> tuple[Array, dict[str, Array]]:
    """Return the gradients of `project`: that of x, and those of the parameters "kernel" and "bias".

    dx = dy Wᵀ, dW = xᵀ dy and db = Σ dy, the last two summed over all axes but the last.
    """
    flat_dy = dy.reshape(-1, dy.shape[-1])
    dx = (flat_dy @ kernel.T).reshape(x.shape)
    d_bias = np.ones(len(flat_dy), flat_dy.dtype) @ flat_dy  # three times as fast as flat_dy.sum(axis=0)
    return dx, {"kernel": outer_sum(x, dy), "bias": d_bias}


def outer_sum(x: Array, dy: Array) -> Array:
    """Return Σ xᵀ dy over all axes but the last, the gradient of W in x W, as one matrix product."""
    return x.reshape(-1, x.shape[-1]).T @ dy.reshape(-1, dy.shape[-1])


def split_gates(array: Array, count: int) -> list[Array]:
    """Return views of the `count` equal parts of the last axis."""
    size = array.shape[-1] // count
    return [array[..., start : start + size] for start in range(0, array.shape[-1], size)]


def require_finite(arrays: Iterable[Array]) -> None:
    """Raise ValueError if one of the arrays has an element that is infinite or not a number."""
    if not all(np.isfinite(array).all() for array in arrays):
        raise ValueError("it holds numbers that are not finite")
