import numpy as np

from classifiers.nn.layers import (
    Embedding,
)
from tests.classifiers.nn.gradients import FEATURES, LENGTHS, in_float64, numeric_gradient, relative_error


def test_gradient_of_embedding_sums_over_equal_tokens() -> None:
    rng = np.random.default_rng(3)
    layer = in_float64(Embedding(7, FEATURES, rng), rng)
    ids = np.array([[1, 2, 1], [5, 1, 0]])
    weights = rng.normal(size=(2, 3, FEATURES))

    def loss() -> float:
        return float((layer.forward(ids, LENGTHS) * weights).sum())

    loss()
    layer.backward(weights)
    ours = layer.grads["embeddings"]
    assert relative_error(ours, numeric_gradient(loss, layer.params["embeddings"])) < 1e-6
    np.testing.assert_array_equal(ours[[3, 4, 6]], 0)
    np.testing.assert_array_equal(layer.touched["embeddings"], [0, 1, 2, 5])

    layer.forward(np.array([[0, 3]]), LENGTHS)
    layer.backward(np.ones((1, 2, FEATURES)))
    np.testing.assert_array_equal(layer.grads["embeddings"][:, 0], [1, 0, 0, 1, 0, 0, 0])

    layer.forward(np.array([[6, 6]]), LENGTHS)
    layer.backward(np.ones((1, 2, FEATURES)))
    np.testing.assert_array_equal(layer.grads["embeddings"], [[0] * FEATURES] * 6 + [[2] * FEATURES])
