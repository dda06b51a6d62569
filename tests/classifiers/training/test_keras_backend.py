"""Our layers, and how they train, compared with Keras."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples, pad
from classifiers.nn.layers import GRU, LSTM, RNN, Layer, LayerNorm
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.training import numpy_backend
from classifiers.training.recipes import Recipe
from tests.classifiers.training.recording import step_by_step

pytestmark = pytest.mark.heavy

VOCABULARY, EMBEDDING, LABELS, MAX_TOKENS = 300, 16, 5, 64

STUDIED = {"birnn": network.Kind(RNN, 1, directions=2), "bigru": network.Kind(GRU, 1, directions=2)}
"""Kinds of network that only the study trains, so that `network.KINDS` lacks them."""


def with_large_weights(params: dict[str, Array], scale: float) -> dict[str, Array]:
    """Return weights large enough for every gate to matter, so that a swapped gate or direction is noticed."""
    rng = np.random.default_rng(0)
    return {name: rng.normal(0, scale, array.shape).astype(np.float32) for name, array in params.items()}


@pytest.fixture(scope="module", autouse=True)
def _graphs_unoptimised() -> Iterator[None]:
    """Make TensorFlow run graphs as traced: optimising one takes longer than a test runs it."""
    import tensorflow as tf

    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
    yield
    tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": False})


@pytest.fixture(scope="module")
def batch() -> Batch:
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, VOCABULARY, n).tolist() for n in (1, 2, 3, 17, MAX_TOKENS, MAX_TOKENS, 30)])


@pytest.fixture(scope="module")
def keras_bilstm(keras_models: ModuleType) -> Any:
    model = keras_models.build("bilstm", VOCABULARY, EMBEDDING, LABELS)
    keras_models.load(model, with_large_weights(keras_models.params(model), 0.15))
    return model


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (RNN(6, 5, None), lambda layers: layers.SimpleRNN(5, return_sequences=True)),
        (GRU(6, 5, None), lambda layers: layers.GRU(5, return_sequences=True)),
        (LSTM(6, 5, None), lambda layers: layers.LSTM(5, return_sequences=True)),
        (LayerNorm(6), lambda layers: layers.LayerNormalization()),
    ],
    ids=["RNN", "GRU", "LSTM", "LayerNorm"],
)
def test_layers_match_keras(ours: Layer, theirs: Callable[[Any], Any]) -> None:
    """With the same weights and input, outputs and all gradients agree within 1e-5."""
    import keras
    import tensorflow as tf

    rng = np.random.default_rng(5)
    x = rng.normal(size=(9, 4, 6)).astype(np.float32)
    ours.params = with_large_weights(ours.params, 0.5)
    y = ours.forward(x, np.full(4, 9))
    dy = rng.normal(size=y.shape).astype(np.float32)
    dx = ours.backward(dy)
    by_batch = tf.constant(x.swapaxes(0, 1))
    reference = theirs(keras.layers)
    reference.build(by_batch.shape)
    variables = {variable.name: variable for variable in reference.weights}
    for name, variable in variables.items():
        variable.assign(ours.params[name])
    with tf.GradientTape() as tape:
        tape.watch(by_batch)
        expected = reference(by_batch)
        loss = tf.reduce_sum(expected * dy.swapaxes(0, 1))
    expected_dx, *gradients = tape.gradient(loss, [by_batch, *(variable.value for variable in variables.values())])
    np.testing.assert_allclose(y.swapaxes(0, 1), expected, atol=1e-5)
    np.testing.assert_allclose(dx.swapaxes(0, 1), expected_dx, atol=1e-5)
    assert ours.grads.keys() == variables.keys()
    for name, gradient in zip(variables, gradients, strict=True):
        np.testing.assert_allclose(ours.grads[name], gradient, atol=1e-5, rtol=1e-5, err_msg=name)


# A larger scale would make the RNN's tanh chaotic over 64 steps. Both directions are in the BiLSTM, too.
@pytest.mark.parametrize(
    ("kind", "scale"),
    [
        ("rnn", 0.08),
        *((kind, 0.15) for kind in network.KINDS if kind != "rnn"),
        pytest.param("birnn", 0.08, marks=pytest.mark.long),
        pytest.param("bigru", 0.15, marks=pytest.mark.long),
    ],
)
def test_networks_match_keras(
    kind: str, scale: float, batch: Batch, keras_models: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same weights and batch, outputs, loss and every gradient agree within 1e-5 in float32."""
    import keras
    import tensorflow as tf

    for name, studied in STUDIED.items():
        monkeypatch.setitem(network.KINDS, name, studied)
    net = network.build(kind, VOCABULARY, EMBEDDING, LABELS, np.random.default_rng(0))
    net.load(with_large_weights(net.params, scale))
    model = keras_models.build(kind, VOCABULARY, EMBEDDING, LABELS)
    keras_models.load(model, net.params)
    variables = keras_models.variables(model)
    targets = (np.random.default_rng(2).random((len(batch.lengths), LABELS)) < 0.4).astype(np.float32)
    logits = net.forward(batch)
    loss, d_logits = sigmoid_cross_entropy(logits, targets)
    net.backward(d_logits)

    def reference() -> Any:
        with tf.GradientTape() as tape:
            expected = model(batch.ids.T, training=False)
            expected_loss = keras.losses.BinaryCrossentropy(from_logits=True)(targets, expected)
        return expected, expected_loss, tape.gradient(expected_loss, [variables[name].value for name in net.params])

    # Compiled, since each of the steps of a layer would take long by itself.
    expected, expected_loss, gradients = tf.function(reference, autograph=False)()
    np.testing.assert_allclose(logits, expected, atol=1e-5)
    assert loss == pytest.approx(float(expected_loss), abs=1e-5)
    for (name, ours), theirs in zip(net.grads.items(), gradients, strict=True):
        assert np.abs(ours).max() > 1e-4, f"{name} is not put to the test"
        np.testing.assert_allclose(ours, tf.convert_to_tensor(theirs), atol=1e-5, err_msg=name)


# The gradients of each kind are compared above, so one kind suffices for a whole training run.
@pytest.mark.usefixtures("one_layer")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=() if kind == "gru" else pytest.mark.long) for kind in network.KINDS]
)
def test_training_matches_keras_step_by_step(kind: str, keras_models: ModuleType) -> None:
    """With the same weights, batches and recipe, all weights agree within 1e-4 after 20 steps.

    No word occurs twice: for the clipping norm, Keras counts the gradients of a repeated word separately, although they
    should be added first.
    """
    rng = np.random.default_rng(6)
    lengths = rng.integers(1, 12, 40)
    vocabulary = 2 + int(lengths.sum())
    words = np.split(rng.permutation(np.arange(2, vocabulary)), lengths.cumsum()[:-1])
    targets = (rng.random((40, LABELS)) < 0.3).astype(np.float32)
    examples = Examples([sequence.tolist() for sequence in words], targets)
    plan = Recipe(4, 8, 5e-3, 6, dropout=0.0, word_dropout=0.0, weight_decay=0.01, clip_norm=0.1)
    net = network.build(kind, vocabulary, plan.embedding, LABELS, np.random.default_rng(0), units=8)
    model = keras_models.build(kind, vocabulary, plan.embedding, LABELS, units=8)
    keras_models.load(model, net.params)
    start = keras_models.params(model)
    ours, theirs = (
        numpy_backend.Trainer(net, plan, multi_label=True),
        keras_models.Trainer(model, plan, multi_label=True),
    )
    steps = 0
    for number in range(1, plan.epochs + 1):
        for loss, expected in zip(
            ours.train_epoch(examples, number), theirs.train_epoch(examples, number), strict=True
        ):
            steps += 1
            assert loss == pytest.approx(expected, abs=1e-5)
            for name, array in keras_models.params(model).items():
                assert np.abs(net.params[name] - array).max() < 1e-4, f"{name} at step {steps}"
    assert steps == 20
    assert all(np.abs(net.params[name] - array).max() > 1e-2 for name, array in start.items())


def test_losses_match_keras() -> None:
    import keras

    rng = np.random.default_rng(3)
    logits = rng.normal(size=(6, LABELS)).astype(np.float32) * 4
    one_hot = np.eye(LABELS, dtype=np.float32)[rng.integers(LABELS, size=6)]
    reference = keras.losses.CategoricalCrossentropy(from_logits=True)
    assert softmax_cross_entropy(logits, one_hot)[0] == pytest.approx(float(reference(one_hot, logits)), abs=1e-5)


def test_weights_of_keras_load_into_our_network(keras_bilstm: Any, batch: Batch, keras_models: ModuleType) -> None:
    heir = network.build("bilstm", VOCABULARY, EMBEDDING, LABELS, np.random.default_rng(9))
    heir.load(keras_models.params(keras_bilstm))
    np.testing.assert_allclose(heir.forward(batch), keras_models.run(keras_bilstm, batch), atol=1e-5)


def test_saved_keras_model_can_be_trained_further(keras_bilstm: Any, batch: Batch, tmp_path: Path) -> None:
    import keras

    keras_bilstm.save(tmp_path / "bilstm.keras")
    again = keras.models.load_model(tmp_path / "bilstm.keras")
    few = batch.ids.T[:, :3]  # without compiling either model, which takes longer than a few steps
    np.testing.assert_array_equal(again(few), keras_bilstm(few))


@pytest.mark.usefixtures("one_layer")
def test_training_lowers_the_loss_and_resumes_from_its_state(keras_models: ModuleType) -> None:
    rng = np.random.default_rng(4)
    sequences = [rng.integers(2, 20, 4).tolist() for _ in range(16)]
    targets = np.eye(2, dtype=np.float32)[[sequence[0] % 2 for sequence in sequences]]
    examples = Examples(sequences, targets)
    plan = Recipe(30, 8, 5e-3, EMBEDDING, dropout=0.1, word_dropout=0.0, weight_decay=0.0)
    model = keras_models.build("rnn", 20, EMBEDDING, 2, plan.dropout, units=16)

    trainer = keras_models.Trainer(model, plan, multi_label=False)
    losses = [np.mean(list(trainer.train_epoch(examples, number))) for number in range(1, 30)]
    assert losses[-1] < 0.2 * losses[0]

    state = trainer.state()
    last = list(trainer.train_epoch(examples, 30))
    resumed = keras_models.Trainer(
        keras_models.build("rnn", 20, EMBEDDING, 2, plan.dropout, units=16), plan, multi_label=False
    )
    keras_models.load(resumed.model, keras_models.params(keras_models.build("rnn", 20, EMBEDDING, 2, seed=1, units=16)))
    resumed.restore(state)
    with step_by_step():
        np.testing.assert_allclose(list(resumed.train_epoch(examples, 30)), last, atol=1e-6)


@pytest.mark.usefixtures("one_layer")
def test_the_same_seed_gives_the_same_training(keras_models: ModuleType) -> None:
    """Including dropout, whose masks Keras draws itself."""
    rng = np.random.default_rng(7)
    examples = Examples([rng.integers(2, 20, 4).tolist() for _ in range(16)], np.eye(2, dtype=np.float32)[[0, 1] * 8])

    def losses(seed: int) -> list[float]:
        plan = Recipe(1, 8, 5e-3, EMBEDDING, dropout=0.5, word_dropout=0.0, weight_decay=0.0, seed=0)
        model = keras_models.build("rnn", 20, EMBEDDING, 2, plan.dropout, seed, units=8)
        keras_models.load(model, network.build("rnn", 20, EMBEDDING, 2, np.random.default_rng(0), units=8).params)
        return list(keras_models.Trainer(model, plan, multi_label=False).train_epoch(examples, 1))

    with step_by_step():
        first, again, other = losses(1), losses(1), losses(2)
    assert first == again
    assert first != other
