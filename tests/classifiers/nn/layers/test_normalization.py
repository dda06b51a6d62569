import numpy as np

from classifiers.nn.layers import (
    LayerNorm,
)


def test_layer_norm_matches_a_result_computed_by_hand() -> None:
    layer = LayerNorm(2, epsilon=0)
    layer.params = {"gamma": np.array([10.0, 2.0]), "beta": np.array([1.0, 0.5])}
    np.testing.assert_allclose(layer.forward(np.array([[[3.0, 7.0]]]), np.array([1])), [[[-9, 2.5]]])
