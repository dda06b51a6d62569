"""The shipped models tell apart texts that differ in little, such as a negation."""

from pathlib import Path

import pytest

from classifiers import load_models
from classifiers.classifier import NetworkClassifier

PAIRS = Path(__file__).parent / "negation.tsv"
"""Pairs of a plain and a negated text, each with the labels that a fair reader would accept."""


@pytest.fixture(scope="module")
def models() -> dict[str, NetworkClassifier]:
    return load_models()


def test_bilstm_understands_negation(models: dict[str, NetworkClassifier]) -> None:
    rows = [line.split("\t") for line in PAIRS.read_text(encoding="utf-8").splitlines()[1:]]
    wrong = []
    for prediction, (_, text, accepted) in zip(models["bilstm"].predict([row[1] for row in rows]), rows, strict=True):
        [(strongest, _)] = prediction.top(1)
        if strongest not in accepted.split(","):
            wrong.append((text, strongest))
    assert len(wrong) <= 0.15 * len(rows), wrong


def test_expected_labels_of_a_pair_differ() -> None:
    rows = [line.split("\t") for line in PAIRS.read_text(encoding="utf-8").splitlines()[1:]]
    for (pair, _, plain), (other, _, negated) in zip(rows[::2], rows[1::2], strict=True):
        assert pair == other
        assert not set(plain.split(",")) & set(negated.split(","))
