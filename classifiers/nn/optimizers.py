"""Update parameters: SGD with momentum, Adam, clipping by global norm and a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from classifiers.nn.arrays import Array

BLOCK_SIZE = 2**16
"""The number of parameters that Adam updates at once, so that intermediate results stay in the cache."""


class SGD:
    """Gradient descent with momentum (Polyak, 1964): v ← m v - r g, p ← p + v."""

    def __init__(self, momentum: float = 0.0) -> None:
        self.momentum = momentum
        self.state: dict[str, Array] = {}

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array], rate: float) -> None:
        """Update `params` in place with learning rate `rate`."""
        for name, param in params.items():
            velocity = self.state.setdefault(name, np.zeros_like(param))
            velocity *= self.momentum
            velocity -= rate * grads[name]
            param += velocity


class Adam:
    """Kingma and Ba, "Adam" (2015), algorithm 1 in the efficient form at the end of its section 2.

    With `weight_decay` it is AdamW, Loshchilov and Hutter (2019): p ← p - r (Adam's step + λ p). As in Keras, ε is
    added to the uncorrected root, so that the two can be compared step by step. `state` is everything needed to
    continue later: the number of steps taken, the mean of the gradients, and the root of the mean of their squares.
    (Keeping the root means that a moment which has merely decayed needs no new square root.)
    """

    def __init__(
        self, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7, weight_decay: float = 0.0
    ) -> None:
        self.beta_1, self.beta_2, self.epsilon, self.weight_decay = beta_1, beta_2, epsilon, weight_decay
        self.state: dict[str, Array] = {"steps": np.zeros(1, dtype=np.int64)}

    def step(
        self,
        params: Mapping[str, Array],
        grads: Mapping[str, Array],
        rate: float,
        touched: Mapping[str, Array] = MappingProxyType({}),
    ) -> None:
        """Update `params` in place with learning rate `rate`.

        If `touched` has the rows outside of which a gradient is zero, only those rows of it are read. The other rows
        still move by their moments, as in Keras.
        """
        self.state["steps"] += 1
        steps = int(self.state["steps"][0])
        corrected = rate * math.sqrt(1 - self.beta_2**steps) / (1 - self.beta_1**steps)
        for name, param in params.items():
            if f"{name}.mean" not in self.state:
                self.state[f"{name}.mean"], self.state[f"{name}.root"] = np.zeros_like(param), np.zeros_like(param)
            mean, root = self.state[f"{name}.mean"], self.state[f"{name}.root"]
            rows = touched.get(name, slice(None))
            gradient = grads[name][rows]
            # New gradients are added to the moments before these decay, so that the rest is the same for every row.
            mean[rows] += (1 / self.beta_1 - 1) * gradient
            root[rows] = np.sqrt(np.square(root[rows]) + (1 / self.beta_2 - 1) * np.square(gradient))
            count = max(1, BLOCK_SIZE * len(param) // param.size)
            for start in range(0, len(param), count):
                p, m, r = (array[start : start + count] for array in (param, mean, root))
                m *= self.beta_1
                r *= math.sqrt(self.beta_2)
                change = r + self.epsilon
                np.divide(m, change, out=change)
                change *= corrected
                p *= 1 - rate * self.weight_decay
                p -= change


def clip_by_global_norm(
    grads: Mapping[str, Array], limit: float, touched: Mapping[str, Array] = MappingProxyType({})
) -> float:
    """Scale all gradients in place so that their joint norm is at most `limit`; return the norm before that.

    Pascanu and others, "On the difficulty of training recurrent neural networks" (2013), algorithm 1. `touched` has the
    rows outside of which a gradient is zero, as for `Adam.step`.
    """
    norm = _joint_norm([gradient[touched[name]] if name in touched else gradient for name, gradient in grads.items()])
    if norm > limit:
        for name, gradient in grads.items():
            gradient[touched.get(name, slice(None))] *= limit / norm
    return norm


def _joint_norm(parts: Sequence[Array]) -> float:
    norm = math.sqrt(sum(float(np.vdot(part, part)) for part in parts))
    if math.isfinite(norm):
        return norm
    # In single precision the squares of numbers above 10^19 are infinite, so divide by the largest number first.
    largest = max(float(np.abs(part).max(initial=0)) for part in parts)
    if not math.isfinite(largest):
        return largest
    return largest * math.sqrt(sum(float(np.vdot(part / largest, part / largest)) for part in parts))


def warmup_cosine(step: int, steps: int, peak: float, warmup: float = 0.1) -> float:
    """Return the learning rate at `step` of `steps`: a linear rise over the share `warmup`, then a cosine to 0.

    Loshchilov and Hutter, "SGDR" (2017), equation 5, without restarts.
    """
    rising = max(1, round(steps * warmup))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2
