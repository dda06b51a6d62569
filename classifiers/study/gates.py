"""Record the gates, cells and states of the shipped BiLSTM while it reads a sentence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import numpy as np

from classifiers.classifier import Classifier
from classifiers.model_directory import PRETRAINED, load_models
from classifiers.nn.arrays import Array
from classifiers.nn.batching import pad
from classifiers.nn.layers import LSTM, Bidirectional
from classifiers.nn.network import KINDS, Network, build
from classifiers.study.findings import DIRECTIONS
from classifiers.study.lstm_trace import LSTMTrace, trace_lstm
from classifiers.text import tokenize
from classifiers.training.warm_start import read_weights

SENTENCES = (
    "great job breaking the build again, genius",
    "the team was awful but now it is great",
    "I thought I would hate it, but I love it",
    "I am not happy at all",
    "thank you so much, you saved my day",
)
"""The sentences that the BiLSTM reads on the page."""

UNITS = 8
"""The number of units of each direction that are shown one by one: those whose cells change most over the sentence."""

MEAN = 0
"""The unit number that stands for all units together."""


def shipped_bilstm() -> tuple[Network, Classifier]:
    """Return the shipped BiLSTM in our own layers, and the classifier that uses it."""
    weights = read_weights("bilstm", PRETRAINED)
    vocabulary, embedding = weights["0.embeddings"].shape
    labels = len(weights[f"{KINDS['bilstm'].output}.bias"])
    network = build("bilstm", vocabulary, embedding, labels, rng=None)
    network.load(weights)
    return network, replace(load_models(PRETRAINED)["bilstm"], run=network.forward)


def gate_records() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return what the shipped BiLSTM computes at each word of `SENTENCES`, and its predictions.

    Returns:
        Two lists of records: what is computed at each word, and the "answer" to each sentence, which is the strongest
        emotion with its probability.

        The first list has a record for each sentence, layer (1 is the lowest), direction, unit, and "place" of a word
        from the left. Units 1 to `UNITS` are individual ones; unit `MEAN` has the mean of each gate over all units, and
        the root mean square of cells and states.
    """
    network, classifier = shipped_bilstm()
    records = [
        record
        for sentence in SENTENCES
        for record in _records(sentence, network, classifier.tokenizer.encode(sentence))
    ]
    strongest = [prediction.top(1)[0] for prediction in classifier.predict(SENTENCES)]
    answers = [
        {"sentence": sentence, "answer": f"{label}, {probability:.0%}"}
        for sentence, (label, probability) in zip(SENTENCES, strongest, strict=True)
    ]
    return records, answers


def _records(sentence: str, network: Network, ids: list[int]) -> Iterator[dict[str, Any]]:
    """Yield the records of one sentence, as `gate_records` says."""
    words = tokenize(sentence)
    for layer, direction, trace in _traces(network, ids):
        for unit, lines in _units(trace):
            for place, word in enumerate(words):
                yield {
                    "sentence": sentence,
                    "layer": layer,
                    "direction": direction,
                    "unit": unit,
                    "place": place + 1,
                    "word": word,
                    **{name: round(float(line[place]), 2) for name, line in lines.items()},
                }


def _traces(network: Network, ids: list[int]) -> Iterator[tuple[int, str, LSTMTrace]]:
    """Yield layer, direction and its trace of one sentence (words, units), the leftmost word first."""
    batch = pad([ids])
    x: Array = batch.ids
    count = 0
    for layer in network.layers:
        if isinstance(layer, Bidirectional):
            count += 1
            sides = ((layer.forward_layer, slice(None)), (layer.backward_layer, slice(None, None, -1)))
            for direction, (side, order) in zip(DIRECTIONS, sides, strict=True):
                trace = trace_lstm(cast(LSTM, side), x[order], batch.lengths)
                yield count, direction, trace.at(order, 0)
        x = layer.forward(x, batch.lengths)


def _units(trace: LSTMTrace) -> Iterator[tuple[int, dict[str, Array]]]:
    """Yield a unit's number and its values (words,) by name: first `MEAN`, then the units whose cells change most."""
    gates = {"input": trace.input, "forget": trace.forget, "output": trace.output}
    states = {"cell": trace.cell, "state": trace.state}
    means = {name: array.mean(axis=1) for name, array in gates.items()}
    sizes = {name: np.sqrt(np.square(array).mean(axis=1)) for name, array in states.items()}
    yield MEAN, means | sizes
    most_active = np.argsort(-trace.cell.std(axis=0), kind="stable")[:UNITS]
    for number, unit in enumerate(most_active, start=1):
        yield number, {name: array[:, unit] for name, array in (gates | states).items()}
