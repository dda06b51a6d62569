"""Every backward pass against central differences, and forward passes small enough to check by hand."""

from collections.abc import Callable

import numpy as np
import pytest

from classifiers.nn.layers import (
    GRU,
    LSTM,
    RNN,
    Array,
    Bidirectional,
    Dense,
    Dropout,
    Embedding,
    Layer,
    LayerNorm,
    MeanMaxPooling,
    orthogonal,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
)

STEPS, BATCH, FEATURES, UNITS = 6, 4, 3, 5
LENGTHS = np.array([6, 1, 4, 3])
REAL = (np.arange(STEPS)[:, None] < LENGTHS)[..., None]


def numeric_gradient(loss: Callable[[], float], array: Array) -> Array:
    """Central differences of `loss` with respect to every element of `array`."""
    gradient = np.empty_like(array)
    for place in np.ndindex(array.shape):
        kept, step = array[place], 1e-5
        array[place] = kept + step
        above = loss()
        array[place] = kept - step
        gradient[place] = (above - loss()) / (2 * step)
        array[place] = kept
    return gradient


def relative_error(ours: Array, numeric: Array) -> float:
    return float(np.linalg.norm(ours - numeric) / (np.linalg.norm(ours) + np.linalg.norm(numeric)))


def in_float64(layer: Layer, rng: np.random.Generator) -> Layer:
    for _, leaf in layer.leaves():
        leaf.params = {name: rng.normal(0, 0.5, array.shape) for name, array in leaf.params.items()}
    return layer


def sequence_layers() -> list[Layer]:
    rng = np.random.default_rng(1)
    return [
        RNN(FEATURES, UNITS, rng),
        LSTM(FEATURES, UNITS, rng),
        GRU(FEATURES, UNITS, rng),
        LayerNorm(FEATURES),
        Bidirectional(RNN(FEATURES, UNITS, rng), RNN(FEATURES, UNITS, rng)),
        Bidirectional(LSTM(FEATURES, UNITS, rng), LSTM(FEATURES, UNITS, rng)),
        MeanMaxPooling(),
        Dense(FEATURES, UNITS, rng),
    ]


@pytest.mark.parametrize("layer", sequence_layers(), ids=lambda layer: type(layer).__name__)
def test_gradients_of_sequence_layers(layer: Layer) -> None:
    rng = np.random.default_rng(2)
    in_float64(layer, rng)
    x = rng.normal(size=(STEPS, BATCH, FEATURES))
    # Only real steps weigh in the loss, as pooling sees to in a network.
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


def test_gradient_of_embedding_sums_over_equal_tokens() -> None:
    rng = np.random.default_rng(3)
    layer = in_float64(Embedding(7, FEATURES, rng), rng)
    ids = np.array([[1, 2, 1], [5, 1, 0]])
    weights = rng.normal(size=(2, 3, FEATURES))

    def loss() -> float:
        return float((layer.forward(ids, LENGTHS) * weights).sum())

    loss()
    layer.backward(weights)
    ours = layer.grads["embeddings"]
    assert relative_error(ours, numeric_gradient(loss, layer.params["embeddings"])) < 1e-6
    np.testing.assert_array_equal(ours[[3, 4, 6]], 0)
    np.testing.assert_array_equal(layer.touched["embeddings"], [0, 1, 2, 5])

    layer.forward(np.array([[0, 3]]), LENGTHS)
    layer.backward(np.ones((1, 2, FEATURES)))
    np.testing.assert_array_equal(layer.grads["embeddings"][:, 0], [1, 0, 0, 1, 0, 0, 0])

    layer.forward(np.array([[6, 6]]), LENGTHS)
    layer.backward(np.ones((1, 2, FEATURES)))
    np.testing.assert_array_equal(layer.grads["embeddings"], [[0] * FEATURES] * 6 + [[2] * FEATURES])


@pytest.mark.parametrize("shape", [(STEPS, BATCH, FEATURES), (BATCH, FEATURES)])
def test_dropout_in_training(shape: tuple[int, ...]) -> None:
    layer = Dropout(0.4, np.random.default_rng(4))
    x = np.ones(shape)
    y = layer.forward(x, LENGTHS, training=True)
    assert set(np.unique(y)) == {0, 1 / 0.6}
    np.testing.assert_array_equal(layer.backward(x), y)
    if len(shape) == 3:
        np.testing.assert_array_equal(y, np.broadcast_to(y[0], shape))


def test_dropout_keeps_the_expected_value_and_rests_outside_training() -> None:
    layer = Dropout(0.25, np.random.default_rng(5))
    x = np.ones((1000, 50))
    assert layer.forward(x, LENGTHS, training=True).mean() == pytest.approx(1, abs=0.02)
    assert layer.forward(x, LENGTHS) is x
    assert layer.backward(x) is x


@pytest.mark.parametrize("cross_entropy", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_gradients_of_losses(cross_entropy: Callable[[Array, Array], tuple[float, Array]]) -> None:
    rng = np.random.default_rng(6)
    logits = rng.normal(size=(BATCH, UNITS)) * 3
    targets = np.eye(UNITS)[[0, 2, 2, 4]]
    _, ours = cross_entropy(logits, targets)
    numeric = numeric_gradient(lambda: cross_entropy(logits, targets)[0], logits)
    assert relative_error(ours, numeric) < 1e-6


@pytest.mark.parametrize("cross_entropy", [sigmoid_cross_entropy, softmax_cross_entropy])
def test_losses_survive_huge_logits(cross_entropy: Callable[[Array, Array], tuple[float, Array]]) -> None:
    logits = np.array([[1e4, -1e4]], dtype=np.float32)
    right, gradient = cross_entropy(logits, np.array([[1, 0]], dtype=np.float32))
    assert right == pytest.approx(0, abs=1e-6)
    assert np.abs(gradient).max() < 1e-6
    wrong, gradient = cross_entropy(logits, np.array([[0, 1]], dtype=np.float32))
    assert wrong >= 1e4
    assert np.isfinite(gradient).all()


def test_rnn_by_hand() -> None:
    layer = RNN(1, 1, np.random.default_rng(0))
    layer.params = {
        "kernel": np.array([[2.0]]),
        "recurrent_kernel": np.array([[0.5]]),
        "bias": np.array([0.1]),
    }
    first = np.tanh(2 * 0.3 + 0.1)
    second = np.tanh(2 * -0.2 + 0.5 * first + 0.1)
    y = layer.forward(np.array([[[0.3]], [[-0.2]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [first, second])


def test_lstm_by_hand() -> None:
    """Every weight 1 and no bias: all gates see the same number."""
    layer = LSTM(1, 1, np.random.default_rng(0))
    layer.params = {"kernel": np.ones((1, 4)), "recurrent_kernel": np.ones((1, 4)), "bias": np.zeros(4)}

    def sigmoid(z: float) -> float:
        return float(1 / (1 + np.exp(-z)))

    cell = sigmoid(0.5) * np.tanh(0.5)
    hidden = sigmoid(0.5) * np.tanh(cell)
    z = 0.25 + hidden
    next_cell = sigmoid(z) * cell + sigmoid(z) * np.tanh(z)
    y = layer.forward(np.array([[[0.5]], [[0.25]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [hidden, sigmoid(z) * np.tanh(next_cell)])


def test_gru_by_hand() -> None:
    """Every weight 1 and no bias but the state's, 0.5, which the reset gate scales within the candidate."""
    layer = GRU(1, 1, np.random.default_rng(0))
    layer.params = {
        "kernel": np.ones((1, 3)),
        "recurrent_kernel": np.ones((1, 3)),
        "bias": np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 0.5]]),
    }

    def sigmoid(z: float) -> float:
        return float(1 / (1 + np.exp(-z)))

    first = (1 - sigmoid(0.3)) * np.tanh(0.3 + sigmoid(0.3) * 0.5)
    gate = sigmoid(-0.2 + first)
    second = gate * first + (1 - gate) * np.tanh(-0.2 + gate * (first + 0.5))
    y = layer.forward(np.array([[[0.3]], [[-0.2]]]), np.array([2]))
    np.testing.assert_allclose(y.ravel(), [first, second])


def test_layer_norm_by_hand() -> None:
    layer = LayerNorm(2, epsilon=0)
    layer.params = {"gamma": np.array([10.0, 2.0]), "beta": np.array([1.0, 0.5])}
    np.testing.assert_allclose(layer.forward(np.array([[[3.0, 7.0]]]), np.array([1])), [[[-9, 2.5]]])


def test_bidirectional_reads_each_sequence_within_its_own_length() -> None:
    rng = np.random.default_rng(7)
    layer = in_float64(Bidirectional(LSTM(FEATURES, UNITS, rng), LSTM(FEATURES, UNITS, rng)), rng)
    x = rng.normal(size=(STEPS, BATCH, FEATURES))
    together = layer.forward(x, LENGTHS)
    for column, length in enumerate(LENGTHS):
        alone = layer.forward(x[:length, column : column + 1], np.array([length]))
        np.testing.assert_allclose(together[:length, column], alone[:, 0], atol=1e-12)


def test_pooling_ignores_padding() -> None:
    x = np.full((3, 2, 1), -5.0)
    x[:2, 0, 0] = [-1, -3]
    x[:, 1, 0] = [4, 0, 2]
    x[2, 0, 0] = 99  # padding of the first column
    np.testing.assert_array_equal(MeanMaxPooling().forward(x, np.array([2, 3])), [[-2, -1], [2, 4]])


def test_pooling_shares_the_gradient_among_equal_maxima() -> None:
    layer = MeanMaxPooling()
    layer.forward(np.array([[[3.0]], [[3.0]], [[1.0]], [[3.0]]]), np.array([3]))
    np.testing.assert_array_equal(layer.backward(np.array([[0.0, 1.0]])).ravel(), [0.5, 0.5, 0, 0])


def test_orthogonal_rows_are_orthonormal() -> None:
    start = orthogonal(np.random.default_rng(0), 8, 32)
    np.testing.assert_allclose(start @ start.T, np.eye(8), atol=1e-6)


def test_an_lstm_starts_with_an_open_forget_gate() -> None:
    """Of the gates i, f, g and o, as Keras has them."""
    bias = LSTM(FEATURES, UNITS, np.random.default_rng(0)).params["bias"]
    np.testing.assert_array_equal(bias.reshape(4, UNITS), [[0] * UNITS, [1] * UNITS, [0] * UNITS, [0] * UNITS])


@pytest.mark.parametrize(
    ("layer", "gates"),
    [(lambda rng: RNN(60, 40, rng), 1), (lambda rng: GRU(60, 40, rng), 3), (lambda rng: LSTM(60, 40, rng), 4)],
)
def test_how_recurrent_layers_start(layer: Callable[[np.random.Generator], Layer], gates: int) -> None:
    """Keras' way: the input's weights uniform by Glorot and Bengio, the state's orthonormal."""
    params = layer(np.random.default_rng(0)).params
    limit = np.sqrt(6 / (60 + gates * 40))
    assert params["kernel"].shape == (60, gates * 40)
    assert 0.98 * limit < params["kernel"].max() <= limit
    assert -limit <= params["kernel"].min() < -0.98 * limit
    assert params["recurrent_kernel"].shape == (40, gates * 40)
    np.testing.assert_allclose(params["recurrent_kernel"] @ params["recurrent_kernel"].T, np.eye(40), atol=1e-5)
    assert {array.dtype for array in params.values()} == {np.dtype(np.float32)}
    other = layer(np.random.default_rng(1)).params
    assert not np.array_equal(params["kernel"], other["kernel"])
    assert not np.array_equal(params["recurrent_kernel"], other["recurrent_kernel"])


def test_how_other_layers_start() -> None:
    embeddings = Embedding(500, 20, np.random.default_rng(0)).params["embeddings"]
    assert embeddings.shape == (500, 20)
    assert 0.49 < embeddings.max() <= 0.5
    assert -0.5 <= embeddings.min() < -0.49
    dense = Dense(30, 20, np.random.default_rng(0)).params
    limit = np.sqrt(6 / 50)
    assert 0.98 * limit < np.abs(dense["kernel"]).max() <= limit
    np.testing.assert_array_equal(dense["bias"], np.zeros(20))
    norm = LayerNorm(3)
    np.testing.assert_array_equal(norm.params["gamma"], np.ones(3))
    np.testing.assert_array_equal(norm.params["beta"], np.zeros(3))
    for plain in (RNN(3, 2, None), GRU(3, 2, None)):
        assert not plain.params["bias"].any()
