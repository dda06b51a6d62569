from collections.abc import Callable

import numpy as np
import pytest

from classifiers.calibration import probabilities
from classifiers.nn.initializers import chain, chrono_bias, orthogonal, prior_bias
from classifiers.nn.layers import GRU, LSTM, RNN, Dense, Embedding, Layer, LayerNorm


def test_orthogonal_rows_are_orthonormal() -> None:
    start = orthogonal(np.random.default_rng(0), 8, 32)
    np.testing.assert_allclose(start @ start.T, np.eye(8), atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "gates"),
    [(lambda rng: RNN(60, 40, rng), 1), (lambda rng: GRU(60, 40, rng), 3), (lambda rng: LSTM(60, 40, rng), 4)],
)
def test_recurrent_layers_start_with_glorot_and_orthogonal_weights(
    layer: Callable[[np.random.Generator], Layer], gates: int
) -> None:
    """As in Keras: Glorot-uniform input weights and orthogonal recurrent weights."""
    params = layer(np.random.default_rng(0)).params
    limit = np.sqrt(6 / (60 + gates * 40))
    assert params["kernel"].shape == (60, gates * 40)
    assert 0.98 * limit < params["kernel"].max() <= limit
    assert -limit <= params["kernel"].min() < -0.98 * limit
    assert params["recurrent_kernel"].shape == (40, gates * 40)
    np.testing.assert_allclose(params["recurrent_kernel"] @ params["recurrent_kernel"].T, np.eye(40), atol=1e-5)
    assert {array.dtype for array in params.values()} == {np.dtype(np.float32)}
    other = layer(np.random.default_rng(1)).params
    assert not np.array_equal(params["kernel"], other["kernel"])
    assert not np.array_equal(params["recurrent_kernel"], other["recurrent_kernel"])


def test_chain_passes_each_state_to_the_next_unit_until_the_last() -> None:
    matrix = chain(5, gain=2)
    assert matrix.dtype == np.float32
    state = np.array([1.0, 0, 0, 0, 0])
    seen = [state := state @ matrix for _ in range(5)]
    np.testing.assert_array_equal(np.nonzero(np.array(seen))[1], [1, 2, 3, 4])
    np.testing.assert_array_equal(np.array(seen).max(axis=1), [2, 4, 8, 16, 0])
    assert np.diag(chain(5), 1) == pytest.approx([1.02] * 4)


def test_chain_is_non_normal_and_all_its_eigenvalues_are_zero() -> None:
    matrix = chain(48).astype(np.float64)
    assert not np.allclose(matrix @ matrix.T, matrix.T @ matrix)
    assert not np.linalg.matrix_power(matrix, 48).any()
    assert np.linalg.norm(np.linalg.matrix_power(matrix, 47), 2) == pytest.approx(1.02**47, rel=1e-5)


def test_chrono_biases_give_memory_times_uniform_up_to_the_longest() -> None:
    bias = chrono_bias(np.random.default_rng(0), 20_000, longest=80)
    assert bias.dtype == np.float32
    kept = 1 / (1 + np.exp(-bias.astype(np.float64)))
    times = 1 / (1 - kept)  # steps in which 1 - 1 / times to that power falls to about 1/e
    assert 2 <= times.min() < 2.1
    assert 79.9 < times.max() <= 80.001
    assert np.quantile(times, [0.25, 0.5, 0.75]) == pytest.approx([21.5, 41, 60.5], abs=1)


def test_other_layers_start_uniform_glorot_or_constant() -> None:
    embeddings = Embedding(500, 20, np.random.default_rng(0)).params["embeddings"]
    assert embeddings.shape == (500, 20)
    assert 0.49 < embeddings.max() <= 0.5
    assert -0.5 <= embeddings.min() < -0.49
    dense = Dense(30, 20, np.random.default_rng(0)).params
    limit = np.sqrt(6 / 50)
    assert 0.98 * limit < np.abs(dense["kernel"]).max() <= limit
    np.testing.assert_array_equal(dense["bias"], np.zeros(20))
    norm = LayerNorm(3)
    np.testing.assert_array_equal(norm.params["gamma"], np.ones(3))
    np.testing.assert_array_equal(norm.params["beta"], np.zeros(3))
    for plain in (RNN(3, 2, None), GRU(3, 2, None)):
        assert not plain.params["bias"].any()


def test_prior_bias_predicts_the_frequencies_of_the_labels() -> None:
    targets = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=np.float32)
    rates = probabilities(prior_bias(targets, multi_label=True)[None], 1.0, multi_label=True)
    np.testing.assert_allclose(rates, [[0.6, 0.4, 0.1]], atol=1e-6)  # half a row for a label never seen
    shares = probabilities(prior_bias(targets[:, :2], multi_label=False)[None], 1.0, multi_label=False)
    np.testing.assert_allclose(shares, [[0.6, 0.4]], atol=1e-6)
