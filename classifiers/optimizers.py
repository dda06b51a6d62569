"""Gradient descent: SGD with momentum, Adam, clipping by global norm and a learning-rate schedule."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from classifiers.layers import Array


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

    def step(self, params: Mapping[str, Array], grads: Mapping[str, Array], rate: float) -> None:
        """Update `params` in place with learning rate `rate`."""
        self.state["steps"] += 1
        steps = int(self.state["steps"][0])
        corrected = rate * math.sqrt(1 - self.beta_2**steps) / (1 - self.beta_1**steps)
        for name, param in params.items():
            mean = self.state.setdefault(f"{name}.mean", np.zeros_like(param))
            square = self.state.setdefault(f"{name}.square", np.zeros_like(param))
            gradient = grads[name]
            mean += (1 - self.beta_1) * (gradient - mean)
            square += (1 - self.beta_2) * (gradient**2 - square)
            if self.weight_decay:
                param *= 1 - rate * self.weight_decay
            param -= corrected * mean / (np.sqrt(square) + self.epsilon)


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
