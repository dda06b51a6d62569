"""The layers of the study compared with central differences, and the property that each is for."""

import numpy as np
import pytest

from classifiers.nn.layers import LSTM, Layer
from classifiers.study.layers import LastStep, NormalisedRNN, ReLURNN, Residual
from tests.classifiers.nn.gradients import in_float64, numeric_gradient, relative_error

STEPS, BATCH, SIZE = 6, 4, 5
LENGTHS = np.array([6, 1, 4, 3])


def layers() -> list[Layer]:
    rng = np.random.default_rng(1)
    return [
        ReLURNN(SIZE, SIZE, rng),
        NormalisedRNN(SIZE, SIZE, rng),
        Residual(LSTM(SIZE, SIZE, rng)),
        LastStep(1),
    ]


@pytest.mark.parametrize("layer", layers(), ids=lambda layer: type(layer).__name__)
def test_gradients_match_central_differences(layer: Layer) -> None:
    rng = np.random.default_rng(2)
    in_float64(layer, rng)
    x = rng.normal(size=(STEPS, BATCH, SIZE))
    weights = rng.normal(size=layer.forward(x, LENGTHS).shape)

    def loss() -> float:
        return float((layer.forward(x, LENGTHS) * weights).sum())

    loss()
    dx = layer.backward(weights)
    gradients = {
        name: (leaf.grads[name].copy(), array) for _, leaf in layer.leaves() for name, array in leaf.params.items()
    }
    assert relative_error(dx, numeric_gradient(loss, x)) < 1e-6
    for name, (ours, array) in gradients.items():
        assert relative_error(ours, numeric_gradient(loss, array)) < 1e-6, name


def test_a_relu_recurrence_keeps_its_state_at_the_start() -> None:
    """This is the purpose of the identity: the state neither fades nor grows."""
    layer = ReLURNN(1, 1, np.random.default_rng(0))
    layer.params["kernel"][:] = 2
    y = layer.forward(np.array([[[3.0]], [[0.0]], [[0.0]]]), np.array([3]))
    np.testing.assert_array_equal(y.ravel(), [6, 6, 6])


def test_layer_normalisation_makes_units_of_mean_0_and_deviation_1() -> None:
    rng = np.random.default_rng(0)
    y = NormalisedRNN(SIZE, SIZE, rng).forward(rng.normal(3, 20, (STEPS, BATCH, SIZE)), LENGTHS)
    units = np.arctanh(y)
    np.testing.assert_allclose(units.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(units.std(axis=2), 1, atol=1e-4)


def test_last_step_reads_the_final_state_of_each_direction() -> None:
    x = np.arange(12.0).reshape(3, 2, 2)  # of each sequence of a step, one feature from the left, one from the right
    lengths = np.array([2, 3])
    np.testing.assert_array_equal(LastStep(1).forward(x, lengths), [[4, 5], [10, 11]])
    layer = LastStep(2)
    np.testing.assert_array_equal(layer.forward(x, lengths), [[4, 1], [10, 3]])
    dx = layer.backward(np.ones((2, 2)))
    assert dx.sum() == 4
    np.testing.assert_array_equal(np.argwhere(dx), [[0, 0, 1], [0, 1, 1], [1, 0, 0], [2, 1, 0]])
