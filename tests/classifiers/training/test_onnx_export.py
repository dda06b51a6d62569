"""ONNX Runtime as the heir of Keras and of our own layers."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from classifiers.model_directory import load_onnx
from classifiers.nn import network
from classifiers.nn.batching import Batch, pad
from classifiers.training import onnx_export

VOCABULARY, EMBEDDING, LABELS, MAX_TOKENS = 300, 16, 5, 64


@pytest.fixture(scope="module")
def bilstm() -> network.Network:
    """Weights large enough for every gate to matter, so that a swapped gate or direction cannot hide."""
    rng = np.random.default_rng(0)
    net = network.build("bilstm", VOCABULARY, EMBEDDING, LABELS, rng)
    net.load({name: rng.normal(0, 0.15, array.shape).astype(np.float32) for name, array in net.params.items()})
    return net


@pytest.fixture(scope="module")
def batch() -> Batch:
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, VOCABULARY, n).tolist() for n in (1, 2, 3, 17, MAX_TOKENS, MAX_TOKENS, 30)])


@pytest.mark.heavy
def test_onnx_keras_and_numpy_answer_alike(
    bilstm: network.Network, batch: Batch, tmp_path: Path, keras_models: ModuleType
) -> None:
    model = keras_models.build("bilstm", VOCABULARY, EMBEDDING, LABELS)
    keras_models.load(model, bilstm.params)
    onnx_export.save_bilstm(keras_models.params(model), tmp_path / "bilstm.onnx", np.float32)
    by_numpy, by_keras = bilstm.forward(batch), keras_models.run(model, batch)
    by_onnx = load_onnx((tmp_path / "bilstm.onnx").read_bytes())(batch)
    assert np.ptp(by_keras, axis=0).max() > 0.1, "the texts must get different answers"
    np.testing.assert_allclose(by_numpy, by_keras, atol=1e-5)
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-5)


def test_float16_storage_is_close(bilstm: network.Network, batch: Batch, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    onnx_export.save_bilstm(bilstm.params, whole, np.float32)
    onnx_export.save_bilstm(bilstm.params, half)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    np.testing.assert_allclose(load_onnx(half.read_bytes())(batch), bilstm.forward(batch), atol=5e-3)


def test_parameters_are_read_back_as_they_were_written(bilstm: network.Network, tmp_path: Path) -> None:
    onnx_export.save_bilstm(bilstm.params, tmp_path / "bilstm.onnx", np.float32)
    read = onnx_export.read_bilstm(tmp_path / "bilstm.onnx")
    assert read.keys() == bilstm.params.keys()
    for name, array in bilstm.params.items():
        np.testing.assert_array_equal(read[name], array, err_msg=name)
