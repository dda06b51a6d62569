"""Score many texts at once, in any process; the models are loaded when a process first needs them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from classifiers.classifier import Answer, NetworkClassifier, Prediction
from classifiers.cli.insight import Insight, explain_answer, insight_record
from classifiers.errors import DatasetError
from classifiers.model_directory import load_models
from classifiers.nn.arrays import Array


@cache
def load_once(directory: Path) -> Mapping[str, NetworkClassifier]:
    """Return the models of a directory, which each process loads once.

    Raises:
        ModelDirectoryError: the directory is missing, damaged, or not a model directory.
    """
    return load_models(directory)


@dataclass(frozen=True, slots=True)
class Scorer:
    """Scores texts with some models of a directory; it can be pickled, to be sent to other processes."""

    directory: Path
    names: tuple[str, ...]

    @property
    def models(self) -> dict[str, NetworkClassifier]:
        """The models by name."""
        return {name: load_once(self.directory)[name] for name in self.names}

    def timed_scores(self, texts: Sequence[str]) -> dict[str, tuple[Array, float]]:
        """Return each model's probabilities (texts, labels) and the seconds it took.

        Models of one directory share the tokenizer, so the texts are encoded once for all of them.
        """
        timed, start = {}, time.perf_counter()
        tokenizer = load_once(self.directory)[self.names[0]].tokenizer
        sequences = [tokenizer.read(text)[0] for text in texts]
        reading = time.perf_counter() - start
        for name, model in self.models.items():
            start = time.perf_counter()
            timed[name] = model.scores_of(sequences), reading + time.perf_counter() - start
        return timed

    def scores(self, texts: Sequence[str]) -> Array:
        """Return the probabilities (texts, columns) of all models, in the order of `columns`."""
        return np.hstack([scores for scores, _ in self.timed_scores(texts).values()])

    def columns(self, path: Path, header: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the columns that a table gets for the scores, such as `rnn_joy`.

        Raises:
            DatasetError: the table already has a column with such a name.
        """
        columns = tuple(f"{name}_{label}" for name, model in self.models.items() for label in model.labels)
        for column in columns:
            if column in header:
                raise DatasetError(f"{path} has a column {column!r} already: leave it out, or give it another name.")
        return columns


@dataclass(frozen=True, slots=True)
class JsonLines:
    """Formats the answers to each text as a line of JSON.

    Attributes:
        scorer: the models that answer.
        top: how many of the most probable labels are listed separately.
        explain: whether to say how each model reached its answer.
    """

    scorer: Scorer
    top: int
    explain: bool

    def __call__(self, texts: Sequence[str]) -> str:
        """Return the lines for texts, which are answered as one batch; each gets a share of the time."""
        columns = {
            name: [
                Answer(Prediction(model.labels, tuple(row), model.thresholds), seconds / len(texts) * 1000)
                for row in scores.tolist()
            ]
            for (name, (scores, seconds)), model in zip(
                self.scorer.timed_scores(texts).items(), self.scorer.models.values(), strict=True
            )
        }
        return "".join(
            self._line(text, {name: answers[place] for name, answers in columns.items()})
            for place, text in enumerate(texts)
        )

    def _line(self, text: str, answers: Mapping[str, Answer]) -> str:
        explained = self.scorer.models if self.explain else {}
        insights = {name: explain_answer(name, model, text) for name, model in explained.items()}
        return json.dumps(comparison_record(text, answers, self.top, insights)) + "\n"


def comparison_record(
    text: str, answers: Mapping[str, Answer], count: int, insights: Mapping[str, Insight]
) -> dict[str, Any]:
    """Return a comparison as a JSON object, with each model's answer and insight under the model's name."""
    return {
        "text": text,
        **{
            name: {
                "top": answer.prediction.top(count),
                "labels": answer.prediction.present,
                "scores": dict(zip(answer.prediction.labels, answer.prediction.scores, strict=True)),
                "milliseconds": answer.milliseconds,
                **(insight_record(insights[name], count) if name in insights else {}),
            }
            for name, answer in answers.items()
        },
    }
