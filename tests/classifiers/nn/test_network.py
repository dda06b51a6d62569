"""Each kind of network as a whole: gradients, padding, loading."""

import numpy as np
import pytest

from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, pad
from classifiers.nn.losses import sigmoid_cross_entropy
from classifiers.nn.network import Network

KINDS = list(network.KINDS)


def with_large_weights(kind: str, dtype: type[np.floating]) -> Network:
    """Return a network with weights large enough for every gate to matter."""
    rng = np.random.default_rng(0)
    built = network.build(kind, 30, 8, 4, rng)
    built.load({name: rng.normal(0, 0.3, array.shape).astype(dtype) for name, array in built.params.items()})
    return built


def some_batch() -> Batch:
    rng = np.random.default_rng(1)
    return pad([rng.integers(2, 30, length).tolist() for length in (1, 3, 7, 7, 5)])


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_of_whole_networks_match_central_differences(kind: str) -> None:
    """A few elements of every parameter; layers/test_layer.py checks all elements of each layer."""
    net, batch = with_large_weights(kind, np.float64), some_batch()
    rng = np.random.default_rng(2)
    targets = (rng.random((5, 4)) < 0.4).astype(np.float64)
    _, d_logits = sigmoid_cross_entropy(net.forward(batch), targets)
    net.backward(d_logits)
    grads = {name: gradient.copy() for name, gradient in net.grads.items()}
    assert grads.keys() == net.params.keys()
    for name, array in net.params.items():
        # Only rows of words in the batch; for the others an embedding's check would compare zero with zero.
        rows = batch.ids[0] if name == "0.embeddings" else rng.integers(len(array), size=5)
        places = [(int(row), *(int(rng.integers(size)) for size in array.shape[1:])) for row in rows]
        numeric = []
        for place in places:
            kept = array[place]
            array[place] = kept + 1e-5
            above, _ = sigmoid_cross_entropy(net.forward(batch), targets)
            array[place] = kept - 1e-5
            below, _ = sigmoid_cross_entropy(net.forward(batch), targets)
            array[place] = kept
            numeric.append((above - below) / 2e-5)
        ours = np.array([grads[name][place] for place in places])
        error = np.linalg.norm(ours - numeric) / (np.linalg.norm(ours) + np.linalg.norm(numeric))
        assert error < 1e-6, name


@pytest.mark.parametrize("kind", KINDS)
def test_index_of_the_last_layer_is_known_before_the_network_is_built(kind: str) -> None:
    assert network.KINDS[kind].output == len(with_large_weights(kind, np.float32).layers) - 1


@pytest.mark.parametrize("kind", KINDS)
def test_answer_does_not_depend_on_padding_or_other_texts_in_the_batch(kind: str) -> None:
    net = with_large_weights(kind, np.float64)
    sequences = [[3, 4, 5, 6, 7, 8], [9], [10, 11, 12]]
    together = net.logits(sequences)
    for row, sequence in enumerate(sequences):
        np.testing.assert_allclose(together[row], net.forward(pad([sequence]))[0], atol=1e-12)


def test_loading_weights_of_another_shape_is_refused() -> None:
    net = network.build("rnn", 30, 8, 4, np.random.default_rng(0))
    with pytest.raises(ValueError, match=r"do not fit this network: 0\.embeddings is \(31, 8\), not \(30, 8\)"):
        net.load(network.build("rnn", 31, 8, 4, np.random.default_rng(0)).params)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"2.bias": None}, r"2\.bias is missing, not \(128,\)"),
        ({"9.bias": np.zeros(3, np.float32)}, r"9\.bias is \(3,\), not known"),
        ({"2.bias": np.zeros(128, np.int8)}, r"2\.bias is of int8, not of floats"),
    ],
)
def test_loading_missing_unknown_or_integer_weights_is_refused(change: dict[str, Array | None], why: str) -> None:
    net = network.build("rnn", 30, 8, 4, np.random.default_rng(0))
    arrays = {name: array for name, array in (net.params | change).items() if array is not None}
    with pytest.raises(ValueError, match=why):
        net.load(arrays)
