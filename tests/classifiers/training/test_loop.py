from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

from classifiers.nn.arrays import Array
from classifiers.training.history import Epoch, History
from classifiers.training.loop import Job, fit
from tests.classifiers.training.counting import SCORES, Counter, EpochCallback, job, recipe


def test_network_ends_with_the_weights_of_its_best_epoch(tmp_path: Path) -> None:
    network, reported = Counter(), list[Epoch]()
    history = fit(network, job(tmp_path / "c", recipe(5)), EpochCallback(reported.append))
    assert [epoch.score for epoch in history.epochs] == SCORES
    assert history.epochs[0].loss == 1.0
    assert history.best_epoch.number == 4
    assert network.weight[0] == 4
    assert reported == history.epochs
    assert not history.interrupted


def test_seconds_of_each_epoch_are_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(perf_counter=count(100.0, 5).__next__)
    monkeypatch.setattr("classifiers.training.loop.time", clock)
    history = fit(Counter(), job(tmp_path / "c", recipe(2)))
    assert [epoch.seconds for epoch in history.epochs] == [5, 5]


def test_resume_after_ctrl_c_ends_like_an_uninterrupted_run(tmp_path: Path) -> None:
    stopped = Counter(stop_in=4)
    history = fit(stopped, job(tmp_path / "c", recipe(5)))
    assert history.interrupted
    assert len(history.epochs) == 3
    assert stopped.weight[0] == 2

    resumed = Counter()
    history = fit(resumed, job(tmp_path / "c", recipe(5)))
    assert [epoch.number for epoch in history.epochs] == [1, 2, 3, 4, 5]
    assert history.best_epoch.number == 4
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
    history = fit(network, job(tmp_path / "c", recipe(60)))
    assert history.interrupted
    assert len(history.epochs) == stopped_at - 1
    assert bool(history.best_state) == bool(history.epochs)

    resumed = Counter(stop_in=5)
    history = fit(resumed, job(tmp_path / "c", recipe(60)))
    assert [epoch.score for epoch in history.epochs] == SCORES[:4]
    assert history.best_state["weight"][0] == history.best_epoch.number == 4


def test_ctrl_c_in_the_first_epoch_leaves_no_checkpoint(tmp_path: Path) -> None:
    history = fit(Counter(stop_in=1), job(tmp_path / "c", recipe(5)))
    assert history.interrupted
    assert not history.epochs
    assert not history.best_state


def test_dev_chooses_only_among_settled_epochs(tmp_path: Path) -> None:
    """Epoch 4 has the lowest loss of all, epoch 5 the lowest of the settled ones."""
    network = Counter()
    history = fit(network, job(tmp_path / "c", replace(recipe(5), settled=5)))
    assert history.best_epoch.number == network.weight[0] == 5


def test_without_a_settled_epoch_the_best_of_all_is_kept(tmp_path: Path) -> None:
    network = Counter()
    history = fit(network, job(tmp_path / "c", replace(recipe(3), settled=5)))
    assert history.best_epoch.number == network.weight[0] == 2


@pytest.mark.parametrize(
    ("settled", "patience", "epochs"),
    [
        (1, 1, 3),  # epoch 3 is no better than epoch 2
        (1, 2, 5),  # epoch 4 is better than epoch 2
        (4, 1, 5),
        (5, 1, 5),
        (1, None, 5),
    ],
)
def test_training_ends_after_patience_epochs_without_improvement(
    settled: int, patience: int | None, epochs: int, tmp_path: Path
) -> None:
    patient = replace(recipe(5), settled=settled, patience=patience)
    history = fit(Counter(), job(tmp_path / "c", patient))
    assert len(history.epochs) == epochs
    assert not history.interrupted

    again = fit(Counter(), job(tmp_path / "c", patient))
    assert again.epochs == history.epochs


class TestManyEpochs:
    """Not every epoch is written."""

    recipe = recipe(100)

    def _evaluate(self, logits: Array, targets: Array) -> tuple[float, float]:
        del targets
        return abs(float(logits[0]) - 53), 0.5  # epoch 53 is the best

    def _job(self, folder: Path) -> Job:
        return replace(job(folder, self.recipe), evaluate=self._evaluate)

    def _fit(self, network: Counter, folder: Path) -> History:
        return fit(network, self._job(folder))

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
        def kill_after(epoch: Epoch) -> None:
            if epoch.number == 58:
                raise SystemExit

        with pytest.raises(SystemExit):
            fit(Counter(), self._job(tmp_path), EpochCallback(kill_after))
        resumed = Counter(stop_in=56)
        history = self._fit(resumed, tmp_path)
        assert len(history.epochs) == 55
        assert resumed.weight[0] == history.best_epoch.number == 53
