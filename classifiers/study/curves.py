"""Measure the accuracy by epoch of the original study's two training runs: the experiment `curves`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from classifiers.nn.network import build
from classifiers.study.gradients import rounded
from classifiers.training.corpus import encode, fit_tokenizer
from classifiers.training.datasets import load_dataset
from classifiers.training.numpy_backend import Trainer
from classifiers.training.recipes import TINY


@dataclass(frozen=True, slots=True)
class Curve:
    """A training run on the built-in phrases: the kind of network, and the number of epochs."""

    kind: str
    epochs: int


CURVES = {"rnn-500": Curve("rnn", 500), "bilstm-10": Curve("bilstm", 10), "bilstm-40": Curve("bilstm", 40)}
"""The two training runs of the original study, and the BiLSTM for as many epochs as its recipe has."""


@dataclass(frozen=True, slots=True)
class CurveSettings:
    """The size of the experiment.

    Attributes:
        units: units of each recurrent layer in each direction.
        most_epochs: the most epochs of a training run.
    """

    units: int
    most_epochs: int


FULL_CURVES = CurveSettings(units=128, most_epochs=500)

QUICK_CURVES = CurveSettings(units=8, most_epochs=2)


def measure_curve(name: str, seed: int, settings: CurveSettings) -> dict[str, Any]:
    """Train a network of `train.py` by its recipe for the built-in phrases, for the epochs of a curve.

    Returns:
        "accuracy": the share of the test phrases that are right, after each epoch.
    """
    curve = CURVES[name]
    recipe = replace(TINY[curve.kind], epochs=min(curve.epochs, settings.most_epochs), seed=seed)
    dataset = load_dataset("builtin")
    tokenizer = fit_tokenizer(dataset)
    train, test = encode(dataset.train, tokenizer), encode(dataset.test, tokenizer)
    network = build(
        curve.kind,
        len(tokenizer),
        recipe.embedding,
        len(dataset.labels),
        np.random.default_rng(seed),
        recipe.dropout,
        settings.units,
    )
    trainer = Trainer(network, recipe, dataset.multi_label)
    accuracy = []
    for number in range(1, recipe.epochs + 1):
        for _ in trainer.train_epoch(train, number):
            pass
        right = network.logits(test.sequences).argmax(axis=1) == test.targets.argmax(axis=1)
        accuracy.append(rounded(right.mean()))
    return {"accuracy": accuracy}
