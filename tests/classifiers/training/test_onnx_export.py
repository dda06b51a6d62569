"""The exported ONNX models compared with Keras and with our own layers."""

from pathlib import Path
from types import ModuleType

import numpy as np
import onnx
import pytest

from classifiers.nn import network
from classifiers.nn.batching import Batch, pad
from classifiers.onnx_runtime import load_onnx
from classifiers.training import onnx_export

VOCABULARY, EMBEDDING, LABELS, MAX_TOKENS = 300, 16, 5, 64


@pytest.fixture(scope="module")
def bilstm() -> network.Network:
    """Return a BiLSTM with weights so large that every gate matters, and a swapped gate or direction is noticed."""
    rng = np.random.default_rng(0)
    net = network.build("bilstm", VOCABULARY, EMBEDDING, LABELS, rng)
    net.load({name: rng.normal(0, 0.15, array.shape).astype(np.float32) for name, array in net.params.items()})
    return net


@pytest.fixture(scope="module")
def saved(bilstm: network.Network, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of that network in 8 bits, written once because that takes a quarter of a second."""
    path = tmp_path_factory.mktemp("saved") / "bilstm.onnx"
    onnx_export.save_bilstm(bilstm.params, path)
    return path


@pytest.fixture(scope="module")
def batch() -> Batch:
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, VOCABULARY, n).tolist() for n in (1, 2, 3, 17, MAX_TOKENS, MAX_TOKENS, 30)])


@pytest.mark.heavy
def test_onnx_keras_and_numpy_give_the_same_logits(
    bilstm: network.Network, batch: Batch, keras_models: ModuleType
) -> None:
    model = keras_models.build("bilstm", VOCABULARY, EMBEDDING, LABELS)
    keras_models.load(model, bilstm.params)
    graph = onnx_export.float_graph(keras_models.params(model))
    by_numpy, by_keras = bilstm.forward(batch), keras_models.run(model, batch)
    by_onnx = load_onnx(graph.SerializeToString())(batch)
    assert np.ptp(by_keras, axis=0).max() > 0.1, "the texts must get different answers"
    np.testing.assert_allclose(by_numpy, by_keras, atol=1e-5)
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-5)


def test_batch_gives_the_logits_of_single_texts(bilstm: network.Network, batch: Batch, saved: Path) -> None:
    """Exactly in floats; nearly in 8 bits, where all texts of a batch share the scale of a step."""
    texts = [pad([column[:length].tolist()]) for column, length in zip(batch.ids.T, batch.lengths, strict=True)]
    graph = onnx_export.float_graph(bilstm.params).SerializeToString()
    for content, tolerance in ((graph, 1e-5), (saved.read_bytes(), 0.05)):
        run = load_onnx(content)
        alone = np.concatenate([run(text) for text in texts])
        np.testing.assert_allclose(run(batch), alone, atol=tolerance * alone.std())


def test_eight_bits_are_close_to_floats_and_a_quarter_of_their_size(
    bilstm: network.Network, batch: Batch, saved: Path
) -> None:
    content = saved.read_bytes()
    assert len(content) < 0.3 * onnx_export.float_graph(bilstm.params).ByteSize()
    expected = bilstm.forward(batch)
    np.testing.assert_allclose(load_onnx(content)(batch), expected, atol=0.1 * expected.std())


def test_all_layers_compute_with_eight_bits(saved: Path) -> None:
    operators = [node.op_type for node in onnx.load(saved).graph.node]
    assert operators.count("DynamicQuantizeLSTM") == 3
    assert "MatMulInteger" in operators
    assert not {"LSTM", "Gemm"} & {*operators}


def test_saving_prints_nothing(
    bilstm: network.Network, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    onnx_export.save_bilstm(bilstm.params, tmp_path / "bilstm.onnx")
    assert not any(capfd.readouterr())
    assert not caplog.records


def test_parameters_are_read_back_within_half_a_quantisation_step(bilstm: network.Network, saved: Path) -> None:
    read = onnx_export.read_bilstm(saved)
    assert read.keys() == bilstm.params.keys()
    for name, array in bilstm.params.items():
        assert read[name].shape == array.shape
        step = (array.max() - array.min()) / 255 if name == "0.embeddings" else np.abs(array).max(axis=0) / 127
        exact = "bias" in name
        assert (np.abs(read[name] - array) <= (0 if exact else 0.51 * step)).all(), name


def test_float_parameters_of_earlier_versions_are_read(bilstm: network.Network, tmp_path: Path) -> None:
    onnx.save(onnx_export.float_graph(bilstm.params), tmp_path / "bilstm.onnx")
    read = onnx_export.read_bilstm(tmp_path / "bilstm.onnx")
    assert read.keys() == bilstm.params.keys()
    for name, array in bilstm.params.items():
        np.testing.assert_array_equal(read[name], array, err_msg=name)
