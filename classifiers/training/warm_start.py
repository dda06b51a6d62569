"""Start a training run from the weights of an earlier one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file

from classifiers.errors import ClassifiersError, require
from classifiers.model_directory import FILES, NAMES, load_models, read_manifest
from classifiers.nn.arrays import Array
from classifiers.nn.network import Network
from classifiers.training.recipes import Recipe

RIDGE = 30.0
"""The penalty of the ridge regression that predicts the vectors of new words.

Among 1, 30, 300, 1,000 and 3,000 it was the best for predicting the vectors of 1,000 rare words of the BiLSTM (R²
0.37), and close to the best for the RNN (R² 0.11).
"""

SPECIAL_TOKENS = 2
"""The rows of the word vectors before those of words: padding and the unknown word."""


def check_start(directory: Path, recipes: Mapping[str, Recipe], labels: Sequence[str]) -> None:
    """Refuse a model directory from which networks cannot start, before anything is trained.

    Args:
        directory: the model directory.
        recipes: the recipe of each network to be trained, by its kind.
        labels: the labels of their outputs.

    Raises:
        ClassifiersError: the directory is damaged or lacks one of the networks, or has other labels or sizes.
    """
    models, cards = load_models(directory), read_manifest(directory).models
    for name, recipe in recipes.items():
        if name not in models:
            raise ClassifiersError(f"{directory} has no {NAMES[name]} to start from: choose other models with --model.")
        if models[name].labels != tuple(labels):
            raise ClassifiersError(
                f"The models in {directory} have other labels than this data set: leave --start out."
            )
        features = cards[name].embedding
        if features != recipe.embedding:
            raise ClassifiersError(
                f"The word vectors in {directory} have {features} features: give --embedding {features}."
            )


def load_initial_weights(
    directory: Path,
    name: str,
    network: Network,
    words: Sequence[str],
    vectors: Array | None = None,
) -> None:
    """Give an untrained network the weights of its kind from a model directory that `check_start` accepts.

    Words keep their vectors, wherever they are in the two vocabularies. The vector of a word that the directory lacks
    is predicted from the teacher's vector, by a ridge regression that is fitted to the words that both have. Without a
    teacher, or a word that both have, it is left unchanged.

    Args:
        directory: the model directory.
        name: the kind of network.
        network: the network, which is changed in place.
        words: its vocabulary, in the order of its word vectors.
        vectors: (words, features) the teacher's word vectors; None without a teacher.

    Raises:
        ClassifiersError: the directory is damaged.
        MissingExtraError: the onnx package, which reads the BiLSTM's file, is not installed.
    """
    known_words, weights = load_models(directory)[name].tokenizer.words, read_weights(name, directory)
    given, own = weights["0.embeddings"], network.params["0.embeddings"].copy()
    places = {word: place for place, word in enumerate(words)}
    shared = [(old, places[word]) for old, word in enumerate(known_words) if word in places]
    old, new = np.array(shared, dtype=np.intp).reshape(-1, 2).T
    if vectors is not None and len(new):
        own[SPECIAL_TOKENS:] = _predict_vectors(vectors, new, given[SPECIAL_TOKENS + old])
    own[:SPECIAL_TOKENS], own[SPECIAL_TOKENS + new] = given[:SPECIAL_TOKENS], given[SPECIAL_TOKENS + old]
    network.load(weights | {"0.embeddings": own})


def _predict_vectors(vectors: Array, known: Array, targets: Array) -> Array:
    """Return a vector for each row of `vectors`, predicted by the regression from the rows `known` to `targets`."""
    features = np.column_stack([vectors, np.ones(len(vectors))])
    fitted = features[known]
    gram = fitted.T @ fitted + RIDGE * np.eye(features.shape[1])
    predicted: Array = features @ np.linalg.solve(gram, fitted.T @ targets)
    return predicted


def read_weights(name: str, directory: Path) -> dict[str, Array]:
    """Return the parameters in a model directory, under the names that `classifiers.nn.network` gives them; float32.

    Raises:
        MissingExtraError: the onnx package, which reads the BiLSTM's file, is not installed.
    """
    path = directory / FILES[name]
    if name == "bilstm":
        require("Reading the BiLSTM", "train", "onnx")
        from classifiers.training.onnx_export import read_bilstm  # noqa: PLC0415 - the other networks do without

        weights = read_bilstm(path)
    else:
        weights = load_file(path)
    return {key: array.astype(np.float32) for key, array in weights.items()}
