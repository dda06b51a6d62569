from dataclasses import replace
from pathlib import Path

import pytest

from classifiers.nn.arrays import Array
from classifiers.training.history import Epoch, Training
from classifiers.training.loop import fit
from tests.classifiers.training.counting import EXAMPLES, ORIGIN, SCORES, Counter, judge, recipe


def test_network_ends_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    network, told = Counter(), list[Epoch]()
    training = fit(network, EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c", on_epoch=told.append)
    assert [epoch.score for epoch in training.epochs] == SCORES
    assert training.epochs[0].loss == 1.0
    assert training.best_epoch.number == 4
    assert network.weight[0] == 4
    assert told == training.epochs
    assert not training.interrupted


def test_resume_after_ctrl_c_ends_like_an_uninterrupted_training(tmp_path: Path) -> None:
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


@pytest.mark.parametrize("stopped_at", [1, 2, 3])
def test_ctrl_c_while_copying_the_state_discards_that_epoch(stopped_at: int, tmp_path: Path) -> None:
    """Its weights may be incomplete, so they must not be written as those of the epoch before."""

    class StoppedInState(Counter):
        def state(self) -> dict[str, Array]:
            if self.weight[0] == stopped_at:
                raise KeyboardInterrupt
            return super().state()

    network = StoppedInState()
    training = fit(network, EXAMPLES, EXAMPLES, recipe(60), judge, ORIGIN, tmp_path / "c")
    assert training.interrupted
    assert len(training.epochs) == stopped_at - 1
    assert bool(training.best) == bool(training.epochs)

    resumed = Counter(stop_in=5)
    training = fit(resumed, EXAMPLES, EXAMPLES, recipe(60), judge, ORIGIN, tmp_path / "c")
    assert [epoch.score for epoch in training.epochs] == SCORES[:4]
    assert training.best["weight"][0] == training.best_epoch.number == 4


def test_ctrl_c_in_the_first_epoch_leaves_no_checkpoint(tmp_path: Path) -> None:
    training = fit(Counter(stop_in=1), EXAMPLES, EXAMPLES, recipe(5), judge, ORIGIN, tmp_path / "c")
    assert training.interrupted
    assert not training.epochs
    assert not training.best


def test_dev_chooses_only_among_settled_epochs(tmp_path: Path) -> None:
    """Epoch 4 has the lowest loss of all, epoch 5 the lowest of the settled ones."""
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
def test_training_ends_after_patience_epochs_without_improvement(
    settled: int, patience: int | None, epochs: int, tmp_path: Path
) -> None:
    patient = replace(recipe(5), settled=settled, patience=patience)
    training = fit(Counter(), EXAMPLES, EXAMPLES, patient, judge, ORIGIN, tmp_path / "c")
    assert len(training.epochs) == epochs
    assert not training.interrupted

    again = fit(Counter(), EXAMPLES, EXAMPLES, patient, judge, ORIGIN, tmp_path / "c")
    assert again.epochs == training.epochs


class TestManyEpochs:
    """Epochs that are not written one by one."""

    recipe = recipe(100)

    def _judge(self, logits: Array, targets: Array) -> tuple[float, float]:
        del targets
        return abs(float(logits[0]) - 53), 0.5  # epoch 53 is the best

    def _fit(self, network: Counter, folder: Path) -> Training:
        return fit(network, EXAMPLES, EXAMPLES, self.recipe, self._judge, ORIGIN, folder)

    def test_resume_after_ctrl_c_continues_at_the_last_epoch(self, tmp_path: Path) -> None:
        assert len(self._fit(Counter(stop_in=58), tmp_path).epochs) == 57
        assert {path.name for path in tmp_path.glob("*.safetensors")} == {
            "epoch-53.safetensors",
            "epoch-57.safetensors",
        }
        network = Counter()
        assert len(self._fit(network, tmp_path).epochs) == 100
        assert network.weight[0] == 53

    def test_resume_after_a_kill_continues_at_the_last_written_epoch(self, tmp_path: Path) -> None:
        def killed(epoch: Epoch) -> None:
            if epoch.number == 58:
                raise SystemExit

        with pytest.raises(SystemExit):
            fit(Counter(), EXAMPLES, EXAMPLES, self.recipe, self._judge, ORIGIN, tmp_path, on_epoch=killed)
        resumed = Counter(stop_in=56)
        training = self._fit(resumed, tmp_path)
        assert len(training.epochs) == 55
        assert resumed.weight[0] == training.best_epoch.number == 53
