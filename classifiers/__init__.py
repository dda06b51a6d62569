"""Emotion classifiers: recurrent networks from scratch in NumPy, and a BiLSTM trained in Keras, served without it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classifiers.classifier import MINIMUM_CERTAINTY, Answer, Classifier, Prediction, agree, compare
    from classifiers.emotions import EMOJI, LABELS, NEUTRAL
    from classifiers.errors import ClassifiersError, DatasetError, MissingExtraError, ModelDirectoryError
    from classifiers.markup import strip_markup
    from classifiers.model_directory import NAMES, PRETRAINED, ModelName, load_models

__all__ = [
    "EMOJI",
    "LABELS",
    "MINIMUM_CERTAINTY",
    "NAMES",
    "NEUTRAL",
    "PRETRAINED",
    "Answer",
    "Classifier",
    "ClassifiersError",
    "DatasetError",
    "MissingExtraError",
    "ModelDirectoryError",
    "ModelName",
    "Prediction",
    "agree",
    "compare",
    "load_models",
    "strip_markup",
]

_MODULES = {
    "classifier": ("MINIMUM_CERTAINTY", "Answer", "Classifier", "Prediction", "agree", "compare"),
    "emotions": ("EMOJI", "LABELS", "NEUTRAL"),
    "errors": ("ClassifiersError", "DatasetError", "MissingExtraError", "ModelDirectoryError"),
    "markup": ("strip_markup",),
    "model_directory": ("NAMES", "PRETRAINED", "ModelName", "load_models"),
}


def __getattr__(name: str) -> Any:
    """Import a name on first use, so that a command line handles Ctrl-C before NumPy is loaded."""
    for module, names in _MODULES.items():
        if name in names:
            return getattr(importlib.import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
