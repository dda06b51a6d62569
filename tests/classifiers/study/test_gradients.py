import numpy as np
import pytest

from classifiers.nn.batching import Batch, pad
from classifiers.nn.layers import Bidirectional
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study.gradients import gradient_norms
from classifiers.study.networks import GOEMOTIONS, MEMORY
from tests.classifiers.nn.gradients import numeric_gradient


@pytest.mark.parametrize("name", ["glorot", "bilstm", "bilstm-pooled"])
def test_norms_match_the_numeric_gradient(name: str) -> None:
    """At the embeddings of a sequence of different tokens, so that each token is one step."""
    spec = (MEMORY | GOEMOTIONS)[name]
    network = spec.build(8, 5, 3, np.random.default_rng(0))
    network.load({key: array.astype(np.float64) * 2 for key, array in network.params.items()})
    batch, targets = pad([[2, 4, 7, 3, 5]]), np.eye(3)[[1]]
    norms = np.array(gradient_norms(network, batch, targets, softmax_cross_entropy, 4))
    assert norms.shape == (spec.directions, 5)
    batch_of_three, targets_of_three = pad([[2, 4, 7, 3, 5]] * 3), targets.repeat(3, axis=0)
    of_three = gradient_norms(network, batch_of_three, targets_of_three, softmax_cross_entropy, 4)
    np.testing.assert_allclose(of_three, norms, rtol=2e-3)  # the mean over the sequences

    table = network.params["0.embeddings"]
    numeric = numeric_gradient(lambda: softmax_cross_entropy(network.forward(batch), targets)[0], table)
    whole = np.linalg.norm(numeric[[5, 3, 7, 4, 2]], axis=1)
    if spec.directions == 1:
        np.testing.assert_allclose(norms[0], whole, rtol=1e-3)
        return
    # Two directions add up as vectors, so the whole lies between difference and sum of their norms.
    left, right = norms[0], norms[1][::-1]
    assert (np.abs(left - right) * 0.999 <= whole).all()
    assert (whole <= (left + right) * 1.001).all()


def test_norms_of_a_direction_come_from_that_direction_alone() -> None:
    """Silencing the other direction changes nothing."""
    spec = MEMORY["bilstm"]
    network = spec.build(8, 5, 3, np.random.default_rng(0))
    both = network.layers[1]
    assert isinstance(both, Bidirectional)
    batch, targets = Batch(np.array([[2], [4], [6]]), np.array([3])), np.eye(3)[[0]]
    found = gradient_norms(network, batch, targets, softmax_cross_entropy, 2)
    both.backward_layer.params["kernel"][:] = 0
    left, right = gradient_norms(network, batch, targets, softmax_cross_entropy, 2)
    assert right == [0, 0, 0]
    np.testing.assert_allclose(left, found[0], rtol=0.2)  # the logits are others, and so is the error sent back
