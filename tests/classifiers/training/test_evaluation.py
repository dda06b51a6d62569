from __future__ import annotations

import hashlib
import sys
from dataclasses import replace

import numpy as np
import pytest

from classifiers.calibration import TARGET_PRECISION, choose_thresholds
from classifiers.classifier import Prediction
from classifiers.errors import MissingExtraError
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.training.corpus import fit_tokenizer
from classifiers.training.datasets import Dataset, Split, load_dataset
from classifiers.training.evaluation import (
    ChanceComparison,
    Reactions,
    bag_of_words,
    baseline,
    calibrated,
    choose_reaction_certainty,
    compare_with_chance,
    evaluator,
    measure,
    measure_reactions,
    tfidf_baseline,
)

pytestmark = pytest.mark.heavy

LABELS = ("fear", "joy", "neutral")
TARGETS = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]], dtype=np.float32)
SCORES = np.array(
    [[0.9, 0.2, 0.1], [0.1, 0.6, 0.3], [0.7, 0.4, 0.2], [0.2, 0.1, 0.3], [0.8, 0.7, 0.0]], dtype=np.float32
)
THRESHOLDS = np.array([0.5, 0.5, 0.5])


def test_metrics_match_values_computed_by_hand() -> None:
    # fear: rows 1 and 5 right, row 3 false: F1 = 2·2 / (3 + 2). joy: rows 2 and 5 right, row 3 missed:
    # 2·2 / (2 + 3). neutral: never predicted: 0. Together: 4 right of 5 predicted and 6 true.
    metrics = measure(SCORES, TARGETS, THRESHOLDS, LABELS)
    assert metrics.rows == 5
    assert metrics.label_f1 == {"fear": pytest.approx(0.8), "joy": pytest.approx(0.8), "neutral": 0.0}
    assert metrics.macro_f1 == pytest.approx(1.6 / 3)
    assert metrics.micro_f1 == pytest.approx(8 / 11)
    # Of the first four rows, the third's strongest label is wrong; the fifth has two labels.
    assert metrics.top1 == pytest.approx(3 / 4)


def test_score_equal_to_the_threshold_of_its_label_counts() -> None:
    thresholds = np.array([0.75, 0.4, 0.3], dtype=np.float32)
    metrics = measure(SCORES, TARGETS, thresholds, LABELS)
    # All right but neutral, which meets its threshold in row 2 as well as in row 4.
    assert metrics.label_f1 == {"fear": 1.0, "joy": 1.0, "neutral": pytest.approx(2 / 3)}


def test_calibration_error_of_one_bin_matches_a_value_computed_by_hand() -> None:
    # Ten scores of 0.72 of which nine are right: 0.18 too low. The other label is right as often as it says.
    scores = np.tile([0.72, 0.1], (10, 1))
    targets = np.array([[1, 0]] * 8 + [[1, 1], [0, 0]])
    assert measure(scores, targets, THRESHOLDS[:2], ("a", "b")).ece == pytest.approx(0.18 / 2)


def test_calibration_error_weighs_bins_by_rows() -> None:
    # 30 rows at 0.9 of which 24 true (0.1 too high), 10 rows at 0.3 of which 7 true (0.4 too low); of the
    # other label all 30 and none of the 10 are true.
    scores = np.repeat([[0.9, 0.9], [0.3, 0.3]], [30, 10], axis=0)
    targets = np.column_stack([np.repeat([1, 0, 1, 0], [24, 6, 7, 3]), np.repeat([1, 0], [30, 10])])
    expected = np.mean([0.75 * 0.1 + 0.25 * 0.4, 0.75 * 0.1 + 0.25 * 0.3])
    assert measure(scores, targets, THRESHOLDS[:2], ("a", "b")).ece == pytest.approx(expected)


def test_confidence_of_one_belongs_to_the_last_bin() -> None:
    # The scores of the first label add up to 1.95 and it is right once, in one bin. The second label is right.
    scores, targets = np.array([[1.0, 1.0], [0.95, 1.0]]), np.array([[0.0, 1.0], [1.0, 1.0]])
    assert measure(scores, targets, THRESHOLDS[:2], ("a", "b")).ece == pytest.approx(0.95 / 2 / 2)


def test_top1_is_zero_without_single_label_rows() -> None:
    assert measure(SCORES[4:], TARGETS[4:], THRESHOLDS, LABELS).top1 == 0


def test_missing_scikit_learn_is_reported_with_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.metrics", None)
    with pytest.raises(MissingExtraError, match=r"^Measuring needs more packages: .*emobot\[train\]"):
        measure(SCORES, TARGETS, THRESHOLDS, LABELS)


class TestBaseline:
    def test_learns_labels_that_depend_on_words(self) -> None:
        words = {0: ("awful", "scary", "dark"), 1: ("lovely", "sunny", "warm")}
        rng = np.random.default_rng(0)

        def split(rows: int) -> Split:
            targets = np.eye(2, dtype=np.float32)[rng.integers(0, 2, rows)]
            return Split(tuple(f"what a {rng.choice(words[int(row.argmax())])} day" for row in targets), targets)

        dataset = Dataset("made up", ("fear", "joy"), split(120), split(30), split(40), "")
        dev_scores, test_scores = tfidf_baseline(dataset)
        assert dev_scores.shape == (30, 2)
        assert test_scores.shape == (40, 2)
        assert test_scores.min() >= 0
        assert test_scores.max() <= 1
        metrics = baseline(dataset)
        assert metrics.macro_f1 == metrics.top1 == 1
        assert metrics.rows == 40

    def test_takes_its_thresholds_from_dev(self) -> None:
        dataset = load_dataset("builtin")
        dev_scores, test_scores = tfidf_baseline(dataset)
        thresholds = choose_thresholds(dev_scores, dataset.dev.targets)
        assert baseline(dataset) == measure(test_scores, dataset.test.targets, thresholds, dataset.labels)

    def test_does_not_solve_the_built_in_phrases(self) -> None:
        # Pairs of words show it only part of the order.
        assert baseline(load_dataset("builtin")).top1 < 1

    @pytest.mark.parametrize("texts", [("😀", "😁", "😢", "😭"), ("https://a.example/1",) * 4, ("\u200b",) * 4])
    def test_uses_rare_words_if_there_are_no_frequent_ones(self, texts: tuple[str, ...]) -> None:
        targets = np.eye(2, dtype=np.float32)[[0, 0, 1, 1]]
        split = Split(texts, targets)
        _, scores = tfidf_baseline(Dataset("", ("fear", "joy"), split, split, split, ""))
        assert scores.shape == (4, 2)

    def test_accepts_a_label_that_all_texts_have(self) -> None:
        split = Split(("oh no", "oh yes"), np.array([[1, 0, 1], [0, 1, 1]], dtype=np.float32))
        _, scores = tfidf_baseline(Dataset("", LABELS, split, split, split, ""))
        assert scores[:, 2].tolist() == [1, 1]

    def test_never_looks_at_test_targets(self) -> None:
        dataset = load_dataset("builtin")
        blind = Dataset(
            dataset.name,
            dataset.labels,
            dataset.train,
            dataset.dev,
            Split(dataset.test.texts, 1 - dataset.test.targets),
            hashlib.sha256().hexdigest(),
        )
        for seen, unseen in zip(tfidf_baseline(dataset), tfidf_baseline(blind), strict=True):
            np.testing.assert_array_equal(seen, unseen)


class TestBagOfWords:
    def test_is_at_chance_on_the_builtin_phrases(self) -> None:
        dataset = load_dataset("builtin")
        words = bag_of_words(dataset, fit_tokenizer(dataset))
        assert words.dev_loss == pytest.approx(np.log(2), abs=0.005)
        assert words.metrics.top1 * words.metrics.rows == 12 == words.metrics.rows / 2

    @pytest.mark.parametrize("both", [False, True])
    def test_learns_labels_that_depend_on_words(self, both: bool) -> None:
        texts = ("an awful day", "a sunny day", "an awful week", "a sunny week", "a sunny but awful day")
        targets = np.array([[1, 0], [0, 1], [1, 0], [0, 1], [1, 1]], dtype=np.float32)
        different = 5 if both else 4
        split = Split(texts[:different] * 10, np.tile(targets[:different], (10, 1)))
        dataset = Dataset("made up", ("fear", "joy"), split, split, split, "")
        words = bag_of_words(dataset, fit_tokenizer(dataset))
        assert dataset.multi_label == both
        assert words.score == words.metrics.macro_f1 == 1
        assert words.dev_loss < 0.2

    def test_accepts_unknown_words_and_a_label_that_all_texts_have(self) -> None:
        split = Split(("oh", "\u200b"), np.array([[1, 0, 1], [0, 1, 1]], dtype=np.float32))
        dataset = Dataset("", LABELS, split, split, split, "")
        assert bag_of_words(dataset, fit_tokenizer(dataset)).metrics.label_f1["neutral"] == 1


def test_reaction_rates_match_values_computed_by_hand() -> None:
    def make_prediction(fear: float, joy: float, neutral: float) -> Prediction:
        return Prediction(LABELS, (fear, joy, neutral), (0.55, 0.3, 0.3))

    accepted = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [0, 0, 1], [0, 1, 0], [1, 0, 0]], dtype=np.float32)
    predictions = [
        make_prediction(0.9, 0.1, 0.1),  # reacts, rightly
        make_prediction(0.1, 0.4, 0.1),  # acceptable, but not certain enough
        make_prediction(0.1, 0.8, 0.2),  # reacts, rightly; neither emotional nor plainly neutral
        make_prediction(0.1, 0.1, 0.9),  # neutral, rightly
        make_prediction(0.1, 0.7, 0.2),  # reacts to a neutral message
        make_prediction(0.52, 0.2, 0.1),  # not over its own threshold, and wrong
        make_prediction(0.4, 0.2, 0.8),  # silent, though the strongest emotion is right
    ]
    reactions = measure_reactions(predictions, Split(("",) * 7, accepted), LABELS)
    assert reactions == Reactions(7, acceptable=4 / 7, emotional=3 / 4, coverage=1 / 4, precision=2 / 3, neutral=1 / 2)


def test_reactions_are_measured_by_the_most_acceptable_label() -> None:
    split = Split(("",) * 2, np.array([[1, 0, 0], [0, 1, 0]], dtype=np.float32))
    predictions = [Prediction(LABELS, (0.4, 0.5, 0.1), (0.2,) * 3, 0.5, acceptance=(0.8, 0.5, 0.1))] * 2
    assert measure_reactions(predictions, split, LABELS) == Reactions(
        2, acceptable=0.5, emotional=0.5, coverage=1.0, precision=0.5, neutral=0.0
    )
    assert choose_reaction_certainty([predictions[0]], Split(("",), split.targets[:1]), LABELS) == pytest.approx(0.4)


def test_chosen_certainty_makes_enough_reactions_right() -> None:
    rng = np.random.default_rng(0)
    joy = rng.uniform(0.3, 1, 400)
    right = rng.random(400) < joy  # higher confidence is right more often
    targets = np.stack([~right, right, np.zeros(400)], axis=1).astype(np.float32)
    split = Split(("",) * 400, targets)

    def reactions(certainty: float) -> Reactions:
        predictions = [Prediction(LABELS, (0.1, score, 0.2), (0.3, 0.3, 0.3), certainty) for score in joy]
        return measure_reactions(predictions, split, LABELS)

    predictions = [Prediction(LABELS, (0.1, score, 0.2), (0.3, 0.3, 0.3)) for score in joy]
    predictions += [Prediction(LABELS, (0.1, 0.2, 0.9), (0.3, 0.3, 0.3))] * 50  # neutral: no reaction either way
    chosen = choose_reaction_certainty(
        predictions, Split(("",) * 450, np.vstack([targets, np.tile([1, 0, 0], (50, 1))])), LABELS
    )
    assert reactions(chosen).precision >= TARGET_PRECISION > reactions(chosen - 0.05).precision
    assert reactions(chosen).coverage > reactions(chosen + 0.05).coverage > 0


def test_certainty_is_chosen_among_all_reactions_including_those_below_the_current_one() -> None:
    """Otherwise no lower certainty could ever be chosen."""
    split = Split(("",) * 3, np.array([[0, 1, 0]] * 3, dtype=np.float32))
    predictions = [Prediction(LABELS, (0.1, joy, 0.05), (0.2,) * 3, certainty=0.9) for joy in (0.35, 0.3, 0.25)]
    assert choose_reaction_certainty(predictions, split, LABELS) == pytest.approx(0.125)


def test_labels_below_their_threshold_are_ignored_when_choosing_the_certainty() -> None:
    split = Split(("",) * 2, np.array([[0, 1, 0], [1, 0, 0]], dtype=np.float32))
    predictions = [Prediction(LABELS, (0.1, joy, 0.05), (0.5,) * 3) for joy in (0.8, 0.4)]
    assert choose_reaction_certainty(predictions, split, LABELS) == pytest.approx(0.4)


class TestEvaluator:
    """The function that chooses the best epoch."""

    dataset = load_dataset("builtin")

    def test_dev_loss_and_score_are_computed_after_calibration(self) -> None:
        targets = self.dataset.dev.targets
        logits = 2 * targets - 1 + np.random.default_rng(0).normal(0, 1, targets.shape)
        (loss, score), (sure_loss, sure_score) = (evaluator(self.dataset)(scale * logits, targets) for scale in (1, 4))
        assert sure_loss == pytest.approx(loss, rel=1e-3)
        assert sure_score == pytest.approx(score, abs=0.05)

    def test_train_rows_used_as_dev_choose_no_temperature_and_no_thresholds(self) -> None:
        own = replace(self.dataset, own=True)
        targets = own.dev.targets
        logits = 2 * targets - 1
        loss, score = evaluator(own)(logits, targets)
        assert loss == pytest.approx(softmax_cross_entropy(logits, targets)[0])
        assert score == 1
        assert calibrated(logits, own).temperature == 1
        assert calibrated(logits, own).thresholds.tolist() == [0.5, 0.5]
        assert calibrated(logits, self.dataset).temperature < 1


class TestCompareWithChance:
    def _dataset(self, rows: int) -> Dataset:
        """Return a data set in which two of three texts are fear, in train and test."""
        targets = np.eye(3, dtype=np.float32)[[0, 0, 1] * rows]
        split = Split(("",) * len(targets), targets)
        return Dataset("", LABELS, split, split, split, "")

    def test_right_significantly_more_often_than_chance_has_learnt(self) -> None:
        dataset = self._dataset(10)
        assert compare_with_chance(dataset.test.targets, dataset) == ChanceComparison(30, 30, "fear", 20, True)

    def test_always_predicting_the_most_frequent_label_has_not_learnt(self) -> None:
        dataset = self._dataset(10)
        assert compare_with_chance(np.tile([0.9, 0.1, 0.0], (30, 1)), dataset) == ChanceComparison(
            30, 20, "fear", 20, False
        )

    def test_all_right_on_few_texts_may_be_chance(self) -> None:
        dataset = self._dataset(1)
        assert compare_with_chance(dataset.test.targets, dataset) == ChanceComparison(3, 3, "fear", 2, False)

    def test_chance_is_zero_if_test_lacks_the_most_frequent_label(self) -> None:
        dataset = self._dataset(10)
        others = replace(dataset, test=Split(("",) * 4, np.eye(3, dtype=np.float32)[[1, 1, 2, 2]]))
        assert compare_with_chance(np.eye(3)[[1, 0, 0, 0]], others) == ChanceComparison(4, 1, "fear", 0, False)

    def test_any_label_of_a_text_is_right(self) -> None:
        both = Split(("",) * 2, np.array([[1, 1, 0], [1, 1, 0]], dtype=np.float32))
        dataset = replace(self._dataset(2), test=both)
        assert compare_with_chance(np.eye(3)[[0, 1]], dataset).right == 2


def test_precision_is_zero_without_reactions() -> None:
    shy = Prediction(LABELS, (0.2, 0.1, 0.1), (0.5, 0.5, 0.5))
    split = Split(("hi",), np.array([[1, 0, 0]], dtype=np.float32))
    assert measure_reactions([shy], split, LABELS) == Reactions(
        1, acceptable=1.0, emotional=1.0, coverage=0.0, precision=0.0, neutral=0.0
    )
