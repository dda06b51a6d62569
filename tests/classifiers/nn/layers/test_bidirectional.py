import numpy as np

from classifiers.nn.layers import (
    LSTM,
    Bidirectional,
)
from tests.classifiers.nn.gradients import BATCH, FEATURES, LENGTHS, STEPS, UNITS, in_float64


def test_bidirectional_reverses_each_sequence_within_its_own_length() -> None:
    rng = np.random.default_rng(7)
    layer = in_float64(Bidirectional(LSTM(FEATURES, UNITS, rng), LSTM(FEATURES, UNITS, rng)), rng)
    x = rng.normal(size=(STEPS, BATCH, FEATURES))
    together = layer.forward(x, LENGTHS)
    for column, length in enumerate(LENGTHS):
        alone = layer.forward(x[:length, column : column + 1], np.array([length]))
        np.testing.assert_allclose(together[:length, column], alone[:, 0], atol=1e-12)
