import numpy as np
import pytest

from classifiers.nn.layers import (
    Dropout,
)
from tests.classifiers.nn.gradients import BATCH, FEATURES, LENGTHS, STEPS


@pytest.mark.parametrize("shape", [(STEPS, BATCH, FEATURES), (BATCH, FEATURES)])
def test_dropout_scales_what_it_keeps_and_has_one_mask_for_all_steps(shape: tuple[int, ...]) -> None:
    layer = Dropout(0.4, np.random.default_rng(4))
    x = np.ones(shape)
    y = layer.forward(x, LENGTHS, training=True)
    assert set(np.unique(y)) == {0, 1 / 0.6}
    np.testing.assert_array_equal(layer.backward(x), y)
    if len(shape) == 3:
        np.testing.assert_array_equal(y, np.broadcast_to(y[0], shape))


def test_dropout_keeps_the_mean_and_is_off_outside_training() -> None:
    layer = Dropout(0.25, np.random.default_rng(5))
    x = np.ones((1000, 50))
    assert layer.forward(x, LENGTHS, training=True).mean() == pytest.approx(1, abs=0.02)
    assert layer.forward(x, LENGTHS) is x
    assert layer.backward(x) is x
