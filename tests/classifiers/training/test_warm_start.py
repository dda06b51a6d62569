"""Networks that start from the weights of a small model directory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from classifiers.errors import ClassifiersError, MissingExtraError
from classifiers.model_directory import FILES, load_models, load_network
from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import UNKNOWN, pad
from classifiers.onnx_runtime import load_onnx
from classifiers.training.onnx_export import float_graph, read_bilstm
from classifiers.training.recipes import TINY
from classifiers.training.warm_start import check_start, load_initial_weights, read_weights

LABELS = ("joy", "sadness", "neutral")
EMBEDDING = 4


def untrained(name: str, words: int) -> network.Network:
    return network.build(name, words + 2, EMBEDDING, len(LABELS), np.random.default_rng(5))


@pytest.mark.parametrize("name", ["rnn", "bilstm"])
def test_warm_start_keeps_the_answers_with_a_reordered_vocabulary(small_models: Path, name: str) -> None:
    words = load_models(small_models)[name].tokenizer.words
    moved = ("new", *reversed(words[:-1]))  # one word is new, and one is gone
    net = untrained(name, len(moved))
    load_initial_weights(small_models, name, net, moved)
    text = words[:3]
    run = load_network(name, small_models)
    if name == "bilstm":  # the same weights, but computed with in floats, as the new network does
        run = load_onnx(float_graph(read_bilstm(small_models / FILES[name])).SerializeToString())
    before = run(pad([[UNKNOWN, *(2 + words.index(word) for word in text)]]))
    after = net.forward(pad([[UNKNOWN, *(2 + moved.index(word) for word in text)]]))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_new_words_get_vectors_predicted_from_the_teacher(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = load_models(small_models)["rnn"].tokenizer.words
    old = network_vectors(small_models)
    # Vectors from which the directory's differ by a factor and a constant, and a new word half-way between two of them.
    teacher = 2 * old + 1
    vectors = np.concatenate([teacher, [(teacher[0] + teacher[1]) / 2]])
    monkeypatch.setattr("classifiers.training.warm_start.RIDGE", 1e-6)
    net = untrained("rnn", len(words) + 1)
    load_initial_weights(small_models, "rnn", net, (*words, "new"), vectors)
    np.testing.assert_allclose(net.params["0.embeddings"][-1], (old[0] + old[1]) / 2, atol=1e-3)


def test_new_words_without_a_teacher_keep_their_random_vectors(small_models: Path) -> None:
    words = load_models(small_models)["rnn"].tokenizer.words
    net = untrained("rnn", len(words) + 1)
    random = net.params["0.embeddings"][-1].copy()
    load_initial_weights(small_models, "rnn", net, (*words, "new"))
    np.testing.assert_array_equal(net.params["0.embeddings"][-1], random)


def test_missing_onnx_package_is_reported_in_one_sentence(small_models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(MissingExtraError, match=r"^Reading the BiLSTM needs more packages"):
        read_weights("bilstm", small_models)


def test_vocabulary_without_a_known_word_still_gets_the_other_weights(small_models: Path) -> None:
    net = untrained("rnn", 1)
    load_initial_weights(small_models, "rnn", net, ("new",), np.ones((1, 3), np.float32))
    old = load_file(small_models / FILES["rnn"])
    np.testing.assert_array_equal(net.params["0.embeddings"][:2], old["0.embeddings"][:2])
    np.testing.assert_array_equal(net.params["2.kernel"], old["2.kernel"])


@pytest.mark.parametrize(
    ("name", "embedding", "labels", "why"),
    [
        ("gru", EMBEDDING, LABELS, r"has no GRU to start from: choose other models with --model\.$"),
        ("rnn", EMBEDDING, ("nice", "toxic", "neutral"), r"have other labels than this data set: leave --start out\.$"),
        ("rnn", 6, LABELS, r"have 4 features: give --embedding 4\.$"),
    ],
)
def test_unusable_models_for_a_warm_start_are_refused(
    small_models: Path, name: str, embedding: int, labels: tuple[str, ...], why: str
) -> None:
    check_start(small_models, {"rnn": replace(TINY["rnn"], embedding=EMBEDDING)}, LABELS)
    with pytest.raises(ClassifiersError, match=why):
        check_start(small_models, {name: replace(TINY[name], embedding=embedding)}, labels)


def network_vectors(directory: Path) -> Array:
    """Return the word vectors of a model directory, without those of padding and unknown words."""
    net = untrained("rnn", len(load_models(directory)["rnn"].tokenizer.words))
    load_initial_weights(directory, "rnn", net, load_models(directory)["rnn"].tokenizer.words)
    return net.params["0.embeddings"][2:]
