import numpy as np
import pytest

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, split_gates
from classifiers.nn.layers import LSTM, lstm_step
from classifiers.study.lstm_trace import LSTMTrace, trace_lstm

STEPS, BATCH, FEATURES, UNITS = 7, 2, 3, 4


@pytest.fixture
def layer() -> LSTM:
    rng = np.random.default_rng(0)
    layer = LSTM(FEATURES, UNITS, rng)
    layer.params = {name: rng.normal(size=array.shape) for name, array in layer.params.items()}
    return layer


@pytest.fixture
def x() -> Array:
    return np.random.default_rng(1).normal(size=(STEPS, BATCH, FEATURES))


@pytest.fixture
def trace(layer: LSTM, x: Array) -> LSTMTrace:
    return trace_lstm(layer, x, np.full(BATCH, STEPS))


def test_recorded_states_cells_and_gates_match_single_steps(layer: LSTM, x: Array, trace: LSTMTrace) -> None:
    h, c = np.zeros((2, BATCH, UNITS))
    for t, now in enumerate(x):
        z = now @ layer.params["kernel"] + h @ layer.params["recurrent_kernel"] + layer.params["bias"]
        i, f, _, o = split_gates(z, 4)
        for gate, found in ((i, trace.input), (f, trace.forget), (o, trace.output)):
            np.testing.assert_allclose(found[t], sigmoid(gate))
        h, c = lstm_step(now, h, c, layer.params)
        np.testing.assert_allclose(trace.state[t], h)
        np.testing.assert_allclose(trace.cell[t], c)


def test_at_slices_each_array(trace: LSTMTrace) -> None:
    part = trace.at(slice(None, None, -1), 1)
    for name in ("input", "forget", "output", "cell", "state"):
        np.testing.assert_array_equal(getattr(part, name), getattr(trace, name)[::-1, 1])
