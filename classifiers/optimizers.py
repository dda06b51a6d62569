"""Gradient descent: SGD with momentum, Adam, clipping by global norm and a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from classifiers.layers import Array

BLOCK = 2**16
"""How many parameters Adam moves at once: few enough for what it computes in between to stay in the cache."""


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
    """Kingma and Ba, "Adam" (2015), algorithm 1 in the efficient form that ends its section 2.

    With `weight_decay` it is AdamW, Loshchilov and Hutter (2019): p ← p - r (Adam's step + λ p). As in Keras, ε
    joins the uncorrected root, so that the two can be compared step by step. `state` holds the moments and the
    number of steps taken, and is all that is needed to go on later.
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

        Where `touched` names the rows outside of which a gradient is zero, only those rows of it are read; the others
        still go on by their moments, as Keras has it too.
        """
        self.state["steps"] += 1
        steps = int(self.state["steps"][0])
        corrected = rate * math.sqrt(1 - self.beta_2**steps) / (1 - self.beta_1**steps)
        for name, param in params.items():
            if f"{name}.mean" not in self.state:
                self.state[f"{name}.mean"], self.state[f"{name}.square"] = np.zeros_like(param), np.zeros_like(param)
            mean, square = self.state[f"{name}.mean"], self.state[f"{name}.square"]
            rows = touched.get(name, slice(None))
            gradient = grads[name][rows]
            mean *= self.beta_1
            mean[rows] += (1 - self.beta_1) * gradient
            square *= self.beta_2
            square[rows] += (1 - self.beta_2) * np.square(gradient)
            if self.weight_decay:
                param *= 1 - rate * self.weight_decay
            count = max(1, BLOCK * len(param) // param.size)
            for start in range(0, len(param), count):
                block = slice(start, start + count)
                change = np.sqrt(square[block])
                change += self.epsilon
                np.divide(mean[block], change, out=change)
                change *= corrected
                param[block] -= change


def clip_by_global_norm(grads: Mapping[str, Array], limit: float) -> float:
    """Scale all gradients in place so that their joint norm is at most `limit`; returns the norm found.

    Pascanu and others, "On the difficulty of training recurrent neural networks" (2013), algorithm 1.
    """
    norm = math.sqrt(sum(float(np.vdot(gradient, gradient)) for gradient in grads.values()))
    if norm > limit:
        for gradient in grads.values():
            gradient *= limit / norm
    return norm


def warmup_cosine(step: int, steps: int, peak: float, warmup: float = 0.1) -> float:
    """The learning rate at `step` of `steps`: a linear rise over the share `warmup`, then a cosine to zero.

    Loshchilov and Hutter, "SGDR" (2017), equation 5, without restarts.
    """
    rising = max(1, round(steps * warmup))
    if step < rising:
        return peak * (step + 1) / rising
    return peak * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising))) / 2
