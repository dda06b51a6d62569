"""Explain one model's answer: the words that counted most, and the prediction after each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from classifiers.classifier import NetworkClassifier, ranked
from classifiers.explain import Explanation, PrefixPredictions, explain, network_of, predict_prefixes, saliency
from classifiers.model_directory import DIRECTIONS


@dataclass(frozen=True, slots=True)
class Insight:
    """The explanation of one model's answer; `saliency` is None unless our own layers compute the network."""

    explanation: Explanation
    saliency: tuple[float, ...] | None
    prefixes: PrefixPredictions


def explain_answer(name: str, model: NetworkClassifier, text: str) -> Insight:
    """Return the explanation of the answer of the model with that name."""
    explanation, network = explain(model, text), network_of(model)
    label = model.labels.index(explanation.label)
    gradients = None if network is None else saliency(network, model.tokenizer, text, label)
    return Insight(explanation, gradients, predict_prefixes(model, text, DIRECTIONS[name]))


def insight_record(insight: Insight, count: int) -> dict[str, Any]:
    """Return an insight as a JSON object, with the `count` most probable labels after each word."""
    prefixes = insight.prefixes

    def top_labels(rows: Sequence[Sequence[float]]) -> list[dict[str, Any]]:
        return [
            {"word": word, "top": ranked(zip(prefixes.labels, row, strict=True))[:count]}
            for word, row in zip(prefixes.words, rows, strict=True)
        ]

    return {
        "words": [{"word": word.text, "share": word.share} for word in insight.explanation.words],
        "saliency": insight.saliency,
        "reading": {
            "forward": top_labels(prefixes.forward),
            "backward": None if prefixes.backward is None else top_labels(prefixes.backward),
        },
    }
