from __future__ import annotations

import numpy as np
import pytest

from classifiers.acceptance import acceptance, neighbours_in, shares_of
from classifiers.classifier import Prediction
from classifiers.model_directory import PRETRAINED, load_models, read_manifest

LABELS = ("joy", "love", "pride", "neutral")


def test_neighbours_are_the_labels_that_readers_accept_for_the_same_texts() -> None:
    joy, love, pride, neutral = np.eye(4)
    targets = np.array([joy + love, joy, joy, love + neutral, pride + neutral])
    neighbours = neighbours_in(targets, LABELS)
    assert neighbours == {"joy": {"love": pytest.approx(1 / 3, abs=1e-3)}, "love": {"joy": 0.5}}


def test_labels_seldom_accepted_together_are_not_neighbours() -> None:
    joy, love, _, _ = np.eye(4)
    targets = np.array([joy + love, *[joy] * 5, *[love] * 3])
    assert neighbours_in(targets, LABELS) == {"love": {"joy": 0.25}}


def test_any_accepted_target_counts_in_full() -> None:
    assert neighbours_in(np.array([[0.5, 0.25, 0, 0]]), LABELS) == {"joy": {"love": 1.0}, "love": {"joy": 1.0}}


def test_acceptance_combines_a_label_and_its_neighbours() -> None:
    shares = shares_of({"love": {"joy": 0.5}}, LABELS)
    scores = np.array([[0.4, 0.6, 0.1, 0.2]])
    np.testing.assert_allclose(acceptance(scores, shares), [[1 - 0.6 * (1 - 0.3), 0.6, 0.1, 0.2]])


@pytest.mark.parametrize("texts", [1, 5, 600])
def test_acceptance_without_neighbours_is_the_probability_of_the_label(texts: int) -> None:
    scores = np.random.default_rng(0).random((texts, 4))
    np.testing.assert_allclose(acceptance(scores, shares_of({}, LABELS)), scores)


def test_reaction_is_the_emotion_that_a_reader_most_probably_accepts() -> None:
    prediction = Prediction(LABELS, (0.3, 0.1, 0.4, 0.2), (0.2,) * 4, 0.5, acceptance=(0.6, 0.1, 0.4, 0.2))
    assert prediction.reaction() == ("joy", 0.6)
    assert prediction.is_certain()
    assert not prediction.is_certain(0.61)


def test_no_reaction_if_neutral_is_most_probable() -> None:
    prediction = Prediction(LABELS, (0.3, 0.1, 0.4, 0.45), (0.2,) * 4, acceptance=(0.6, 0.1, 0.4, 0.45))
    assert prediction.reaction() == ("neutral", 0.45)
    assert prediction.accepted() == ("joy", 0.6)


def test_reaction_must_reach_the_threshold_of_its_label() -> None:
    def prediction(threshold: float) -> Prediction:
        return Prediction(LABELS, (0.3, 0.1, 0.4, 0.2), (threshold, 0.2, 0.2, 0.2), acceptance=(0.6, 0.1, 0.4, 0.2))

    assert prediction(0.6).is_certain(0)
    assert not prediction(0.65).is_certain(0)


@pytest.mark.parametrize("name", ["rnn", "bilstm"])
def test_shipped_models_contain_neighbours(name: str) -> None:
    assert read_manifest(PRETRAINED).neighbours["admiration"].keys() == {"joy", "approval"}
    [prediction] = load_models()[name].predict(["great"])
    gained = dict(zip(prediction.labels, np.subtract(prediction.acceptance, prediction.scores), strict=True))
    assert gained["joy"] > 0.1
    assert gained["grief"] == pytest.approx(0, abs=0.01)
