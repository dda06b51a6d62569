from collections.abc import Callable

import numpy as np
import pytest

from classifiers.nn.arrays import Array
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from tests.classifiers.nn.gradients import (
    BATCH,
    UNITS,
    numeric_gradient,
    relative_error,
)


@pytest.mark.parametrize("cross_entropy", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_gradients_of_losses_match_central_differences(
    cross_entropy: Callable[[Array, Array], tuple[float, Array]],
) -> None:
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(BATCH, UNITS)) * 3
    targets = np.eye(UNITS)[[0, 2, 2, 4]]
    _, ours = cross_entropy(logits, targets)
    numeric = numeric_gradient(lambda: cross_entropy(logits, targets)[0], logits)
    assert relative_error(ours, numeric) < 1e-6


@pytest.mark.parametrize("cross_entropy", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_perfect_prediction_has_loss_zero_and_not_minus_zero(
    cross_entropy: Callable[[Array, Array], tuple[float, Array]],
) -> None:
    loss, _ = cross_entropy(np.array([[1e4, -1e4], [-1e4, 1e4]]), np.eye(2))
    assert f"{loss:.4f}" == "0.0000"


@pytest.mark.parametrize("cross_entropy", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_losses_of_huge_logits_are_finite(cross_entropy: Callable[[Array, Array], tuple[float, Array]]) -> None:
    logits = np.array([[1e4, -1e4]], dtype=np.float32)
    right, gradient = cross_entropy(logits, np.array([[1, 0]], dtype=np.float32))
    assert right == pytest.approx(0, abs=1e-6)
    assert np.abs(gradient).max() < 1e-6
    wrong, gradient = cross_entropy(logits, np.array([[0, 1]], dtype=np.float32))
    assert wrong >= 1e4
    assert np.isfinite(gradient).all()
