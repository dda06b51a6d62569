"""The training command on small data, called as a user would."""

import os
import re
import shlex
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import fields
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import train
from classifiers.cli import main as terminal
from classifiers.cli.evaluate import measure_model
from classifiers.model_directory import NAMES, load_models, read_manifest
from classifiers.nn.batching import Examples
from classifiers.training.datasets import load_dataset
from classifiers.training.downloads import DATA_DIR_VARIABLE
from classifiers.training.numpy_backend import Trainer
from classifiers.training.options import Options
from classifiers.training.run import Outcome
from tests.classifiers.training.recording import ctrl_c_in_epoch, step_by_step

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("blank_figures", "made_up_baselines")]


def run(*arguments: object) -> int:
    return train.main([str(argument) for argument in arguments])


@pytest.mark.long
@pytest.mark.usefixtures("figures", "baselines")
def test_both_models_learn_the_builtin_phrases(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`python train.py` gets every test phrase right with its actual recipes, and half of them without order."""
    out = tmp_path / "models"
    assert run("--out", out) == 0
    shown, errors = capfd.readouterr()
    assert errors == ""
    assert shown.count("top-1 1.000") == 2
    assert "Bag of words on test: macro-F1 0.667, micro-F1 0.667, top-1 0.500 " in shown
    assert shown.count("train macro-F1 1.000") == 2
    assert "-0.0" not in shown + (out / "report.md").read_text()
    names = {"manifest.json", "tokenizer.json", "rnn.safetensors", "bilstm.onnx", "bilstm.keras", "report.md"}
    assert names <= {path.name for path in out.iterdir()}
    assert {"training.png", "label_f1.png", "calibration.png", "confusion.png"} <= {path.name for path in out.iterdir()}
    assert not (out / "checkpoints").exists()

    manifest = read_manifest(out)
    assert manifest.command == f"python train.py --out {out}"
    assert manifest.dataset == "builtin"
    dataset = load_dataset("builtin")
    assert manifest.dataset_sha256 == dataset.sha256
    for name, model in load_models(out).items():
        metrics = measure_model(model, dataset, dataset.test)
        assert metrics.top1 == metrics.macro_f1 == 1.0, name
        assert manifest.models[name].test["macro_f1"] == 1.0


def test_the_same_seed_gives_the_same_numpy_weights(tmp_path: Path) -> None:
    for folder, seed in (("a", 3), ("b", 3), ("c", 4)):
        assert run("--model", "rnn", "--epochs", 2, "--seed", seed, "--out", tmp_path / folder) == 0
    first, again, other = (load_file(tmp_path / folder / "rnn.safetensors") for folder in "abc")
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert not np.array_equal(first["2.kernel"], other["2.kernel"])


def test_folder_is_overwritten_only_with_the_option(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--model", "rnn", "--epochs", 1, "--out", tmp_path) == 0
    (tmp_path / "precious.txt").write_text("mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert run("--model", "rnn", "--epochs", 2, "--out", tmp_path) == 2
    error = capsys.readouterr().err
    assert re.fullmatch(r".* exists already: add --overwrite .*--resume .*--out\.\n", error)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert run("--model", "rnn", "--epochs", 2, "--out", tmp_path, "--overwrite") == 0
    assert (tmp_path / "rnn.safetensors").read_bytes() != before["rnn.safetensors"]
    assert (tmp_path / "precious.txt").read_text() == "mine"


@pytest.mark.parametrize("option", ["--overwrite", "--resume"])
def test_folder_without_our_models_is_left_unchanged(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    theirs = {"checkpoints/thesis.txt": "years of work", "report.md": "# The year", "manifest.json": "{}"}
    (tmp_path / "checkpoints").mkdir()
    for name, content in theirs.items():
        (tmp_path / name).write_text(content)
    assert run("--model", "rnn", "--epochs", 1, "--out", tmp_path, option) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path} holds files that are not Emobot models, so nothing is written there: "
        "choose another folder with --out.\n"
    )
    found = {str(path.relative_to(tmp_path)): path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    assert found == theirs


def test_unrelated_files_beside_our_checkpoints_are_kept(tmp_path: Path) -> None:
    out = tmp_path / "models"
    assert run("--model", "rnn", "--epochs", 1, "--out", out) == 0
    (out / "checkpoints" / "rnn").mkdir(parents=True)
    theirs = [out / "checkpoints" / "thesis.txt", out / "checkpoints" / "rnn" / "epoch-notes.safetensors"]
    for path in theirs:
        path.write_text("years of work")
    assert run("--model", "rnn", "--epochs", 2, "--out", out, "--overwrite") == 0
    assert [path.read_text() for path in theirs] == ["years of work"] * 2
    assert sorted(path for path in (out / "checkpoints").rglob("*") if path.is_file()) == sorted(theirs)


def test_finished_run_cannot_be_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    assert run("--model", "rnn", "--epochs", 1, "--out", out) == 0
    before = (out / "manifest.json").read_bytes()
    assert run("--model", "rnn", "--epochs", 2, "--out", out, "--resume") == 2
    assert capsys.readouterr().err == (
        f"There is no stopped training run in {out} that can be resumed: "
        "start one with --overwrite, or choose another folder with --out.\n"
    )
    assert (out / "manifest.json").read_bytes() == before


def test_resume_without_a_stopped_run_says_that_it_starts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    with ctrl_c_in_epoch(1):
        assert run("--model", "rnn", "--epochs", 2, "--out", out, "--resume") == 130
    assert f"Nothing to resume in {out}: starting from the beginning." in capsys.readouterr().out.replace("\n", "")


def test_ctrl_c_keeps_the_best_so_far_and_resume_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    arguments = ("--model", "rnn", "--epochs", 6)
    assert run(*arguments, "--out", whole) == 0

    with ctrl_c_in_epoch(4):
        assert run(*arguments, "--out", stopped) == 130
    assert "Stopped; the best epoch so far is kept." in capsys.readouterr().out
    assert read_manifest(stopped).models["rnn"].epochs <= 3
    assert list(load_models(stopped)) == ["rnn"]

    assert run(*arguments, "--out", stopped, "--resume") == 0
    one, other = load_file(whole / "rnn.safetensors"), load_file(stopped / "rnn.safetensors")
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_ctrl_c_in_the_first_epoch_leaves_no_files_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ctrl_c_in_epoch(1):
        assert run("--model", "rnn", "--epochs", 2, "--out", tmp_path / "models") == 130
    assert capsys.readouterr().out.endswith("Stopped before the first epoch was finished, so nothing is written.\n")
    assert not (tmp_path / "models").exists()


def test_run_is_not_resumed_on_a_changed_file(
    feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Otherwise the models of the old labels would be written as those of the new."""
    out = tmp_path / "models"
    arguments = ("--dataset", feelings, "--model", "rnn", "--epochs", 3, "--out", out)
    with ctrl_c_in_epoch(2):
        assert run(*arguments) == 130
    before = (out / "manifest.json").read_bytes()
    feelings.write_text(feelings.read_text().replace("sadness", "anger", 1).replace("sadness", "anger", 1))
    capsys.readouterr()
    assert run(*arguments, "--resume") == 2
    shown, error = capsys.readouterr()
    assert re.search(
        r"was started with other data \(the file, its columns or its split\).*: continue with the same, "
        r"or start again with --overwrite\.\n$",
        error,
    )
    assert "nan" not in shown
    assert (out / "manifest.json").read_bytes() == before


def test_stopped_run_is_not_overwritten_by_another_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "models"
    with ctrl_c_in_epoch(2):
        assert run("--model", "rnn", "--epochs", 3, "--out", out) == 130
    assert run("--model", "gru", "--epochs", 3, "--out", out, "--resume") == 2
    assert capsys.readouterr().err == (
        f"The training run that was stopped in {out} was of rnn: continue with --model rnn, or choose another folder "
        "with --out.\n"
    )
    assert run("--model", "rnn", "--epochs", 3, "--out", out, "--resume") == 0


@pytest.mark.parametrize("damaged", [False, True])
def test_overwrite_restarts_a_stopped_run(damaged: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "models"
    arguments = ("--model", "rnn", "--epochs", 3, "--out", out)
    with ctrl_c_in_epoch(3):
        assert run(*arguments) == 130
    if damaged:
        (out / "checkpoints" / "rnn" / "history.json").write_text("{")
    epochs: list[int] = []
    train_epoch = Trainer.train_epoch

    def counted(self: Trainer, examples: Examples, number: int) -> Iterator[float]:
        epochs.append(number)
        return train_epoch(self, examples, number)

    monkeypatch.setattr(Trainer, "train_epoch", counted)
    assert run(*arguments, "--overwrite") == 0
    assert epochs == [1, 2, 3]


@pytest.mark.parametrize("name", ["emotions dataset (1).jsonl", "it's [red]ours.jsonl"])
def test_closing_hint_is_quoted_for_the_shell(
    name: str, feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    feelings.rename(name)
    assert run("--dataset", name, "--model", "rnn", "--epochs", 1) == 0
    hint = capsys.readouterr().out.splitlines()[-1]
    words = shlex.split(hint[hint.index("python -m") :])
    assert words == ["python", "-m", "classifiers", "compare", "--models", f"models/{name[:-6]}", "your text"]


def test_own_data_set_with_several_labels_per_row_is_trained(
    feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With several labels per row, the networks judge each label separately."""
    assert run("--dataset", feelings, "--model", "rnn", "--epochs", 1, "--out", tmp_path / "models") == 0
    assert "2 labels: joy 80, sadness 80.\n" in capsys.readouterr().out
    manifest = read_manifest(tmp_path / "models")
    assert (manifest.labels, manifest.multi_label) == (("joy", "sadness"), True)


@pytest.mark.long
@pytest.mark.slow
def test_both_models_learn_a_few_own_phrases(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """58 rows with the default options, distinguished by six words among many without meaning."""
    words = {"joy": ("happy", "lovely", "great"), "sadness": ("sad", "awful", "lonely")}
    about = ("the party", "my exam", "this song", "our trip", "dinner", "monday", "the game", "my cat", "the film")
    rows = [f"so {word} about {thing}\t{label}" for label, three in words.items() for word in three for thing in about]
    rows += ["what a great day\tjoy", "so happy\tjoy", "a sad day\tsadness", "such a lonely evening\tsadness"]
    (tmp_path / "mine.tsv").write_text("\n".join(["text\tlabel", *rows]))
    assert len(rows) == 58
    out = tmp_path / "models"
    assert run("--dataset", tmp_path / "mine.tsv", "--framework", "numpy", "--out", out) == 0
    assert "The RNN has learnt something: " in capsys.readouterr().out
    for card in read_manifest(out).models.values():
        assert card.test["top1"] >= 0.9
        assert card.test["macro_f1"] >= 0.9
        assert card.temperature >= 1  # twelve dev texts are too few for a temperature below 1


@pytest.mark.usefixtures("figures", "baselines")
@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("😀\tjoy\n😁\tjoy\n😢\tsadness\n", "It is unclear whether the RNN has learnt anything: of 1 test text"),
        ("".join(f"word{n}\tall,{'joy' if n % 2 else 'fear'}\n" for n in range(40)), "The RNN"),
    ],
)
def test_data_without_signal_end_with_a_warning_figures_and_models(
    rows: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_nothing_learnt(rows, says, tmp_path, capsys)


WITHOUT_A_WORD = [[chr(0x1F600 + n) for n in range(40)], [f"https://a.example/{n}" for n in range(40)]]


@pytest.mark.usefixtures("baselines")
@pytest.mark.parametrize("texts", WITHOUT_A_WORD)
def test_texts_without_words_end_with_a_warning_and_models(
    texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_nothing_learnt_from_texts(texts, tmp_path, capsys)


@pytest.mark.long
@pytest.mark.usefixtures("figures", "baselines")
@pytest.mark.parametrize("texts", WITHOUT_A_WORD)
def test_texts_without_words_end_with_figures(
    texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert_nothing_learnt_from_texts(texts, tmp_path, capsys)


def assert_nothing_learnt_from_texts(texts: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"{text}\t{'joy' if n % 2 else 'fear'}\n" for n, text in enumerate(texts))
    assert_nothing_learnt(rows, "The RNN", tmp_path, capsys)


def assert_nothing_learnt(rows: str, says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.tsv").write_text("text\tlabel\n" + rows)
    out = tmp_path / "models"
    assert run("--dataset", tmp_path / "mine.tsv", "--model", "rnn", "--epochs", 2, "--out", out) == 0
    assert says in capsys.readouterr().out
    assert list(load_models(out)) == ["rnn"]
    assert (out / "report.md").exists()


@pytest.fixture
def moods(tmp_path: Path) -> Path:
    """Return a file with labels that are not GoEmotions', or in another letter case."""
    file = tmp_path / "moods.csv"
    rows = [
        f"{word} day {number},{label}"
        for number in range(40)
        for word, label in (("good", "happy"), ("bad", "guilt"), ("odd", "Joy"))
    ]
    file.write_text("text,label\n" + "\n".join(rows))
    return file


def test_labels_without_emoji_are_listed_before_training(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("--dataset", moods, "--model", "rnn", "--epochs", 1, "--out", tmp_path / "models") == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert (
        "The bot will not react to guilt, happy, for which there is no emoji: give each of them one, "
        "for example --emoji guilt=😊, or do so later in manifest.json or in /settings." in shown
    )
    assert read_manifest(tmp_path / "models").emoji == {}


def test_emoji_options_are_written_to_the_manifest(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    emoji = ["--emoji", "happy=😊", "--emoji", "GUILT=🫥", "--emoji", "joy=🎉"]
    assert run("--dataset", moods, "--model", "rnn", "--epochs", 1, "--out", tmp_path / "models", *emoji) == 0
    assert "no emoji" not in capsys.readouterr().out
    assert read_manifest(tmp_path / "models").emoji == {"happy": "😊", "guilt": "🫥", "joy": "🎉"}
    [model] = load_models(tmp_path / "models").values()
    assert [model.emoji[label] for label in model.labels] == ["🫥", "😊", "🎉"]


@pytest.mark.parametrize(
    ("emoji", "complaint"),
    [
        ("glad=😊", "--emoji: there is an emoji for 'glad', but the emotions are guilt, happy, joy."),
        ("happy=:)", "Invalid value for '--emoji': ':)' is not one emoji: see `python train.py --help`."),
    ],
)
def test_unusable_emoji_are_refused_before_training(
    moods: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], emoji: str, complaint: str
) -> None:
    assert run("--dataset", moods, "--model", "rnn", "--out", tmp_path / "models", "--emoji", emoji) == 2
    assert complaint in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_an_emoji_without_a_label_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--emoji", "😊") == 2
    assert "is not a label with its emoji" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "framework"),
    [("gru", "keras"), ("lstm", "numpy"), ("bilstm", "numpy")],
)
def test_framework_can_be_chosen_per_model(
    model: str, framework: str, feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models"
    stale = out / f"{model}.keras"
    assert run("--dataset", feelings, "--model", "rnn", "--epochs", 1, "--out", out) == 0
    stale.write_text("of an earlier training")
    options = ("--model", model, "--framework", framework, "--epochs", 1, "--out", out, "--overwrite")
    with step_by_step() if framework == "keras" else nullcontext():
        assert run("--dataset", feelings, *options, "--batch-size", 32) == 0
    assert list(read_manifest(out).models) == [model]
    assert zipfile.is_zipfile(stale) if framework == "keras" else not stale.exists()
    capsys.readouterr()
    assert terminal(["compare", "--models", str(out), "a good day"]) == 0
    assert NAMES[model] in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--epochs", "0"], "'0' is not a whole number from 1"),
        (["--epochs", "many"], "'many' is not a whole number from 1"),
        (["--epochs", "9" * 400], "is not a whole number from 1 to 100,000"),
        (["--batch-size", "1000000000"], "'1000000000' is not a whole number from 1 to 100,000"),
        (["--embedding", "1000000000"], "'1000000000' is not a whole number from 1 to 4,096"),
        (["--seed", "4294967296"], "'4294967296' is not a whole number from 0 to 4,294,967,295"),
        (["--learning-rate", "nan"], "'nan' is not a number above 0 and below 10"),
        (["--learning-rate", "-1"], "'-1' is not a number above 0 and below 10"),
        (["--dropout", "1"], "'1' is not a number from 0 to 0.9"),
        (["--seed", "-3"], "'-3' is not a whole number from 0"),
        (["--model", "gpt"], "'gpt' is not one of 'rnn', 'gru', 'lstm', 'bilstm'"),
        (["--framework", "abacus"], "'abacus' is not one of 'numpy', 'keras'"),
        (["--resume", "--overwrite"], "--resume is not allowed with --overwrite"),
        (["--seed", "1", "my file.csv", "b"], "(a data set or a file is given as --dataset 'my file.csv'): see"),
        (["studdy"], "is given as --dataset studdy). Did you mean study? See `python train.py --help`."),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(
    arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train.main(arguments) == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1


def test_every_field_of_the_options_is_an_option_of_the_command() -> None:
    names = {param.name for param in train.train.params}
    assert names - {"version"} | {"command"} == {each.name for each in fields(Options)}


@pytest.mark.parametrize("models", [["--model", "rnn", "gru"], ["--model", "rnn", "--model", "gru"]])
def test_several_models_are_given_after_one_option_or_several(
    models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[Options] = []

    def record(options: Options, _: object) -> Outcome:
        given.append(options)
        return Outcome(Path("models"), ("rnn", "gru"), complete=True)

    monkeypatch.setattr(train, "run", record)
    assert run(*models, "--emoji", "happy=😊", "--epochs", 2) == 0
    assert run() == 0
    first, default = given
    assert (first.models, first.emoji, first.epochs) == (("rnn", "gru"), (("happy", "😊"),), 2)
    assert first.command == shlex.join(["python", "train.py", *models, "--emoji", "happy=😊", "--epochs", "2"])
    assert default == Options("python train.py")


def test_ctrl_c_outside_the_networks_ends_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stopped(*_: object) -> Outcome:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "run", stopped)
    assert run() == 130
    assert capsys.readouterr().out == "Stopped. To continue, run the same command with --resume.\n"


def test_help_keeps_the_groups_and_the_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for line in ("What to learn from:", "How to train (defaults depend on the data set):", "Where to:"):
        assert f"\n{line}\n" in shown
    assert "  python train.py --dataset goemotions   both models on GoEmotions, in about ten minutes\n" in shown
    assert "python train.py study " in shown


def test_help_of_the_installed_wheel_names_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train.main(["--help"], "python -m train") == 0
    shown = capsys.readouterr().out
    assert "  python -m train --dataset goemotions   both models on GoEmotions, in about ten minutes\n" in shown
    assert "train.py" not in shown
    out = tmp_path / "models"
    assert train.main(["--model", "rnn", "--epochs", "1", "--out", str(out)], "python -m train") == 0
    assert read_manifest(out).command == f"python -m train --model rnn --epochs 1 --out {out}"


@pytest.mark.parametrize(("start", "program"), [("train.py", "python train.py"), ("-mtrain", "python -m train")])
def test_wrong_arguments_refer_to_help_by_the_called_name(start: str, program: str) -> None:
    done = subprocess.run(
        [sys.executable, start, "now"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(train.__file__).parent,
    )
    sentence = f"'now' belongs to no option (a data set or a file is given as --dataset now): see `{program} --help`.\n"
    assert (done.returncode, done.stderr) == (2, sentence)


def test_version_is_that_of_the_package(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out == f"Emobot {metadata.version('emobot')}\n"


@pytest.fixture
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    def train_epoch(*_: object) -> None:
        raise AssertionError("what follows could have been known before")

    monkeypatch.setattr(Trainer, "train_epoch", train_epoch)


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize("name", ["file/sub", "x" * 300, "file"])
def test_unwritable_folder_is_reported_before_training(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("mine")
    assert run("--model", "rnn", "--out", tmp_path / name) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert captured.err.endswith("with --out.\n")


@pytest.mark.usefixtures("no_training")
@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (["--model", "rnn"], "scipy"),
        (["--model", "rnn"], "sklearn"),
        (["--model", "rnn", "bilstm"], "tensorflow"),
        (["--model", "rnn", "bilstm", "--framework", "numpy"], "onnx"),
        (["--model", "rnn", "--dataset", "goemotions"], "pooch"),
    ],
)
def test_missing_package_is_reported_before_training(
    options: list[str],
    missing: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(DATA_DIR_VARIABLE, raising=False)
    monkeypatch.setitem(sys.modules, missing, None)
    assert run(*options, "--out", tmp_path / "models") == 2
    assert capsys.readouterr().err.endswith('run `pip install "emobot[train]"`.\n')


@pytest.mark.parametrize(
    ("option", "status", "sentence"),
    [("--help", 0, ""), ("--overwrite", 2, 'Training needs more packages: run `pip install "emobot[train]"`.\n')],
)
def test_missing_train_extra_leaves_help_and_is_reported(
    option: str, status: int, sentence: str, tmp_path: Path
) -> None:
    program = "import sys; sys.modules['rich'] = None; import train; sys.exit(train.main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", program, option, "--out", tmp_path / "models"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(train.__file__).parent,
    )
    assert (done.returncode, done.stderr) == (status, sentence)
    assert not (tmp_path / "models").exists()


@pytest.mark.usefixtures("figures")
@pytest.mark.skipif(os.name != "posix", reason="names of files are texts here: run `wsl python3 -m pytest`")
def test_markup_and_undecodable_names_are_printed_as_they_are(
    feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = feelings.rename(tmp_path / "a[b]\udcff:smile:.jsonl")
    out = tmp_path / "out[/b]\udcff"
    assert run("--dataset", file, "--model", "rnn", "--epochs", 1, "--out", out) == 0
    shown = capsys.readouterr().out
    assert "a[b]\\xff:smile:: " in shown
    manifest = read_manifest(out)
    assert manifest.dataset == "a[b]\\xff:smile:"
    assert manifest.command.endswith("out[/b]\\xff'")


@pytest.fixture
def full_disk() -> Iterator[None]:
    """Let no file grow beyond 50,000 bytes."""
    import resource  # Windows has none

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.skipif(sys.platform != "linux", reason="run it in Linux, as in `wsl` or `docker run -it python bash`")
@pytest.mark.usefixtures("full_disk")
def test_full_disk_while_training_is_reported_in_one_sentence(
    feelings: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "models"
    assert run("--dataset", feelings, "--model", "rnn", "--epochs", 1, "--out", out) == 1
    checkpoint = out / "checkpoints" / "rnn" / "epoch-1.safetensors"
    assert capsys.readouterr().err == f"{checkpoint} cannot be used: File too large.\n"
    assert not (out / "manifest.json").exists()


def test_missing_data_set_is_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--dataset", tmp_path / "none.csv") == 2
    assert "none.csv" in capsys.readouterr().err


@pytest.mark.parametrize("stopped", [True, False])
def test_process_restarts_itself_when_a_worker_is_lost(
    stopped: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same arguments, except for the one that would discard what it has trained."""

    class Started(Exception):  # noqa: N818 - it stands for an end of this process
        pass

    def execv(path: str, words: list[str]) -> None:
        assert path == sys.executable
        raise Started(words)

    words = ["--out", str(tmp_path), "--overwrite"]
    monkeypatch.setattr(train, "run", lambda *_: Outcome(tmp_path, (), complete=False, lost=True))
    monkeypatch.setattr(train, "has_checkpoint", lambda _: stopped)
    monkeypatch.setattr(os, "execv", execv)
    monkeypatch.setattr(sys, "orig_argv", ["python", "train.py", *words])
    monkeypatch.setattr(sys, "argv", ["train.py", *words])
    with pytest.raises(Started) as started:
        train.main()
    assert started.value.args[0] == ["python", "train.py", *(words[:-1] if stopped else words)]
    assert "Another worker is lost: waiting for it" in capsys.readouterr().out


def test_process_on_windows_asks_to_be_restarted_when_a_worker_is_lost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On Windows, a replacing process would run in the background, and without its port."""
    monkeypatch.setattr(train, "run", lambda *_: Outcome(tmp_path, (), complete=False, lost=True))
    monkeypatch.setattr(sys, "platform", "win32")
    assert run("--out", tmp_path) == 1
    assert "Another worker is lost: start this one again, too" in capsys.readouterr().out
