from typing import Any

import numpy as np
import pytest

from classifiers.nn.layers import LSTM, RNN
from classifiers.study import slopes
from classifiers.study.memory import before_training
from classifiers.study.settings import QUICK


def test_factors_of_an_orthogonal_matrix_are_one() -> None:
    found = slopes.step_factors("orthogonal", 0, QUICK)
    assert [found[key] for key in ("norm", "radius", "stretch")] == pytest.approx([0, 0, 0], abs=1e-6)
    assert -0.3 < found["tanh"] < 0


def test_factors_of_a_random_matrix_are_at_most_the_spectral_norm() -> None:
    network, *_ = before_training("glorot", 1, QUICK.shown, QUICK)
    matrix = network.layers[1].params["recurrent_kernel"]
    singular = np.linalg.svd(matrix, compute_uv=False)
    found = slopes.step_factors("glorot", 1, QUICK)
    assert found["norm"] == pytest.approx(np.log10(singular[0]), abs=1e-6)
    assert found["stretch"] == pytest.approx(np.log10(np.sqrt((singular**2).mean())), abs=1e-6)
    assert max(found["stretch"], found["radius"]) < found["norm"]
    assert slopes.spectral_radius(np.diag([0.5, -2.0, 1.0])) == pytest.approx(2)


def test_forget_factor_is_the_mean_forget_gate_of_the_lstm(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[LSTM] = []
    forward = LSTM.forward

    def noted(layer: LSTM, *rest: Any) -> object:
        seen.append(layer)
        return forward(layer, *rest)

    monkeypatch.setattr(LSTM, "forward", noted)
    found = slopes.step_factors("lstm", 0, QUICK)
    gates = seen[0]._gates[..., QUICK.units : 2 * QUICK.units]
    assert found == {"forget": pytest.approx(np.log10(gates).mean(), abs=1e-6)}


def test_slope_of_tanh_is_its_root_mean_square_over_units_and_steps() -> None:
    network, batch, *_ = before_training("orthogonal", 0, QUICK.shown, QUICK)
    layer = network.layers[1]
    assert isinstance(layer, RNN)
    states = layer.forward(network.layers[0].forward(batch.ids, batch.lengths), batch.lengths)
    expected = np.log10(np.sqrt(((1 - states**2) ** 2).mean()))
    assert slopes.step_factors("orthogonal", 0, QUICK)["tanh"] == pytest.approx(expected, abs=1e-6)
