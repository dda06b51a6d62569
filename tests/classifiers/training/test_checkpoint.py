import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from classifiers.errors import CheckpointError
from classifiers.nn.arrays import Array
from classifiers.training.checkpoint import FORMAT, delete_checkpoint, has_only_checkpoint_files, is_checkpoint
from classifiers.training.history import Epoch
from classifiers.training.loop import fit
from classifiers.training.origin import Origin
from tests.classifiers.training.counting import ORIGIN, Counter, EpochCallback, job, recipe


def test_only_the_last_and_the_best_weights_are_kept(tmp_path: Path) -> None:
    folder = tmp_path / "not" / "there" / "yet"
    fit(Counter(), job(folder, recipe(5)))
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["epoch-4.safetensors", "epoch-5.safetensors", "history.json"]


def test_checkpoint_survives_an_interrupted_write_of_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A kill or a full disk, while the best weights are written, which both checkpoints share."""

    def killed(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[: len(content) // 2])
        raise SystemExit

    def kill_after(epoch: Epoch) -> None:
        if epoch.number == 2:
            monkeypatch.setattr(Path, "write_bytes", killed)

    with pytest.raises(SystemExit):
        fit(Counter(), job(tmp_path / "c", recipe(5)), EpochCallback(kill_after))
    monkeypatch.undo()
    network = Counter()
    history = fit(network, job(tmp_path / "c", recipe(5)))
    assert len(history.epochs) == 5
    assert network.weight[0] == history.best_epoch.number == 4
    assert not list((tmp_path / "c").glob("*.partial"))


def test_checkpoint_of_another_recipe_is_refused(tmp_path: Path) -> None:
    fit(Counter(stop_in=3), job(tmp_path / "c", recipe(5, seed=7)))
    with pytest.raises(CheckpointError, match="started with seed 7: continue with the same, or start"):
        fit(Counter(), job(tmp_path / "c", recipe(5, seed=8)))


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (Origin("d2", "t1", "numpy"), r"other data \(the file, its columns or its split\)"),
        (Origin("d1", "t2", "numpy"), "another vocabulary"),
        (Origin("d1", "t2", "keras"), "another vocabulary, another framework"),
    ],
)
def test_checkpoint_of_another_origin_is_refused(other: Origin, named: str, tmp_path: Path) -> None:
    fit(Counter(stop_in=3), job(tmp_path / "c", recipe(5)))
    with pytest.raises(CheckpointError, match=f"was started with {named}: continue with the same, or start again"):
        fit(Counter(), job(tmp_path / "c", recipe(5), origin=other))


def test_delete_checkpoint_deletes_only_files_of_the_checkpoint(tmp_path: Path) -> None:
    fit(Counter(), job(tmp_path / "c", recipe(5)))
    theirs = tmp_path / "c" / "epoch-best.safetensors"
    theirs.write_text("theirs")
    assert is_checkpoint(tmp_path / "c")
    delete_checkpoint(tmp_path / "c")
    assert list((tmp_path / "c").iterdir()) == [theirs]
    assert not is_checkpoint(tmp_path / "c")
    theirs.unlink()
    delete_checkpoint(tmp_path / "c")
    assert not (tmp_path / "c").exists()


def test_only_a_folder_without_other_files_has_only_checkpoint_files(tmp_path: Path) -> None:
    assert not has_only_checkpoint_files(tmp_path / "c"), "it does not exist"
    fit(Counter(stop_in=2), job(tmp_path / "c", recipe(5)))
    assert has_only_checkpoint_files(tmp_path / "c")
    (tmp_path / "c" / "epoch-best.safetensors").touch()
    assert not has_only_checkpoint_files(tmp_path / "c")


def test_interrupted_deletion_leaves_no_damaged_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fit(Counter(stop_in=3), job(tmp_path / "c", recipe(5)))
    unlink, deleted = Path.unlink, list[str]()

    def killed_at_the_second(path: Path, missing_ok: bool = False) -> None:
        if deleted:
            raise SystemExit
        deleted.append(path.name)
        unlink(path, missing_ok)

    monkeypatch.setattr(Path, "unlink", killed_at_the_second)
    monkeypatch.setattr(Path, "iterdir", lambda folder: iter(sorted(folder.glob("*"))))  # a fixed order
    with pytest.raises(SystemExit):
        delete_checkpoint(tmp_path / "c")
    assert not is_checkpoint(tmp_path / "c")


def test_saving_deletes_no_other_files(tmp_path: Path) -> None:
    (tmp_path / "epoch-of-ours.safetensors").write_text("theirs")
    fit(Counter(), job(tmp_path, recipe(5)))
    assert (tmp_path / "epoch-of-ours.safetensors").read_text() == "theirs"


def test_damaged_last_weights_are_refused(tmp_path: Path) -> None:
    fit(Counter(stop_in=3), job(tmp_path / "c", recipe(5)))
    (tmp_path / "c" / "epoch-2.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="damaged: start again"):
        fit(Counter(), job(tmp_path / "c", recipe(5)))


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
def test_damaged_history_is_refused(history: bytes | str, tmp_path: Path) -> None:
    fit(Counter(stop_in=2), job(tmp_path / "c", recipe(5)))
    (tmp_path / "c" / "history.json").write_bytes(history if isinstance(history, bytes) else history.encode())
    with pytest.raises(CheckpointError, match="is damaged: start again with --overwrite"):
        fit(Counter(), job(tmp_path / "c", recipe(5)))


def test_unreadable_history_is_refused(tmp_path: Path) -> None:
    (tmp_path / "c" / "history.json").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="cannot be read: Is a directory"):
        fit(Counter(), job(tmp_path / "c", recipe(5)))


def test_damaged_best_weights_are_refused_before_resuming(tmp_path: Path) -> None:
    fit(Counter(stop_in=4), job(tmp_path / "c", recipe(5)))
    save_file({"other": np.zeros(1)}, tmp_path / "c" / "epoch-2.safetensors")
    with pytest.raises(CheckpointError, match="damaged: start again"):
        fit(Counter(), job(tmp_path / "c", recipe(5)))


def test_weights_that_the_network_refuses_are_reported(tmp_path: Path) -> None:
    """PyTorch raises a RuntimeError where NumPy raises a ValueError."""

    class Refusing(Counter):
        def restore(self, state: dict[str, Array]) -> None:
            del state
            raise RuntimeError("The size of tensor a must match the size of tensor b")

    fit(Counter(stop_in=3), job(tmp_path / "c", recipe(5)))
    with pytest.raises(CheckpointError, match="damaged: start again"):
        fit(Refusing(), job(tmp_path / "c", recipe(5)))
