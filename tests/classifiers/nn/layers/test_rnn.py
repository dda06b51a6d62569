import numpy as np

from classifiers.nn.layers import (
    RNN,
)


def test_states_are_those_computed_by_hand() -> None:
    layer = RNN(1, 1, np.random.default_rng(0))
    layer.params = {
        "kernel": np.array([[2.0]]),
        "recurrent_kernel": np.array([[0.5]]),
        "bias": np.array([0.1]),
    }
    first = np.tanh(2 * 0.3 + 0.1)
    second = np.tanh(2 * -0.2 + 0.5 * first + 0.1)
    y = layer.forward(np.array([[[0.3]], [[-0.2]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [first, second])
