from __future__ import annotations

import numpy as np
import pytest

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.losses import sigmoid_cross_entropy
from classifiers.training.output_layer import PENALTY, refit

TEXTS, FEATURES, LABELS = 400, 6, 3


@pytest.fixture
def layer() -> tuple[Array, Array]:
    rng = np.random.default_rng(1)
    return rng.normal(size=(FEATURES, LABELS)).astype(np.float32), rng.normal(size=LABELS).astype(np.float32)


@pytest.fixture
def features() -> Array:
    return np.random.default_rng(2).normal(0.3, 2.0, (TEXTS, FEATURES)).astype(np.float32)


@pytest.fixture
def targets(features: Array) -> Array:
    """Return labels that follow from the features, with some noise."""
    rng = np.random.default_rng(3)
    logits = features @ rng.normal(size=(FEATURES, LABELS)) + rng.normal(size=(TEXTS, LABELS))
    return np.asarray(logits > 0, dtype=np.float32)


def equal_weights() -> Array:
    return np.ones((TEXTS, 1), np.float32)


@pytest.mark.heavy
def test_refit_from_zero_equals_logistic_regression_on_standardised_features(features: Array, targets: Array) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    kernel, bias = refit(np.zeros((FEATURES, LABELS)), np.zeros(LABELS), features, targets, equal_weights())
    standardised = StandardScaler().fit_transform(features)
    for label in range(LABELS):
        reference = LogisticRegression(C=1 / (PENALTY * TEXTS), tol=1e-8).fit(standardised, targets[:, label])
        expected = reference.predict_proba(standardised)[:, 1]
        np.testing.assert_allclose(sigmoid(features @ kernel + bias)[:, label], expected, atol=2e-3)


def test_refit_lowers_the_loss_on_the_labels(layer: tuple[Array, Array], features: Array, targets: Array) -> None:
    kernel, bias = refit(*layer, features, targets, equal_weights())
    before, _ = sigmoid_cross_entropy(features @ layer[0] + layer[1], targets)
    after, _ = sigmoid_cross_entropy(features @ kernel + bias, targets)
    assert after < 0.5 * before


def test_own_probabilities_as_targets_change_nothing(layer: tuple[Array, Array], features: Array) -> None:
    kernel, bias = refit(*layer, features, sigmoid(features @ layer[0] + layer[1]), equal_weights())
    np.testing.assert_allclose(kernel, layer[0], atol=1e-4)
    np.testing.assert_allclose(bias, layer[1], atol=1e-4)


def test_scale_of_a_feature_does_not_matter(layer: tuple[Array, Array], features: Array, targets: Array) -> None:
    scale = np.array([10, 1, 1, 0.1, 1, 1], np.float32)
    kernel, bias = refit(*layer, features, targets, equal_weights())
    scaled_kernel, scaled_bias = refit(layer[0] / scale[:, None], layer[1], features * scale, targets, equal_weights())
    expected = features @ kernel + bias
    np.testing.assert_allclose((features * scale) @ scaled_kernel + scaled_bias, expected, atol=0.02)


def test_texts_count_by_their_weights(layer: tuple[Array, Array], features: Array, targets: Array) -> None:
    """A weight of 2 is a text that occurs twice, and a weight of 0 one that is not there."""
    weights = np.repeat([[2.0], [1.0], [0.0]], [100, 200, 100], axis=0).astype(np.float32)
    rows = np.concatenate([np.arange(100), np.arange(300)])
    deviation_kept = features.copy()
    deviation_kept[300:] = features[:100]  # the deviations of the features are those of the repeated texts
    weighted = refit(*layer, deviation_kept, targets, weights)
    repeated = refit(*layer, features[rows], targets[rows], equal_weights())
    for one, other in zip(weighted, repeated, strict=True):
        np.testing.assert_allclose(one, other, atol=0.02)


def test_constant_feature_gives_finite_weights(layer: tuple[Array, Array], features: Array, targets: Array) -> None:
    features[:, 0] = 0.5
    kernel, bias = refit(*layer, features, targets, equal_weights())
    assert np.isfinite(kernel).all()
    assert np.isfinite(bias).all()
