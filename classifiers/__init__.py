"""Emotion classifiers: recurrent networks from scratch in NumPy, and a BiLSTM trained in Keras, served without it."""

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
