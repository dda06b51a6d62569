from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy.special import expit, softmax

from classifiers.calibration import (
    DEFAULT_THRESHOLD,
    MAX_TEMPERATURE,
    MAX_THRESHOLD,
    MIN_POSITIVE,
    MIN_ROWS,
    MIN_TEMPERATURE,
    MIN_THRESHOLD,
    calibrate,
    choose_certainty,
    choose_temperature,
    choose_thresholds,
    probabilities,
    uncalibrated,
)
from classifiers.errors import MissingExtraError


def _f1(scores: np.ndarray, targets: np.ndarray, threshold: float) -> float:
    predicted = scores >= threshold
    return float(2 * (predicted * targets).sum() / (predicted.sum() + targets.sum()))


class TestProbabilities:
    logits = np.array([[1.0, -2.0, 0.5], [300.0, 0.0, -300.0], [0.0, 0.0, 0.0]])

    def test_multi_label_is_a_sigmoid(self) -> None:
        np.testing.assert_allclose(probabilities(self.logits, 2.0, True), expit(self.logits / 2), atol=1e-12)

    def test_single_label_is_a_softmax(self) -> None:
        np.testing.assert_allclose(probabilities(self.logits, 2.0, False), softmax(self.logits / 2, axis=1), atol=1e-12)

    @pytest.mark.parametrize("multi_label", [True, False])
    def test_huge_logits_stay_finite(self, multi_label: bool) -> None:
        scores = probabilities(np.array([[1e30, -1e30]], dtype=np.float32), 1.0, multi_label)
        assert scores.tolist() == [[1.0, 0.0]]
        assert scores.dtype == np.float32

    def test_huge_logits_in_one_row_do_not_affect_another(self) -> None:
        logits = np.array([[5000.0, 4999.0], [1.0, 0.0], [-5000.0, -5001.0]])
        np.testing.assert_allclose(probabilities(logits, 1.0, False), np.tile(softmax([1, 0]), (3, 1)), atol=1e-12)


class TestTemperature:
    @pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
    @pytest.mark.parametrize("multi_label", [True, False])
    def test_temperature_recovers_the_factor_by_which_logits_are_overconfident(
        self, temperature: float, multi_label: bool
    ) -> None:
        rng = np.random.default_rng(0)
        honest = rng.normal(0, 2, (20_000, 4))
        true = probabilities(honest, 1.0, multi_label)
        targets = rng.random(true.shape) < true
        if not multi_label:
            drawn = (rng.random((len(true), 1)) < true.cumsum(axis=1)).argmax(axis=1)
            targets = np.eye(4)[drawn]
        found = choose_temperature(honest * temperature, targets, multi_label)
        assert found == pytest.approx(temperature, rel=0.05)

    def test_temperature_of_a_perfect_network_has_a_lower_bound(self) -> None:
        targets = np.eye(2)[[0, 1] * 10]
        found = choose_temperature(targets * 4 - 2, targets, False)
        assert MIN_TEMPERATURE <= found <= MIN_TEMPERATURE * 1.01

    def test_temperature_of_a_useless_network_has_an_upper_bound(self) -> None:
        logits = np.array([[5.0, -5.0], [-5.0, 5.0]] * 10)
        found = choose_temperature(logits, 1.0 * (logits < 0), False)
        assert MAX_TEMPERATURE * 0.99 <= found <= MAX_TEMPERATURE

    def test_missing_scipy_is_reported_with_the_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "scipy.optimize", None)
        with pytest.raises(MissingExtraError, match=r"^Calibration needs more packages: .*emobot\[train\]"):
            choose_temperature(np.zeros((2, 2)), np.eye(2), False)


class TestThresholds:
    def test_threshold_of_a_calibrated_model_is_half_the_best_f1(self) -> None:
        """Lipton and others, "Optimal Thresholding of Classifiers to Maximize F1 Measure" (2014), theorem 1."""
        rng = np.random.default_rng(1)
        scores = rng.beta([1, 1, 0.5], [3, 1, 8], (20_000, 3))
        targets = rng.random(scores.shape) < scores
        found = choose_thresholds(scores, targets)
        for column, threshold in enumerate(found):
            best = max(_f1(scores[:, column], targets[:, column], each) for each in np.linspace(0.05, 0.95, 181))
            assert _f1(scores[:, column], targets[:, column], threshold) == pytest.approx(best, abs=0.01)
            assert threshold == pytest.approx(best / 2, abs=0.06)

    def test_thresholds_from_few_rows_generalise_better_than_the_plain_maximum(self) -> None:
        rng = np.random.default_rng(2)
        smoothed, plain = [], []
        for _ in range(40):
            scores = rng.beta(0.5, 8, (2, 300))
            targets = rng.random(scores.shape) < scores
            [found] = choose_thresholds(scores[0, :, None], targets[0, :, None])
            greedy = max(np.linspace(0.05, 0.95, 181), key=lambda each: _f1(scores[0], targets[0], each))
            smoothed.append(_f1(scores[1], targets[1], found))
            plain.append(_f1(scores[1], targets[1], greedy))
        assert np.mean(smoothed) > np.mean(plain)

    def test_overpredicted_label_gets_nearly_the_best_threshold(self) -> None:
        """Its probabilities serve as targets, but only scaled to the number of positive rows."""
        rng = np.random.default_rng(3)
        scores = rng.beta(1, 3, (20_000, 1))
        targets = rng.random(scores.shape) < scores / 8
        [found] = choose_thresholds(scores, targets)
        best = max(np.linspace(0.05, 0.95, 181), key=lambda each: _f1(scores, targets, each))
        assert found == pytest.approx(best, abs=0.05)

    def test_probabilities_of_0_and_1_have_a_threshold_between_them(self) -> None:
        [found] = choose_thresholds(np.array([[1.0], [0.0], [1.0], [0.0]]), np.array([[1], [0], [1], [0]]))
        assert 0.05 < found < 0.95

    def test_threshold_separates_positive_from_negative_rows(self) -> None:
        scores = np.array([[0.1, 0.8], [0.2, 0.9], [0.6, 0.3], [0.7, 0.4]])
        targets = np.array([[0, 1], [0, 1], [1, 0], [1, 0]])
        found = choose_thresholds(scores, targets)
        assert 0.2 < found[0] < 0.6
        assert 0.4 < found[1] < 0.8

    def test_label_without_positive_rows_gets_the_shared_threshold(self) -> None:
        scores = np.array([[0.3, 0.1], [0.7, 0.1], [0.8, 0.2]])
        targets = np.array([[0, 0], [1, 0], [1, 0]])
        [_, shared] = choose_thresholds(scores, targets)
        assert [shared] == choose_thresholds(scores.reshape(-1, 1), targets.reshape(-1, 1)).tolist()

    def test_expected_positives_are_scaled_to_the_actual_number(self) -> None:
        """Otherwise the threshold would be far too low."""
        rng = np.random.default_rng(3)
        true = rng.beta(0.6, 3, 20_000)
        targets = rng.random(true.shape) < true
        scores = true ** (1 / 3)
        assert scores.mean() > 2 * targets.mean()
        [found] = choose_thresholds(scores[:, None], targets[:, None])
        best = max(_f1(scores, targets, each) for each in np.linspace(0.05, 0.95, 181))
        assert _f1(scores, targets, found) == pytest.approx(best, abs=0.02)

    def test_label_with_few_positive_rows_gets_the_shared_threshold(self) -> None:
        scores = np.array([[0.3, 0.1], [0.7, 0.1], [0.8, 0.2], [0.1, 0.9]])
        targets = np.array([[0, 0], [1, 0], [1, 0], [0, 1]])
        own, shared = choose_thresholds(scores, targets, fewest=2)
        assert [shared] == choose_thresholds(scores.reshape(-1, 1), targets.reshape(-1, 1)).tolist() != [own]

    def test_no_threshold_is_chosen_if_all_labels_together_have_too_few_positives(self) -> None:
        scores = np.array([[0.3, 0.1], [0.7, 0.1], [0.8, 0.2]])
        targets = np.array([[0, 0], [1, 0], [1, 0]])
        assert choose_thresholds(scores, targets, fewest=3).tolist() == [DEFAULT_THRESHOLD] * 2
        assert DEFAULT_THRESHOLD not in choose_thresholds(scores, targets, fewest=2)

    def test_one_positive_row_is_enough_unless_a_limit_is_given(self) -> None:
        assert choose_thresholds(np.array([[0.3], [0.7]]), np.array([[0], [1]])) != [DEFAULT_THRESHOLD]

    def test_thresholds_stay_within_bounds(self) -> None:
        scores = np.array([[0.99999, 0.001], [0.99998, 0.002], [0.9999, 0.0], [0.9998, 0.0]])
        targets = np.array([[1, 1], [1, 1], [0, 0], [0, 0]])
        for threshold in choose_thresholds(scores, targets):
            assert MIN_THRESHOLD <= threshold <= MAX_THRESHOLD

    def test_thresholds_accept_float32_and_a_single_row(self) -> None:
        [threshold] = choose_thresholds(np.array([[0.8]], dtype=np.float32), np.array([[1.0]], dtype=np.float32))
        assert threshold < 0.8


class TestCalibrate:
    targets = np.eye(2)[[0, 1] * (MIN_ROWS // 2)]

    def test_calibrate_applies_temperature_then_chooses_thresholds(self) -> None:
        rng = np.random.default_rng(0)
        logits = 6 * self.targets - 3 + rng.normal(0, 4, self.targets.shape)
        chosen = calibrate(logits, self.targets, False)
        assert chosen.temperature == choose_temperature(logits, self.targets, False)
        scores = probabilities(logits, chosen.temperature, False)
        assert chosen.thresholds.tolist() == choose_thresholds(scores, self.targets).tolist()

    def test_few_rows_never_sharpen_the_probabilities(self) -> None:
        logits = 4 * self.targets - 2
        assert calibrate(logits, self.targets, False).temperature < 0.3
        assert calibrate(logits[:-2], self.targets[:-2], False).temperature == 1

    def test_few_rows_may_soften_the_probabilities(self) -> None:
        logits = np.array([[5.0, -5.0], [-5.0, 5.0]] * 10)
        assert calibrate(logits, 1.0 * (logits < 0), False).temperature > 4

    def test_without_dev_split_probabilities_stay_and_half_is_the_threshold(self) -> None:
        assert uncalibrated(3).temperature == 1
        assert uncalibrated(3).thresholds.tolist() == [0.5, 0.5, 0.5]

    def test_few_positive_rows_do_not_choose_a_threshold(self) -> None:
        targets = self.targets[: 2 * MIN_POSITIVE]
        logits = 4 * targets - 2 + np.random.default_rng(2).normal(0, 3, targets.shape)
        many, few = calibrate(logits, targets, True), calibrate(logits[1:], targets[1:], True)
        assert len({*many.thresholds}) == 2
        scores = probabilities(logits[1:], few.temperature, True)
        [shared] = choose_thresholds(scores.reshape(-1, 1), targets[1:].reshape(-1, 1))
        assert few.thresholds[0] == shared != few.thresholds[1]


def test_serving_loads_neither_scipy_nor_scikit_learn() -> None:
    program = (
        "import sys, numpy\n"
        "from classifiers.calibration import probabilities\n"
        "probabilities(numpy.zeros((1, 2)), 1.0, True)\n"
        "print(sorted({'scipy', 'sklearn', 'matplotlib', 'pooch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class TestCertainty:
    confidence = np.array([0.9, 0.5, 0.8, 0.7, 0.6])
    right = np.array([1, 1, 1, 0, 1])

    @pytest.mark.parametrize(
        ("precision", "certainty"),
        [
            (1.0, 0.75),  # 0.9 and 0.8 are right, 0.7 is not
            (0.75, 0.25),  # one wrong in five is allowed: the lowest score is in, half-way down to zero
            (0.8, 0.25),
        ],
    )
    def test_certainty_is_the_lowest_above_which_enough_are_right(self, precision: float, certainty: float) -> None:
        assert choose_certainty(self.confidence, self.right, precision) == pytest.approx(certainty)

    def test_certainty_lets_seven_of_a_hundred_reactions_be_wrong_by_default(self) -> None:
        confidence = np.linspace(0.99, 0.5, 100)
        assert choose_certainty(confidence, np.arange(100) < 93) == pytest.approx(0.25)
        assert choose_certainty(confidence, np.arange(100) < 92) > 0.5

    def test_certainty_treats_equal_confidences_together(self) -> None:
        tied = np.array([0.9, 0.6, 0.6])
        assert choose_certainty(tied, np.array([1, 1, 0]), 0.9) == pytest.approx(0.75)

    @pytest.mark.parametrize("rows", [0, 3])
    def test_certainty_is_the_maximum_if_too_few_are_right(self, rows: int) -> None:
        assert choose_certainty(np.linspace(0.5, 0.9, rows), np.zeros(rows), 0.9) == MAX_THRESHOLD
