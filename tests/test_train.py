"""The training command as a user calls it, on small things."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import train
from classifiers.__main__ import evaluate
from classifiers.batching import Examples
from classifiers.datasets import load_dataset
from classifiers.model_directory import load_models, read_manifest
from classifiers.network import Trainer


def run(*arguments: object) -> int:
    return train.main([str(argument) for argument in arguments])


def test_both_models_learn_the_builtin_phrases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The promise of `python train.py`, with the very recipes: every test phrase right."""
    out = tmp_path / "models"
    assert run("--out", out) == 0
    shown = capsys.readouterr().out
    assert shown.count("top-1 1.000") == 2
    names = {"manifest.json", "tokenizer.json", "rnn.safetensors", "bilstm.onnx", "bilstm.keras", "report.md"}
    assert names <= {path.name for path in out.iterdir()}
    assert {"training.png", "label_f1.png", "confusion.png"} <= {path.name for path in out.iterdir()}
    assert not (out / "checkpoints").exists()

    manifest = read_manifest(out)
    assert manifest.command == f"python train.py --out {out}"
    assert manifest.dataset == "builtin"
    dataset = load_dataset("builtin")
    assert manifest.dataset_sha256 == dataset.sha256
    for name, model in load_models(out).items():
        metrics = evaluate(model, dataset, dataset.test)
        assert metrics.top1 == metrics.macro_f1 == 1.0, name
        assert manifest.models[name].test["macro_f1"] == 1.0


def test_the_same_seed_gives_the_same_numpy_weights(tmp_path: Path) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("--models", "rnn", "--epochs", 2, "--seed", seed, "--out", tmp_path / folder) == 0
    first, again, other = (load_file(tmp_path / folder / "rnn.safetensors") for folder in "abc")
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["2.kernel"], other["2.kernel"])


def test_a_folder_is_not_overwritten_unasked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    assert run("--models", "rnn", "--epochs", 1, "--out", tmp_path) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r".* exists already: add --overwrite .*--resume .*--out\.\n", error)
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]
    assert run("--models", "rnn", "--epochs", 1, "--out", tmp_path, "--overwrite") == 0
    assert (tmp_path / "precious.txt").read_text() == "mine"


def test_ctrl_c_keeps_the_best_so_far_and_resume_completes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = ("--models", "rnn", "--epochs", 6)
    assert run(*arguments, "--out", whole) == 0

    train_epoch = Trainer.train_epoch

    def interrupted(self: Trainer, examples: Examples, number: int) -> object:
        if number == 4:
            raise KeyboardInterrupt
        return train_epoch(self, examples, number)

    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "train_epoch", interrupted)
        assert run(*arguments, "--out", stopped) == 130
    assert "Stopped; the best epoch so far is kept." in capsys.readouterr().out
    assert read_manifest(stopped).models["rnn"].epochs <= 3
    assert list(load_models(stopped)) == ["rnn"]

    assert run(*arguments, "--out", stopped, "--resume") == 0
    one, other = load_file(whole / "rnn.safetensors"), load_file(stopped / "rnn.safetensors")
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_data_set_of_ones_own(tmp_path: Path) -> None:
    """Several labels a row, so the networks judge each label by itself."""
    file = tmp_path / "feelings.jsonl"
    rows = [
        {"text": f"{word} day {number}", "label": labels}
        for number in range(40)
        for word, labels in (("good", ["joy"]), ("bad", ["sadness"]), ("mixed", ["joy", "sadness"]))
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert run("--dataset", file, "--models", "rnn", "--epochs", 1, "--out", tmp_path / "models") == 0
    manifest = read_manifest(tmp_path / "models")
    assert (manifest.labels, manifest.multi_label) == (("joy", "sadness"), True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--epochs", "0"], "'0' is not a whole number from 1"),
        (["--epochs", "many"], "'many' is not a whole number from 1"),
        (["--learning-rate", "-1"], "'-1' is not a number above 0 and below 10"),
        (["--dropout", "1"], "'1' is not a number from 0 to 0.9"),
        (["--seed", "-3"], "'-3' is not a whole number from 0"),
        (["--models", "gpt"], "invalid choice: 'gpt'"),
        (["--resume", "--overwrite"], "not allowed with argument"),
    ],
)
def test_wrong_options(arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        train.main(arguments)
    assert sentence in capsys.readouterr().err


def test_a_missing_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--dataset", tmp_path / "none.csv") == 2
    assert "none.csv" in capsys.readouterr().err
