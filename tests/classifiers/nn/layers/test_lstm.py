import numpy as np

from classifiers.nn.layers import (
    LSTM,
)
from tests.classifiers.nn.gradients import FEATURES, UNITS


def test_states_are_those_computed_by_hand() -> None:
    """Every weight is 1 and every bias 0, so all gates see the same number."""
    layer = LSTM(1, 1, np.random.default_rng(0))
    layer.params = {"kernel": np.ones((1, 4)), "recurrent_kernel": np.ones((1, 4)), "bias": np.zeros(4)}

    def sigmoid(z: float) -> float:
        return float(1 / (1 + np.exp(-z)))

    cell = sigmoid(0.5) * np.tanh(0.5)
    hidden = sigmoid(0.5) * np.tanh(cell)
    z = 0.25 + hidden
    next_cell = sigmoid(z) * cell + sigmoid(z) * np.tanh(z)
    y = layer.forward(np.array([[[0.5]], [[0.25]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [hidden, sigmoid(z) * np.tanh(next_cell)])


def test_an_lstm_starts_with_an_open_forget_gate() -> None:
    """The order of the gates is i, f, g, o, as in Keras."""
    bias = LSTM(FEATURES, UNITS, np.random.default_rng(0)).params["bias"]
    np.testing.assert_array_equal(bias.reshape(4, UNITS), [[0] * UNITS, [1] * UNITS, [0] * UNITS, [0] * UNITS])
