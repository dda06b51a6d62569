"""Measure how much of a gradient reaches each word of a few phrases, for the page on gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples, pad
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.nn.network import Network
from classifiers.study.networks import MEMORY
from classifiers.study.settings import FULL
from classifiers.text import Tokenizer
from classifiers.training.datasets import load_dataset
from classifiers.training.numpy_backend import Trainer

NETWORKS = {"orthogonal": "RNN", "lstm": "LSTM", "bilstm": "BiLSTM"}
"""The networks of the memory task that read the phrases, and their names on the page."""

WORDS = 9
"""The number of words of the phrases on the page: that of the longest built-in test phrases."""

SETTINGS = replace(FULL, batch_size=8, learning_rate=5e-3, epochs=60)
"""Settings with which each of the networks labels all built-in test phrases correctly."""


def phrase_gradients() -> list[dict[str, Any]]:
    """Train a network of each kind on the built-in phrases; return the gradients in those of `WORDS` words.

    Returns:
        A record for each phrase, network, moment ("start" or "end" of training), word `at` from which the network
        predicts, and `word` that a gradient reaches, which is `at` itself, one before it or, for the BiLSTM, one
        after it: `left` is the gradient's norm as a multiple of that at the word `at`.
    """
    dataset = load_dataset("builtin")
    tokenizer = Tokenizer.fit(dataset.train.texts, max_words=5000, min_count=1, max_tokens=64)
    train = Examples([tokenizer.encode(text) for text in dataset.train.texts], dataset.train.targets)
    phrases = [text for text in dataset.test.texts if len(text.split()) == WORDS]
    return [
        {"phrase": phrase, "network": title, "moment": moment, **record}
        for name, title in NETWORKS.items()
        for moment, network in _before_and_after_training(name, train, len(tokenizer))
        for phrase in phrases
        for record in _records(network, phrase, tokenizer)
    ]


def _before_and_after_training(name: str, train: Examples, vocabulary: int) -> Iterator[tuple[str, Network]]:
    """Yield a network at the "start" of training, and the same one at its "end"."""
    labels = train.targets.shape[1]
    network = MEMORY[name].build(vocabulary, SETTINGS.units, labels, np.random.default_rng(0))
    yield "start", network
    trainer = Trainer(network, SETTINGS.recipe(clip_norm=1.0, seed=0), multi_label=False)
    for epoch in range(1, SETTINGS.epochs + 1):
        for _ in trainer.train_epoch(train, epoch):
            pass
    yield "end", network


def _records(network: Network, phrase: str, tokenizer: Tokenizer) -> Iterator[dict[str, Any]]:
    ids, words = tokenizer.encode(phrase), phrase.split()
    for at in range(len(words)):
        norms = word_gradients(network, ids, at)
        for word, norm in enumerate(norms):
            if norm > 0:
                left = float(f"{norm / norms[at]:.2g}")
                yield {"at": at + 1, "word": word + 1, "token": words[word], "left": left}


def word_gradients(network: Network, ids: list[int], at: int) -> Array:
    """Return the norm of the loss gradient at each word, if the network predicts from its states at the word `at`.

    The loss is that of the least probable answer according to the network: for the right one, a trained network would
    send hardly any error back.
    """
    batch = pad([ids])
    x: Array = batch.ids
    embedding, *inner, _, output = network.layers
    for layer in (embedding, *inner):
        x = layer.forward(x, batch.lengths)
    logits = output.forward(x[at], batch.lengths)
    wrong = np.eye(logits.shape[1], dtype=logits.dtype)[logits.argmin(axis=1)]
    dx = np.zeros_like(x)
    dx[at] = output.backward(softmax_cross_entropy(logits, wrong)[1])
    for layer in reversed(inner):
        dx = layer.backward(dx)
    return np.asarray(np.linalg.norm(dx[:, 0], axis=1))
