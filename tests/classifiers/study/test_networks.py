"""The networks of the study that differ from a usual one only in their initial weights."""

import numpy as np
import pytest

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.study.networks import CHRONO_LONGEST, MEMORY

UNITS = 48


def start(row: str) -> dict[str, Array]:
    [layer] = MEMORY[row].layers(UNITS, np.random.default_rng(0))
    return layer.params


def test_letter_moves_along_the_chain_unit_by_unit() -> None:
    params = start("chain")
    np.testing.assert_array_equal(params["kernel"], np.float32(0.9) * np.eye(UNITS, dtype=np.float32))
    np.testing.assert_allclose(np.eye(UNITS)[3] @ params["recurrent_kernel"], 1.02 * np.eye(UNITS)[4], rtol=1e-6)


def test_chrono_lstm_starts_with_opposite_input_and_forget_biases() -> None:
    params, usual = start("lstm-chrono"), start("lstm")
    into, forget, *others = np.split(params["bias"], 4)
    np.testing.assert_array_equal(into, -forget)
    times = 1 / (1 - sigmoid(forget.astype(np.float64)))
    assert 2 <= times.min() < 10
    assert CHRONO_LONGEST - 10 < times.max() <= CHRONO_LONGEST
    assert not np.any(others)
    np.testing.assert_array_equal(params["recurrent_kernel"], usual["recurrent_kernel"])


def test_update_gate_of_a_chrono_gru_keeps_for_2_to_80_steps() -> None:
    params, usual = start("gru-chrono"), start("gru")
    (keep, *others), state_bias = np.split(params["bias"][0], 3), params["bias"][1]
    times = 1 / (1 - sigmoid(keep.astype(np.float64)))
    assert 2 <= times.min() < 10
    assert CHRONO_LONGEST - 10 < times.max() <= CHRONO_LONGEST
    assert not np.any([*others, *np.split(state_bias, 3)])
    np.testing.assert_array_equal(params["recurrent_kernel"], usual["recurrent_kernel"])


@pytest.mark.parametrize("row", MEMORY)
def test_the_start_depends_on_the_seed_alone(row: str) -> None:
    layers = [MEMORY[row].build(10, 6, 4, np.random.default_rng(3)).params for _ in range(2)]
    for name, array in layers[0].items():
        np.testing.assert_array_equal(array, layers[1][name])
