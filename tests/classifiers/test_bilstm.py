"""Keras as the judge of our layers, and ONNX Runtime as the heir of Keras."""

import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from classifiers import bilstm, network
from classifiers.batching import Batch, Examples, pad
from classifiers.layers import Array, sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.model_directory import load_bilstm
from classifiers.training import Recipe

VOCABULARY, EMBEDDING, LABELS, MAX_TOKENS = 300, 16, 5, 64


def lively_params(net: network.Network, scale: float) -> dict[str, Array]:
    """Weights large enough for every gate to matter, so that a swapped gate or direction cannot hide."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, scale, array.shape).astype(np.float32) for name, array in net.params.items()}


@pytest.fixture(scope="module")
def numpy_bilstm() -> network.Network:
    net = network.bilstm(VOCABULARY, EMBEDDING, LABELS, np.random.default_rng(0))
    net.load(lively_params(net, 0.15))
    return net


@pytest.fixture(scope="module")
def keras_bilstm(numpy_bilstm: network.Network) -> Any:
    model = bilstm.build(VOCABULARY, EMBEDDING, LABELS)
    bilstm.load(model, numpy_bilstm.params)
    return model


@pytest.fixture(scope="module")
def batch() -> Batch:
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, VOCABULARY, n).tolist() for n in (1, 2, 3, 17, MAX_TOKENS, MAX_TOKENS, 30)])


def keras_rnn() -> Any:
    """The RNN of `network.rnn`, in Keras."""
    rnn = [keras.layers.SimpleRNN(128, return_sequences=True) for _ in range(2)]
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            keras.layers.Embedding(VOCABULARY, EMBEDDING, mask_zero=True),
            *rnn,
            bilstm.MeanMaxPooling(),
            keras.layers.Dense(LABELS),
        ]
    )


def compare_gradients(net: network.Network, model: Any, variables: list[Any], batch: Batch) -> None:
    """Same weights, same batch: outputs, loss and every gradient within 1e-5 in float32."""
    targets = (np.random.default_rng(2).random((len(batch.lengths), LABELS)) < 0.4).astype(np.float32)
    logits = net.forward(batch)
    loss, d_logits = sigmoid_cross_entropy(logits, targets)
    net.backward(d_logits)
    with tf.GradientTape() as tape:
        judged = model(batch.ids.T, training=False)
        judged_loss = keras.losses.BinaryCrossentropy(from_logits=True)(targets, judged)
    gradients = tape.gradient(judged_loss, [variable.value for variable in variables])
    np.testing.assert_allclose(logits, judged, atol=1e-5)
    assert loss == pytest.approx(float(judged_loss), abs=1e-5)
    for (name, ours), theirs in zip(net.grads.items(), gradients, strict=True):
        assert np.abs(ours).max() > 1e-4, f"{name} is not put to the test"
        np.testing.assert_allclose(ours, tf.convert_to_tensor(theirs), atol=1e-5, err_msg=name)


def test_numpy_bilstm_stays_with_keras(numpy_bilstm: network.Network, keras_bilstm: Any, batch: Batch) -> None:
    by_name = bilstm.variables(keras_bilstm)
    compare_gradients(numpy_bilstm, keras_bilstm, [by_name[name] for name in numpy_bilstm.params], batch)


def test_numpy_rnn_stays_with_keras(batch: Batch) -> None:
    net = network.rnn(VOCABULARY, EMBEDDING, LABELS, np.random.default_rng(0))
    net.load(lively_params(net, 0.08))  # larger ones would make tanh chaotic over 64 steps
    model = keras_rnn()
    for variable, array in zip(model.weights, net.params.values(), strict=True):
        variable.assign(array)
    compare_gradients(net, model, model.weights, batch)


def test_losses_stay_with_keras() -> None:
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(6, LABELS)).astype(np.float32) * 4
    one_hot = np.eye(LABELS, dtype=np.float32)[rng.integers(LABELS, size=6)]
    judge = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert softmax_cross_entropy(logits, one_hot)[0] == pytest.approx(float(judge(one_hot, logits)), abs=1e-5)


def test_onnx_keras_and_numpy_answer_alike(
    numpy_bilstm: network.Network, keras_bilstm: Any, batch: Batch, tmp_path: Path
) -> None:
    bilstm.save_onnx(bilstm.params(keras_bilstm), tmp_path / "bilstm.onnx", np.float32)
    run = load_bilstm(tmp_path / "bilstm.onnx")
    by_numpy, by_keras, by_onnx = numpy_bilstm.forward(batch), bilstm.run(keras_bilstm, batch), run(batch)
    assert np.ptp(by_keras, axis=0).max() > 0.1, "the texts must get different answers"
    np.testing.assert_allclose(by_numpy, by_keras, atol=1e-5)
    np.testing.assert_allclose(by_onnx, by_keras, atol=1e-5)


def test_numpy_takes_over_the_weights_of_keras(keras_bilstm: Any, batch: Batch) -> None:
    heir = network.bilstm(VOCABULARY, EMBEDDING, LABELS, np.random.default_rng(9))
    heir.load(bilstm.params(keras_bilstm))
    np.testing.assert_allclose(heir.forward(batch), bilstm.run(keras_bilstm, batch), atol=1e-5)


def test_float16_storage_is_close(keras_bilstm: Any, batch: Batch, tmp_path: Path) -> None:
    whole, half = tmp_path / "whole.onnx", tmp_path / "half.onnx"
    bilstm.save_onnx(bilstm.params(keras_bilstm), whole, np.float32)
    bilstm.save_onnx(bilstm.params(keras_bilstm), half)
    assert half.stat().st_size < 0.6 * whole.stat().st_size
    np.testing.assert_allclose(load_bilstm(half)(batch), bilstm.run(keras_bilstm, batch), atol=5e-3)


def test_the_keras_file_can_be_gone_on_with(keras_bilstm: Any, batch: Batch, tmp_path: Path) -> None:
    keras_bilstm.save(tmp_path / "bilstm.keras")
    again = keras.models.load_model(tmp_path / "bilstm.keras")
    np.testing.assert_array_equal(bilstm.run(again, batch), bilstm.run(keras_bilstm, batch))


def test_training_lowers_the_loss_and_resumes_from_its_state() -> None:
    rng = np.random.default_rng(4)
    sequences = [rng.integers(2, 20, 4).tolist() for _ in range(16)]
    targets = np.eye(2, dtype=np.float32)[[sequence[0] % 2 for sequence in sequences]]
    examples = Examples(sequences, targets)
    plan = Recipe(30, 8, 5e-3, EMBEDDING, dropout=0.0, word_dropout=0.0, weight_decay=0.0)

    trainer = bilstm.Trainer(bilstm.build(20, EMBEDDING, 2), plan, multi_label=False)
    losses = [np.mean(list(trainer.train_epoch(examples, number))) for number in range(1, 30)]
    assert losses[-1] < 0.2 * losses[0]

    other = bilstm.Trainer(bilstm.build(20, EMBEDDING, 2), plan, multi_label=False)
    other.restore(trainer.state())
    np.testing.assert_allclose(
        list(other.train_epoch(examples, 30)), list(trainer.train_epoch(examples, 30)), atol=1e-6
    )
