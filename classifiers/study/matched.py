"""Train networks with equally many recurrent parameters on all of GoEmotions: the experiment `matched`.

Comparing networks that differ in only one respect (gates, directions or size) shows what each contributes to the
accuracy.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.acceptance import neighbours_in, shares_of
from classifiers.calibration import probabilities
from classifiers.classifier import MINIMUM_CERTAINTY, NetworkClassifier
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.nn.initializers import prior_bias
from classifiers.nn.layers import GRU, LSTM, RNN
from classifiers.nn.network import Kind, Network, stacked
from classifiers.study.gradients import rounded
from classifiers.text import Tokenizer
from classifiers.training.corpus import encode, fit_tokenizer
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.evaluation import calibrated, evaluator, measure, measure_reactions
from classifiers.training.history import Epoch
from classifiers.training.loop import Job, fit
from classifiers.training.numpy_backend import Trainer
from classifiers.training.origin import Origin
from classifiers.training.recipes import FULL as RECIPES
from classifiers.training.recipes import Recipe


@dataclass(frozen=True, slots=True)
class MatchedSettings:
    """The size of the experiment.

    Attributes:
        parameters: about how many recurrent parameters each network has; the first network has a quarter of them.
        texts: how many of GoEmotions' training texts are used; None for all.
        epochs: how often each of these texts is seen; the best epoch on dev is kept.
    """

    parameters: int
    texts: int | None
    epochs: int

    def recipe(self, seed: int) -> Recipe:
        """Return the plain recipe of `train.py --dataset goemotions` with as many epochs for every network."""
        return replace(RECIPES["rnn"], epochs=self.epochs, seed=seed)


FULL_MATCHED = MatchedSettings(parameters=27_840, texts=None, epochs=4)
"""The full size: the parameters of an LSTM of 48 units, as in the study, on the plain recipe's vectors of size 96."""

QUICK_MATCHED = MatchedSettings(parameters=6_000, texts=100, epochs=1)


@dataclass(frozen=True, slots=True)
class MatchedSpec:
    """A network of the experiment: one recurrent layer, with pooling, between embeddings and logits.

    Attributes:
        kind: its recurrent layer and its directions.
        share: the number of its recurrent parameters as a share of that in the settings.
    """

    kind: Kind
    share: float = 1.0

    def units(self, features: int, parameters: int) -> int:
        """Return the units per direction with which the number of recurrent parameters comes closest to the target.

        Args:
            features: the size of the word vectors that the layer reads.
            parameters: the number in the settings.
        """
        wanted = parameters * self.share
        return min(
            range(1, int(wanted) + 1), key=lambda units: abs(self.recurrent_parameters(features, units) - wanted)
        )

    def recurrent_parameters(self, features: int, units: int) -> int:
        """Return the number of recurrent parameters: all of W, U and b of the layer, in both directions."""
        layer = self.kind.layer(features, 1, None)
        gates: int = layer.params["kernel"].shape[1]
        biases = layer.params["bias"].size // gates  # our GRU, like Keras', has two bias vectors
        return self.kind.directions * gates * units * (features + units + biases)


MATCHED = {
    "rnn": MatchedSpec(Kind(RNN, 1), share=0.25),
    "rnn-wide": MatchedSpec(Kind(RNN, 1)),
    "birnn": MatchedSpec(Kind(RNN, 1, directions=2)),
    "gru": MatchedSpec(Kind(GRU, 1)),
    "bigru": MatchedSpec(Kind(GRU, 1, directions=2)),
    "lstm": MatchedSpec(Kind(LSTM, 1)),
    "bilstm": MatchedSpec(Kind(LSTM, 1, directions=2)),
}
"""The networks of the experiment; all but the first have nearly equally many recurrent parameters."""


@dataclass(frozen=True, slots=True)
class _Data:
    """GoEmotions as the networks read it, and people's messages, on which they are also measured."""

    dataset: Dataset
    tokenizer: Tokenizer
    train: Examples
    dev: Examples
    test: Examples
    people: Dataset
    shares: Array


@cache
def _load(texts: int | None) -> _Data:
    dataset = load_dataset("goemotions")
    dataset = replace(dataset, train=Split(dataset.train.texts[:texts], dataset.train.targets[:texts]))
    tokenizer = fit_tokenizer(dataset)
    train, dev, test = (encode(split, tokenizer) for split in (dataset.train, dataset.dev, dataset.test))
    people = load_dataset("people")
    shares = shares_of(neighbours_in(people.train.targets, people.labels), dataset.labels)
    return _Data(dataset, tokenizer, train, dev, test, people, shares)


def measure_matched(name: str, seed: int, settings: MatchedSettings) -> dict[str, Any]:
    """Train a network with the plain recipe, and return its size and its measures at the epoch that was chosen on dev.

    The test part is read once, since temperature and thresholds are chosen on dev. The measures on people's messages
    are those of `python -m classifiers evaluate --dataset people`.

    Raises:
        KeyboardInterrupt: Ctrl-C while the network was training.
    """
    data, recipe = _load(settings.texts), settings.recipe(seed)
    spec = MATCHED[name]
    units = spec.units(recipe.embedding, settings.parameters)
    network, best = _train(spec.kind, units, recipe, data)
    return {
        "units": units,
        "recurrent": spec.recurrent_parameters(recipe.embedding, units),
        "parameters": sum(array.size for array in network.params.values()),
        "epoch": best.number,
        "dev_loss": rounded(best.dev_loss),
        **{key: rounded(value) for key, value in _measures(network, data).items()},
    }


def _train(kind: Kind, units: int, recipe: Recipe, data: _Data) -> tuple[Network, Epoch]:
    """Train a network; return it in its state after the epoch that was chosen on dev, and that epoch.

    Raises:
        KeyboardInterrupt: Ctrl-C while it was training.
    """
    dataset, rng = data.dataset, np.random.default_rng(recipe.seed)
    network = stacked(kind, len(data.tokenizer), recipe.embedding, len(dataset.labels), rng, recipe.dropout, units)
    network.layers[-1].params["bias"] = prior_bias(dataset.train.targets, dataset.multi_label)
    trainer = Trainer(network, recipe, dataset.multi_label)
    origin = Origin.of(dataset, data.train.sequences, "numpy")
    with tempfile.TemporaryDirectory() as folder:
        job = Job(data.train, data.dev, recipe, evaluator(dataset), origin, Path(folder, "checkpoint"))
        history = fit(trainer, job)
    if history.interrupted:
        raise KeyboardInterrupt
    return network, history.best_epoch


def _measures(network: Network, data: _Data) -> dict[str, float]:
    """Return a trained network's measures on GoEmotions' test split, calibrated on dev, and on people's messages."""
    dataset, messages = data.dataset, data.people.test
    chosen = calibrated(network.logits(data.dev.sequences), dataset)
    scores = probabilities(network.logits(data.test.sequences), chosen.temperature, dataset.multi_label)
    metrics = measure(scores, data.test.targets, chosen.thresholds, dataset.labels)
    classifier = NetworkClassifier(
        network.forward,
        data.tokenizer,
        dataset.labels,
        tuple(chosen.thresholds.tolist()),
        chosen.temperature,
        MINIMUM_CERTAINTY,
        dataset.multi_label,
        shares=data.shares,
    )
    reactions = measure_reactions(classifier.predict(messages.texts), messages, data.people.labels)
    return {
        "macro_f1": metrics.macro_f1,
        "micro_f1": metrics.micro_f1,
        "top1": metrics.top1,
        "acceptable": reactions.acceptable,
        "emotional": reactions.emotional,
    }
