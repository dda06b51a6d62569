"""Every backward pass compared with central differences."""

import numpy as np
import pytest

from classifiers.nn.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Dense,
    Layer,
    LayerNorm,
    MeanMaxPooling,
)
from tests.classifiers.nn.gradients import (
    BATCH,
    FEATURES,
    LENGTHS,
    REAL,
    STEPS,
    UNITS,
    in_float64,
    numeric_gradient,
    relative_error,
)


def sequence_layers() -> list[Layer]:
    rng = np.random.default_rng(1)
    return [
        RNN(FEATURES, UNITS, rng),
        LSTM(FEATURES, UNITS, rng),
        GRU(FEATURES, UNITS, rng),
        LayerNorm(FEATURES),
        Bidirectional(RNN(FEATURES, UNITS, rng), RNN(FEATURES, UNITS, rng)),
        Bidirectional(GRU(FEATURES, UNITS, rng), GRU(FEATURES, UNITS, rng)),
        Bidirectional(LSTM(FEATURES, UNITS, rng), LSTM(FEATURES, UNITS, rng)),
        MeanMaxPooling(),
        Dense(FEATURES, UNITS, rng),
    ]


@pytest.mark.parametrize("layer", sequence_layers(), ids=lambda layer: type(layer).__name__)
def test_gradients_of_sequence_layers_match_central_differences(layer: Layer) -> None:
    rng = np.random.default_rng(2)
    in_float64(layer, rng)
    x = rng.normal(size=(STEPS, BATCH, FEATURES))
    # Only real steps contribute to the loss, as with pooling in a network.
    y = layer.forward(x, LENGTHS)
    weights = rng.normal(size=y.shape) * (REAL if y.ndim == 3 else 1)

    def loss() -> float:
        return float((layer.forward(x, LENGTHS) * weights).sum())

    loss()
    dx = layer.backward(weights)
    gradients = {
        f"{part}{name}": (leaf.grads[name].copy(), array)
        for part, leaf in layer.leaves()
        for name, array in leaf.params.items()
    }
    assert relative_error(dx, numeric_gradient(loss, x)) < 1e-6
    for name, (ours, array) in gradients.items():
        assert relative_error(ours, numeric_gradient(loss, array)) < 1e-6, name
