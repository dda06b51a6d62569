"""Compare ways of reading messages that are longer than a network reads at once, for docs/models.md.

    python benchmarks/long_messages.py [--models DIRECTORY]

Each message consists of comments with one label from GoEmotions' dev split. It is read in four ways: its first window
alone; all at once; in windows, with the mean of their certainties; and in windows, with the least of them, as the bot
does. The bot's default settings decide which messages get a reaction. The columns are shares:

- of messages of ten comments of one emotion: the strongest label is that emotion, there is a reaction, and there is one
  of another emotion;
- of messages of six comments of one pleasant emotion, then three of an unpleasant one: there is a pleasant reaction;
- of messages of nine neutral comments: there is a reaction.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from classifiers.acceptance import acceptance
from classifiers.calibration import probabilities
from classifiers.classifier import NetworkClassifier, Prediction
from classifiers.emotions import NEUTRAL, SENTIMENT
from classifiers.errors import ClassifiersError
from classifiers.model_directory import NAMES, PRETRAINED, load_models
from classifiers.nn.arrays import Array
from classifiers.nn.batching import logits_of
from classifiers.training.datasets import load_dataset
from classifiers.windows import mean_per_sequence, min_per_sequence, split_all

COMMENTS = 10
"""The number of comments of one emotion in a message; emotions with fewer are left out."""

ALIKE, MIXED, NEUTRALS = 15, 20, 300
"""The number of messages of each emotion, of each pleasant emotion with an unpleasant end, and without emotion."""

Comments = Mapping[str, Sequence[str]]
Combine = Callable[[Array, Sequence[int]], Array]


@dataclass(frozen=True, slots=True)
class ReadingMethod:
    """A way to read a long message.

    Attributes:
        size: how many tokens are read at once.
        limit: the most tokens that are read.
        certainty: combines the certainties of the windows.
    """

    size: int
    limit: int
    certainty: Combine


def reading_methods(model: NetworkClassifier) -> dict[str, ReadingMethod]:
    """Return the ways to read a long message, by the names that the tables show."""
    window, longest = model.tokenizer.max_tokens, model.tokenizer.longest
    return {
        f"the first {window} tokens alone": ReadingMethod(window, window, mean_per_sequence),
        "all at once": ReadingMethod(longest, longest, mean_per_sequence),
        "windows, mean certainty": ReadingMethod(window, longest, mean_per_sequence),
        "windows, least certainty": ReadingMethod(window, longest, min_per_sequence),
    }


def predictions(model: NetworkClassifier, texts: Sequence[str], method: ReadingMethod) -> list[Prediction]:
    """Return what the model predicts for texts that are read in this way."""
    sequences = [model.tokenizer.read(text)[0][: method.limit] for text in texts]
    windows, begins = split_all(sequences, method.size)
    scores = probabilities(logits_of(model.run, windows, 8), model.temperature, model.multi_label)
    accepted = scores if model.shares is None else acceptance(scores, model.shares)
    rows = zip(mean_per_sequence(scores, begins).tolist(), method.certainty(accepted, begins).tolist(), strict=True)
    return [
        Prediction(model.labels, tuple(mean), model.thresholds, model.certainty, acceptance=tuple(certainty))
        for mean, certainty in rows
    ]


def single_label_comments() -> dict[str, list[str]]:
    """Return the comments of GoEmotions' dev split that have exactly one label, by that label."""
    dataset = load_dataset("goemotions")
    found: dict[str, list[str]] = {label: [] for label in dataset.labels}
    for text, row in zip(dataset.dev.texts, dataset.dev.targets, strict=True):
        if row.sum() == 1:
            found[dataset.labels[row.argmax()]].append(text)
    return found


def join_comments(comments: Sequence[str], count: int, rng: np.random.Generator) -> str:
    """Return `count` of the comments, drawn without repetition, as one text."""
    return " ".join(rng.choice(comments, count, replace=False))


def reaction(prediction: Prediction) -> str | None:
    """Return the emotion that the bot would react with, or None if it would not react."""
    label, _ = prediction.reaction()
    return label if label != NEUTRAL and prediction.is_certain() else None


def table_rows(model: NetworkClassifier, comments: Comments) -> list[list[str]]:
    """Return the rows of the model's table."""
    rng = np.random.default_rng(0)
    felt = [label for label, texts in comments.items() if label != NEUTRAL and len(texts) >= COMMENTS]
    pleasant, unpleasant = (
        [label for label in felt if label in SENTIMENT[group]] for group in ("positive", "negative")
    )
    emotions = [label for label in felt for _ in range(ALIKE)]
    alike = [join_comments(comments[label], COMMENTS, rng) for label in emotions]
    mixed = [
        f"{join_comments(comments[label], 6, rng)} {join_comments(comments[rng.choice(unpleasant)], 3, rng)}"
        for label in pleasant
        for _ in range(MIXED)
    ]
    neutral = [join_comments(comments[NEUTRAL], 9, rng) for _ in range(NEUTRALS)]
    rows = []
    for name, method in reading_methods(model).items():
        of_alike = predictions(model, alike, method)
        reactions = [reaction(prediction) for prediction in of_alike]
        answers = list(zip(of_alike, reactions, emotions, strict=True))
        shares = (
            [prediction.top(1)[0][0] == emotion for prediction, _, emotion in answers],
            [given is not None for given in reactions],
            [given not in (None, emotion) for _, given, emotion in answers],
            [reaction(prediction) in SENTIMENT["positive"] for prediction in predictions(model, mixed, method)],
            [reaction(prediction) is not None for prediction in predictions(model, neutral, method)],
        )
        rows.append([name, *(f"{np.mean(share):.3f}" for share in shares)])
    return rows


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", type=Path, default=PRETRAINED, help="a model directory (default: the shipped one)")
    try:
        models = load_models(parser.parse_args().models)
        comments = single_label_comments()
    except ClassifiersError as error:
        sys.exit(str(error))
    for name, model in models.items():
        table = Table(NAMES[name], "right", "reaction", "wrong reaction", "pleasant reaction to mixed", "to neutral")
        for row in table_rows(model, comments):
            table.add_row(*row)
        Console().print(table)


if __name__ == "__main__":
    main()
