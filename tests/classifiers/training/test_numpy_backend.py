import numpy as np
import pytest

from classifiers.nn import network
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.text import Tokenizer
from classifiers.training.datasets import load_dataset
from classifiers.training.numpy_backend import Trainer
from classifiers.training.recipes import Recipe


@pytest.fixture(scope="module")
def phrases() -> Examples:
    dataset = load_dataset("builtin")
    tokenizer = Tokenizer.fit(dataset.train.texts, 100, 1, 16)
    return Examples([tokenizer.encode(text) for text in dataset.train.texts], dataset.train.targets)


def recipe(epochs: int) -> Recipe:
    return Recipe(epochs, 8, 1e-2, embedding=16, dropout=0.0, word_dropout=0.0, weight_decay=0.0)


@pytest.mark.parametrize(("kind", "epochs"), (dict.fromkeys(network.KINDS, 40) | {"bilstm": 20}).items())
def test_training_learns_the_builtin_phrases(kind: str, epochs: int, phrases: Examples) -> None:
    net = network.build(kind, 60, 16, 2, np.random.default_rng(0), units=16)
    trainer = Trainer(net, recipe(epochs), multi_label=False)
    first = sum(trainer.train_epoch(phrases, 1)) / 7
    for number in range(2, epochs + 1):
        list(trainer.train_epoch(phrases, number))
    last, _ = softmax_cross_entropy(trainer.logits(phrases.sequences), phrases.targets)
    assert first > 0.5
    assert last < 0.02


def test_the_same_seed_gives_the_same_weights(phrases: Examples) -> None:
    def trained(seed: int) -> dict[str, np.ndarray]:
        plan = Recipe(2, 8, 3e-3, 16, dropout=0.3, word_dropout=0.1, weight_decay=0.01, seed=seed)
        net = network.build("rnn", 60, 16, 2, np.random.default_rng(seed), plan.dropout)
        trainer = Trainer(net, plan, multi_label=False)
        for number in (1, 2):
            list(trainer.train_epoch(phrases, number))
        return net.params

    first, again, other = trained(1), trained(1), trained(2)
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["2.kernel"], other["2.kernel"])


def test_training_from_a_restored_state_equals_an_uninterrupted_one(phrases: Examples) -> None:
    plan = Recipe(4, 8, 3e-3, 16, dropout=0.3, word_dropout=0.1, weight_decay=0.01)

    def fresh() -> Trainer:
        return Trainer(network.build("rnn", 60, 16, 2, np.random.default_rng(0), plan.dropout), plan, multi_label=False)

    whole, half, rest = fresh(), fresh(), fresh()
    for number in (1, 2):
        list(whole.train_epoch(phrases, number))
        list(half.train_epoch(phrases, number))
    rest.restore(half.state())
    for number in (3, 4):
        list(whole.train_epoch(phrases, number))
        list(rest.train_epoch(phrases, number))
    for name, array in whole.network.params.items():
        np.testing.assert_array_equal(rest.network.params[name], array)


def test_the_state_of_another_framework_is_refused() -> None:
    net = network.build("rnn", 60, 16, 2, np.random.default_rng(0))
    state = {f"network/{name}": array for name, array in net.params.items()} | {"optimizer/0": np.zeros(1)}
    with pytest.raises(ValueError, match="another framework"):
        Trainer(net, recipe(1), multi_label=False).restore(state)


@pytest.mark.parametrize("change", [{"optimizer/2.bias.mean": np.zeros(3)}, {"optimizer/steps": np.zeros(2)}])
def test_moments_of_another_shape_are_refused(change: dict[str, Array], phrases: Examples) -> None:
    trainer = Trainer(network.build("rnn", 60, 16, 2, np.random.default_rng(0)), recipe(1), multi_label=False)
    list(trainer.train_epoch(phrases, 1))
    with pytest.raises(ValueError, match="another framework"):
        trainer.restore(trainer.state() | change)


def test_the_state_of_an_earlier_optimizer_is_refused() -> None:
    """Earlier, Adam stored the second moment itself, not its root."""
    trainer = Trainer(network.build("rnn", 60, 16, 2, np.random.default_rng(0)), recipe(1), multi_label=False)
    state = trainer.state()
    state["optimizer/0.embeddings.square"] = np.zeros((60, 16), np.float32)
    with pytest.raises(ValueError, match="earlier version"):
        trainer.restore(state)
