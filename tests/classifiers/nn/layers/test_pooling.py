import numpy as np

from classifiers.nn.layers import (
    MeanMaxPooling,
)


def test_pooling_ignores_padding() -> None:
    x = np.full((3, 2, 1), -5.0)
    x[:2, 0, 0] = [-1, -3]
    x[:, 1, 0] = [4, 0, 2]
    x[2, 0, 0] = 99  # padding of the first column
    np.testing.assert_array_equal(MeanMaxPooling().forward(x, np.array([2, 3])), [[-2, -1], [2, 4]])


def test_pooling_shares_the_gradient_among_equal_maxima() -> None:
    layer = MeanMaxPooling()
    layer.forward(np.array([[[3.0]], [[3.0]], [[1.0]], [[3.0]]]), np.array([3]))
    np.testing.assert_array_equal(layer.backward(np.array([[0.0, 1.0]])).ravel(), [0.5, 0.5, 0, 0])
