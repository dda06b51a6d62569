"""Measure the gradient on real texts: the experiment `goemotions`."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np

from classifiers.nn.batching import Examples, pad
from classifiers.nn.initializers import prior_bias
from classifiers.nn.losses import sigmoid_cross_entropy
from classifiers.study.gradients import gradient_norms, rounded
from classifiers.study.networks import GOEMOTIONS
from classifiers.study.settings import Settings
from classifiers.text import Tokenizer
from classifiers.training.datasets import load_dataset
from classifiers.training.numpy_backend import Trainer


@dataclass(frozen=True, slots=True)
class _Texts:
    """GoEmotions as token numbers, and the size of the vocabulary."""

    train: Examples
    dev: Examples
    vocabulary: int


@cache
def _load_texts(texts: int) -> _Texts:
    """Return the first `texts` training texts and all dev texts, as token numbers."""
    dataset = load_dataset("goemotions")
    known = dataset.train.texts[:texts]
    tokenizer = Tokenizer.fit(known, max_words=5000, min_count=2, max_tokens=64)
    train = Examples([tokenizer.encode(text) for text in known], dataset.train.targets[:texts])
    dev = Examples([tokenizer.encode(text) for text in dataset.dev.texts], dataset.dev.targets)
    return _Texts(train, dev, len(tokenizer))


def measure_goemotions(name: str, seed: int, settings: Settings) -> dict[str, Any]:
    """Train a network briefly; return its gradients before and after, and the top-1 on dev texts with one label."""
    spec = GOEMOTIONS[name]
    texts = _load_texts(settings.texts)
    labels = texts.train.targets.shape[1]
    network = spec.build(texts.vocabulary, settings.units, labels, np.random.default_rng(seed))
    network.layers[-1].params["bias"] = prior_bias(texts.train.targets, multi_label=True)
    trainer = Trainer(network, settings.recipe(spec.clip_norm, seed), multi_label=True)
    long = [place for place, text in enumerate(texts.dev.sequences) if len(text) > settings.reach][: settings.probes]
    batch, targets = pad([texts.dev.sequences[place] for place in long]), texts.dev.targets[long]
    probe = partial(gradient_norms, network, batch, targets, sigmoid_cross_entropy, settings.reach)
    start = probe()
    for number in range(1, settings.epochs + 1):
        for _ in trainer.train_epoch(texts.train, number):
            pass
    single = texts.dev.targets.sum(axis=1) == 1
    right = network.logits(texts.dev.sequences).argmax(axis=1) == texts.dev.targets.argmax(axis=1)
    return {"start": start, "end": probe(), "top1": rounded(right[single].mean())}
