import numpy as np

from classifiers.nn.layers import (
    GRU,
)


def test_states_are_those_computed_by_hand() -> None:
    """Every weight is 1, and all biases are 0 except the state's, 0.5, which the reset gate scales in the candidate."""
    layer = GRU(1, 1, np.random.default_rng(0))
    layer.params = {
        "kernel": np.ones((1, 3)),
        "recurrent_kernel": np.ones((1, 3)),
        "bias": np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]),
    }

    def sigmoid(z: float) -> float:
        return float(1 / (1 + np.exp(-z)))

    first = (1 - sigmoid(0.3)) * np.tanh(0.3 + sigmoid(0.3) * 0.5)
    gate = sigmoid(-0.2 + first)
    second = gate * first + (1 - gate) * np.tanh(-0.2 + gate * (first + 0.5))
    y = layer.forward(np.array([[[0.3]], [[-0.2]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [first, second])
