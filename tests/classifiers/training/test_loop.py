"""The loop with a network that is easy to foresee: its only weight counts the epochs."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from classifiers.calibration import probabilities
from classifiers.errors import CheckpointError
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Examples
from classifiers.training.loop import FORMAT, Epoch, Recipe, Training, discard, fit, is_checkpoint, prior_bias
from classifiers.training.origin import Origin

EXAMPLES = Examples([[2]], np.ones((1, 1)))
LOSSES = [0.5, 0.3, 0.4, 0.2, 0.25]
SCORES = [0.1, 0.5, 0.3, 0.4, 0.2]
ORIGIN = Origin(data="d1", tokens="t1", framework="numpy")


class Counter:
    """A `Trainable` that is at epoch n after epoch n, and can be told to be stopped in one."""

    def __init__(self, stop_in: int | None = None) -> None:
        self.weight = np.zeros(1)
        self.stop_in = stop_in

    def train_epoch(self, examples: Examples, number: int) -> Iterator[float]:
        assert examples is EXAMPLES
        yield 2.0 / number
        if number == self.stop_in:
            raise KeyboardInterrupt
        self.weight[0] += 1
        yield 0.0

    def logits(self, sequences: Sequence[Sequence[int]]) -> Array:
        del sequences
        return self.weight

    def state(self) -> dict[str, Array]:
        return {"weight": self.weight.copy()}

    def restore(self, state: dict[str, Array]) -> None:
        self.weight = state["weight"].copy()


def judge(logits: Array, targets: Array) -> tuple[float, float]:
    """Epoch 4 has the lowest loss, and epoch 2 the highest score, by luck."""
    del targets
    epoch = int(logits[0])
    return LOSSES[epoch - 1], SCORES[epoch - 1]


def recipe(epochs: int, seed: int = 0) -> Recipe:
    return Recipe(epochs, 8, 1e-3, 4, dropout=0, word_dropout=0, weight_decay=0, seed=seed)


def test_base_logits_predict_the_base_rates() -> None:
    targets = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 0, 0]], dtype=np.float32)
    rates = probabilities(prior_bias(targets, multi_label=True)[None], 1.0, multi_label=True)
    np.testing.assert_allclose(rates, [[0.6, 0.4, 0.1]], atol=1e-6)  # half a row for a label never seen
    shares = probabilities(prior_bias(targets[:, :2], multi_label=False)[None], 1.0, multi_label=False)
    np.testing.assert_allclose(shares, [[0.6, 0.4]], atol=1e-6)


def test_the_network_ends_at_its_best_epoch(tmp_path: Path) -> None:
    network, told = Counter(), list[Epoch]()
    training = fit(network, EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c", on_epoch=told.append)
    assert [epoch.score for epoch in training.epochs] == SCORES
    assert training.epochs[0].loss == 1.0
    assert training.best_epoch.number == 4
    assert network.weight[0] == 4
    assert told == training.epochs
    assert not training.interrupted


def test_ctrl_c_keeps_the_best_so_far_and_resume_ends_the_same(tmp_path: Path) -> None:
    stopped = Counter(stop_in=4)
    training = fit(stopped, EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    assert training.interrupted
    assert len(training.epochs) == 3
    assert stopped.weight[0] == 2

    resumed = Counter()
    training = fit(resumed, EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    assert [epoch.number for epoch in training.epochs] == [1, 2, 3, 4, 5]
    assert training.best_epoch.number == 4
    assert resumed.weight[0] == 4


def test_ctrl_c_in_the_first_epoch_leaves_nothing(tmp_path: Path) -> None:
    training = fit(Counter(stop_in=1), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    assert training.interrupted
    assert not training.epochs
    assert not training.best


def test_dev_chooses_only_among_settled_epochs(tmp_path: Path) -> None:
    """Epoch 4 has the lowest loss of all, epoch 5 of those that count."""
    network = Counter()
    training = fit(network, EXAMPLES, EXAMPLES, replace(recipe(5), settled=5), judge, ORIGIN, tmp_path / "c")
    assert training.best_epoch.number == network.weight[0] == 5


def test_without_a_settled_epoch_the_best_of_all_is_kept(tmp_path: Path) -> None:
    network = Counter()
    training = fit(network, EXAMPLES, EXAMPLES, replace(recipe(3), settled=5), judge, ORIGIN, tmp_path / "c")
    assert training.best_epoch.number == network.weight[0] == 2


@pytest.mark.parametrize(
    ("settled", "patience", "epochs"),
    [
        (1, 1, 3),  # epoch 3 is no better than 2
        (1, 2, 5),  # 4 is
        (4, 1, 5),
        (5, 1, 5),
        (1, None, 5),
    ],
)
def test_a_training_ends_when_its_patience_does(
    settled: int, patience: int | None, epochs: int, tmp_path: Path
) -> None:
    patient = replace(recipe(5), settled=settled, patience=patience)
    training = fit(Counter(), EXAMPLES, EXAMPLES, patient, judge, ORIGIN, tmp_path / "c")
    assert len(training.epochs) == epochs
    assert not training.interrupted

    again = fit(Counter(), EXAMPLES, EXAMPLES, patient, judge, ORIGIN, tmp_path / "c")
    assert again.epochs == training.epochs


def test_only_the_last_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    names = sorted(path.name for path in (tmp_path / "c").iterdir())
    assert names == ["epoch-4.safetensors", "epoch-5.safetensors", "history.json"]


class TestManyEpochs:
    """Which are not written one by one."""

    recipe = recipe(100)

    def _judge(self, logits: Array, targets: Array) -> tuple[float, float]:
        del targets
        return abs(float(logits[0]) - 53), 0.5  # epoch 53 is the best

    def _fit(self, network: Counter, folder: Path) -> Training:
        return fit(network, EXAMPLES, EXAMPLES, self.recipe, self._judge, ORIGIN, folder)

    def test_after_ctrl_c_go_on_where_they_were(self, tmp_path: Path) -> None:
        assert len(self._fit(Counter(stop_in=58), tmp_path).epochs) == 57
        assert {path.name for path in tmp_path.glob("*.safetensors")} == {
            "epoch-53.safetensors",
            "epoch-57.safetensors",
        }
        network = Counter()
        assert len(self._fit(network, tmp_path).epochs) == 100
        assert network.weight[0] == 53

    def test_after_a_kill_go_on_where_they_were_written_last(self, tmp_path: Path) -> None:
        def killed(epoch: Epoch) -> None:
            if epoch.number == 58:
                raise SystemExit

        with pytest.raises(SystemExit):
            fit(Counter(), EXAMPLES, EXAMPLES, self.recipe, self._judge, ORIGIN, tmp_path, on_epoch=killed)
        resumed = Counter(stop_in=56)
        training = self._fit(resumed, tmp_path)
        assert len(training.epochs) == 55
        assert resumed.weight[0] == training.best_epoch.number == 53


def test_another_recipe_is_not_gone_on_with(tmp_path: Path) -> None:
    fit(Counter(stop_in=3), EXAMPLES, EXAMPLES, recipe(5, seed=7), judge, ORIGIN, tmp_path / "c")
    with pytest.raises(CheckpointError, match="begun with seed 7: go on with the same, or start"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5, seed=8), judge, ORIGIN, tmp_path / "c")


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Origin("d2", "t1", "numpy"), r"other data \(the file, its columns or its split\)"),
        (Origin("d1", "t2", "numpy"), "another vocabulary"),
        (Origin("d1", "t2", "keras"), "another vocabulary, another framework"),
    ],
)
def test_what_began_with_something_else_is_not_gone_on_with(other: Origin, named: str, tmp_path: Path) -> None:
    fit(Counter(stop_in=3), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    with pytest.raises(CheckpointError, match=f"was begun with {named}: go on with the same, or start anew"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, other, tmp_path / "c")


def test_discarding_deletes_what_training_wrote_and_nothing_else(tmp_path: Path) -> None:
    fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    theirs = tmp_path / "c" / "epoch-best.safetensors"
    theirs.write_text("theirs")
    assert is_checkpoint(tmp_path / "c")
    discard(tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == [theirs]
    assert not is_checkpoint(tmp_path / "c")
    theirs.unlink()
    discard(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_training_deletes_no_weights_of_others(tmp_path: Path) -> None:
    (tmp_path / "epoch-of-ours.safetensors").write_text("theirs")
    fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path)
    assert (tmp_path / "epoch-of-ours.safetensors").read_text() == "theirs"


def test_a_damaged_checkpoint_is_told_in_a_sentence(tmp_path: Path) -> None:
    fit(Counter(stop_in=3), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    (tmp_path / "c" / "epoch-2.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="damaged: start anew"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")


BEGUN = {"format": FORMAT, "origin": asdict(ORIGIN)}
EPOCH = {"number": 1, "loss": 1.0, "dev_loss": 1.0, "score": 0.5, "seconds": 1.0}


@pytest.mark.parametrize(
    "history",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"[" * 100_000,
        b'"history"',
        json.dumps({"recipe": asdict(recipe(5)), "epochs": [EPOCH]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH], "format": "emobot-training-0"}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH], "origin": {"data": "d1"}}),
        json.dumps(BEGUN | {"recipe": [], "epochs": [EPOCH]}),
        json.dumps(BEGUN | {"recipe": {"epochs": 5}, "epochs": [EPOCH]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": []}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": {"1": EPOCH}}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [1, 2]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [{"number": 1}]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH | {"number": "../1"}]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH | {"number": 2}]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH | {"dev_loss": "low"}]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)), "epochs": [EPOCH | {"dev_loss": None}]}),
        json.dumps(BEGUN | {"recipe": asdict(recipe(5)) | {"seed": {}}, "epochs": [EPOCH]}),
    ],
)
def test_a_poisoned_history_is_told_in_a_sentence(history: bytes | str, tmp_path: Path) -> None:
    fit(Counter(stop_in=2), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    (tmp_path / "c" / "history.json").write_bytes(history if isinstance(history, bytes) else history.encode())
    with pytest.raises(CheckpointError, match="is damaged: start anew with --overwrite"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")


def test_a_history_that_cannot_be_read_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "c" / "history.json").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")


def test_damaged_weights_of_the_best_epoch_are_found_before_the_training_goes_on(tmp_path: Path) -> None:
    fit(Counter(stop_in=4), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    save_file({"other": np.zeros(1)}, tmp_path / "c" / "epoch-2.safetensors")
    with pytest.raises(CheckpointError, match="damaged: start anew"):
        fit(Counter(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")


def test_a_network_that_refuses_the_weights_in_its_own_way_is_told_in_a_sentence(tmp_path: Path) -> None:
    """PyTorch raises a RuntimeError where NumPy raises a ValueError."""

    class Refusing(Counter):
        def restore(self, state: dict[str, Array]) -> None:
            del state
            raise RuntimeError("The size of tensor a must match the size of tensor b")

    fit(Counter(stop_in=3), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    with pytest.raises(CheckpointError, match="damaged: start anew"):
        fit(Refusing(), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
