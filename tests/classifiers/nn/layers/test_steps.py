"""Each recurrent layer compared with its step function, applied step by step."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from classifiers.nn.arrays import Array
from classifiers.nn.layers import GRU, LSTM, RNN, Bidirectional, Layer, gru_step, lstm_step, rnn_step
from tests.classifiers.nn.gradients import BATCH, FEATURES, LENGTHS, STEPS, UNITS, in_float64

Plain = Callable[[Array, Mapping[str, Array]], Array]


def plain_rnn(x: Array, params: Mapping[str, Array]) -> Array:
    """Return all hidden states (time, batch, units), computed step by step."""
    h, states = np.zeros((x.shape[1], UNITS)), []
    for now in x:
        h = rnn_step(now, h, params)
        states.append(h)
    return np.stack(states)


def plain_lstm(x: Array, params: Mapping[str, Array]) -> Array:
    h, c, states = np.zeros((x.shape[1], UNITS)), np.zeros((x.shape[1], UNITS)), []
    for now in x:
        h, c = lstm_step(now, h, c, params)
        states.append(h)
    return np.stack(states)


def plain_gru(x: Array, params: Mapping[str, Array]) -> Array:
    h, states = np.zeros((x.shape[1], UNITS)), []
    for now in x:
        h = gru_step(now, h, params)
        states.append(h)
    return np.stack(states)


KINDS = pytest.mark.parametrize(
    ("layer", "plain"), [(RNN, plain_rnn), (LSTM, plain_lstm), (GRU, plain_gru)], ids=["RNN", "LSTM", "GRU"]
)


def some_layer(layer: Callable[..., Layer], seed: int) -> Layer:
    rng = np.random.default_rng(seed)
    return in_float64(layer(FEATURES, UNITS, rng), rng)


def some_input() -> Array:
    return np.random.default_rng(9).normal(size=(STEPS, BATCH, FEATURES))


@KINDS
def test_layer_matches_its_step_function_for_every_sequence(layer: Callable[..., Layer], plain: Plain) -> None:
    """Each sequence within its own length; the content of the padding makes no difference."""
    built, x = some_layer(layer, 1), some_input()
    fast = built.forward(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = plain(x[:length, row : row + 1], built.params)
        np.testing.assert_allclose(fast[:length, row], alone[:, 0], rtol=0, atol=1e-14)


@KINDS
def test_both_directions_match_the_step_function(layer: Callable[..., Layer], plain: Plain) -> None:
    left, right, x = some_layer(layer, 1), some_layer(layer, 2), some_input()
    fast = Bidirectional(left, right).forward(x, LENGTHS)
    for row, length in enumerate(LENGTHS):
        alone = x[:length, row : row + 1]
        expected = np.concatenate([plain(alone, left.params), plain(alone[::-1], right.params)[::-1]], axis=2)
        np.testing.assert_allclose(fast[:length, row], expected[:, 0], rtol=0, atol=1e-14)
