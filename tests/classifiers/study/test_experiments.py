"""The study: its own layers against central differences, its task, its measure, and the command as a user calls it."""

import hashlib
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import train
from classifiers.emotions import LABELS
from classifiers.nn.batching import Batch, pad
from classifiers.nn.layers import LSTM, Bidirectional, Layer
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study import experiments as study
from classifiers.study import report as study_report
from classifiers.study.experiments import (
    FIRST_LETTER,
    GOEMOTIONS,
    MEMORY,
    QUICK,
    LastStep,
    NormalisedRNN,
    ReLURNN,
    Residual,
    gradient_norms,
    memory_batch,
)
from classifiers.training import datasets
from tests.classifiers.nn.gradients import in_float64, numeric_gradient, relative_error

STEPS, BATCH, SIZE = 6, 4, 5
LENGTHS = np.array([6, 1, 4, 3])
ARTICLE = Path(__file__).parents[3] / "docs" / "study.md"


def layers() -> list[Layer]:
    rng = np.random.default_rng(1)
    return [
        ReLURNN(SIZE, SIZE, rng),
        NormalisedRNN(SIZE, SIZE, rng),
        Residual(LSTM(SIZE, SIZE, rng)),
        LastStep(1),
    ]


@pytest.mark.parametrize("layer", layers(), ids=lambda layer: type(layer).__name__)
def test_gradients(layer: Layer) -> None:
    rng = np.random.default_rng(2)
    in_float64(layer, rng)
    x = rng.normal(size=(STEPS, BATCH, SIZE))
    weights = rng.normal(size=layer.forward(x, LENGTHS).shape)

    def loss() -> float:
        return float((layer.forward(x, LENGTHS) * weights).sum())

    loss()
    dx = layer.backward(weights)
    gradients = {
        name: (leaf.grads[name].copy(), array) for _, leaf in layer.leaves() for name, array in leaf.params.items()
    }
    assert relative_error(dx, numeric_gradient(loss, x)) < 1e-6
    for name, (ours, array) in gradients.items():
        assert relative_error(ours, numeric_gradient(loss, array)) < 1e-6, name


def test_a_relu_recurrence_keeps_its_state_at_the_start() -> None:
    """The point of the identity: what was read once neither fades nor grows."""
    layer = ReLURNN(1, 1, np.random.default_rng(0))
    layer.params["kernel"][:] = 2
    y = layer.forward(np.array([[[3.0]], [[0.0]], [[0.0]]]), np.array([3]))
    np.testing.assert_array_equal(y.ravel(), [6, 6, 6])


def test_layer_normalisation_makes_units_of_mean_0_and_deviation_1() -> None:
    rng = np.random.default_rng(0)
    y = NormalisedRNN(SIZE, SIZE, rng).forward(rng.normal(3, 20, (STEPS, BATCH, SIZE)), LENGTHS)
    units = np.arctanh(y)
    np.testing.assert_allclose(units.mean(axis=2), 0, atol=1e-5)
    np.testing.assert_allclose(units.std(axis=2), 1, atol=1e-4)


def test_the_last_step_of_each_direction() -> None:
    x = np.arange(12.0).reshape(3, 2, 2)  # of each sequence of a step, one feature from the left, one from the right
    lengths = np.array([2, 3])
    np.testing.assert_array_equal(LastStep(1).forward(x, lengths), [[4, 5], [10, 11]])
    layer = LastStep(2)
    np.testing.assert_array_equal(layer.forward(x, lengths), [[4, 1], [10, 3]])
    dx = layer.backward(np.ones((2, 2)))
    assert dx.sum() == 4
    np.testing.assert_array_equal(np.argwhere(dx), [[0, 0, 1], [0, 1, 1], [1, 0, 0], [2, 1, 0]])


def test_the_marked_letter_stands_in_the_middle_and_is_the_answer() -> None:
    batch, targets = memory_batch(3, 50, 4, np.random.default_rng(0))
    assert batch.ids.shape == (7, 50)
    assert set(batch.lengths) == {7}
    marked = batch.ids >= FIRST_LETTER + 4
    assert marked[3].all()
    assert marked.sum() == 50
    np.testing.assert_array_equal(batch.ids[3] - FIRST_LETTER - 4, targets.argmax(axis=1))
    assert set(np.unique(batch.ids)) == set(range(FIRST_LETTER, FIRST_LETTER + 8))


@pytest.mark.parametrize("name", ["glorot", "bilstm", "bilstm-pooled"])
def test_norms_are_those_of_the_numeric_gradient(name: str) -> None:
    """At the embeddings of a sequence whose tokens differ, so that a token is a step."""
    row = (MEMORY | GOEMOTIONS)[name]
    network = row.network(8, 5, 3, np.random.default_rng(0))
    network.load({key: array.astype(np.float64) * 2 for key, array in network.params.items()})
    batch, targets = pad([[2, 4, 7, 3, 5]]), np.eye(3)[[1]]
    norms = np.array(gradient_norms(network, row, batch, targets, softmax_cross_entropy, 4))
    assert norms.shape == (row.directions, 5)

    table = network.params["0.embeddings"]
    numeric = numeric_gradient(lambda: softmax_cross_entropy(network.forward(batch), targets)[0], table)
    whole = np.linalg.norm(numeric[[5, 3, 7, 4, 2]], axis=1)
    if row.directions == 1:
        np.testing.assert_allclose(norms[0], whole, rtol=1e-3)
        return
    # Two directions add up as vectors, so the whole lies between difference and sum of their norms.
    left, right = norms[0], norms[1][::-1]
    assert (np.abs(left - right) * 0.999 <= whole).all()
    assert (whole <= (left + right) * 1.001).all()


def test_each_direction_of_norms_is_that_direction_alone() -> None:
    """With the other one silent, nothing is missing."""
    row = MEMORY["bilstm"]
    network = row.network(8, 5, 3, np.random.default_rng(0))
    both = network.layers[1]
    assert isinstance(both, Bidirectional)
    batch, targets = Batch(np.array([[2], [4], [6]]), np.array([3])), np.eye(3)[[0]]
    found = gradient_norms(network, row, batch, targets, softmax_cross_entropy, 2)
    both.backward_layer.params["kernel"][:] = 0
    left, right = gradient_norms(network, row, batch, targets, softmax_cross_entropy, 2)
    assert right == [0, 0, 0]
    np.testing.assert_allclose(left, found[0], rtol=0.2)  # the logits are others, and so is the error sent back


def test_every_row_has_a_title() -> None:
    assert set(study_report.TITLES) == {*MEMORY, *GOEMOTIONS}


class TestCommand:
    """`train.py study --quick`, on a few made-up texts and with hardly any training."""

    @pytest.fixture(autouse=True)
    def small_world(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        folder = tmp_path / "data" / "goemotions"
        folder.mkdir(parents=True)
        hashes = {}
        for file in ("train.tsv", "dev.tsv", "test.tsv"):
            content = "".join(f"so much {label} in here\t{number}\tid\n" for number, label in enumerate(LABELS))
            (folder / file).write_text(content)
            hashes[file] = hashlib.sha256(content.encode()).hexdigest()
        monkeypatch.setattr(datasets, "GOEMOTIONS_SHA256", hashes)
        monkeypatch.setenv("EMOBOT_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setattr(study, "QUICK", replace(QUICK, updates=2))
        study._goemotions.cache_clear()

    def test_figures_numbers_and_article(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str], request: pytest.FixtureRequest
    ) -> None:
        out = tmp_path / "look"
        command = ["study", "--quick", "--seeds", "2", "--jobs", "1", "--out", str(out)]
        assert train.main(command) == 0
        shown = capsys.readouterr().out
        assert re.search(r"Written: .* after [\d,]+ s\.", " ".join(shown.split()))
        assert {path.name for path in out.iterdir()} == {
            "runs", "numbers.json", "memory.png", "gradients.png", "goemotions.png",
        }  # fmt: skip
        numbers = json.loads((out / "numbers.json").read_text())
        assert list(numbers["memory"]) == list(MEMORY)
        assert [len(found) for found in numbers["goemotions"].values()] == [2] * len(GOEMOTIONS)
        text = (tmp_path / "look.md").read_text()
        for title in study_report.TITLES.values():
            assert f"| {title}" in text
        assert "Seeds: 2." in text
        assert set(re.findall(r"\((look/.*?\.png)\)", text)) == {
            "look/memory.png", "look/gradients.png", "look/goemotions.png",
        }  # fmt: skip

        # A second time, only what is missing is measured, and own words in the article stay.
        request.getfixturevalue("blank_figures")
        (tmp_path / "look.md").write_text(text.replace("## Memory", "## Memory\n\nMy words."))
        runs = {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
        gone, kept, *_ = runs
        gone.unlink()
        assert train.main(command) == 0
        assert gone.exists()
        assert kept.stat().st_mtime_ns == runs[kept]
        assert "My words." in (tmp_path / "look.md").read_text()

    def test_ctrl_c(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(study, "measure_goemotions", interrupted)
        out = tmp_path / "look"
        assert study.main(["--quick", "--seeds", "1", "--jobs", "1", "--out", str(out)]) == 130
        assert "run the same command to continue" in capsys.readouterr().out
        assert len(list((out / "runs").iterdir())) == len(MEMORY)
        assert not (out / "numbers.json").exists()

    def test_a_data_set_that_cannot_be_had_is_told_before_the_work(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def in_vain(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(study, "measure_memory", in_vain)
        monkeypatch.setenv("EMOBOT_DATA_DIR", str(tmp_path / "nothing"))
        assert study.main(["--quick", "--jobs", "1", "--out", str(tmp_path / "look")]) == 2
        assert capsys.readouterr().err.startswith("There is no goemotions/train.tsv in ")

    @pytest.mark.parametrize(
        ("out", "sentence"),
        [
            ("file/look", "file/look.md cannot be read (Not a directory): choose another folder with --out."),
            ("runs", "runs/runs cannot be written to (File exists): choose another folder with --out."),
            ("x" * 300, "File name too long"),
            ("bytes", "bytes.md cannot be read (it is not UTF-8)"),
            ("folder", "folder.md cannot be read (Is a directory)"),
            ("endless", "endless.md has no <!-- end --> behind its section memory: write it there."),
            (".", "has no name: give another --out."),
        ],
    )
    def test_what_could_not_be_written_in_the_end_is_told_before_the_work(
        self,
        out: str,
        sentence: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def in_vain(*_: object) -> None:
            raise AssertionError

        monkeypatch.setattr(study, "measure_memory", in_vain)
        monkeypatch.chdir(tmp_path)
        Path("file").write_text("mine")
        Path("bytes.md").write_bytes(b"\xff\xfe")
        Path("folder.md").mkdir()
        Path("runs").mkdir()
        Path("runs", "runs").write_text("mine")
        Path("endless.md").write_text("<!-- study: setup -->\n<!-- end -->\n<!-- study: memory -->\n")
        assert study.main(["--quick", "--jobs", "1", "--out", out]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1

    @pytest.mark.usefixtures("blank_figures")
    def test_a_folder_whose_name_is_markup(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert study.main(["--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path / "look[/b]")]) == 0
        assert "look[/b].md" in "".join(capsys.readouterr().out.split())

    @pytest.mark.parametrize(
        ("option", "value", "bounds"),
        [("--seeds", "0", "1 to 1,000"), ("--seeds", "1001", "1 to 1,000"), ("--jobs", "100000", "1 to 256")],
    )
    def test_a_wrong_option(self, option: str, value: str, bounds: str, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit, match="2"):
            study.main([option, value])
        assert f"{value!r} is not a whole number from {bounds}" in capsys.readouterr().err


def test_several_processes_find_what_one_finds(tmp_path: Path) -> None:
    found = []
    for jobs in (1, 2):
        folder = tmp_path / str(jobs)
        folder.mkdir()
        runs = [study.Run("memory", "glorot", seed, QUICK, folder / f"{seed}.json") for seed in range(2)]
        assert len(list(study.carry_out(runs, jobs))) == 2
        found.append([{**(run.kept() or {}), "seconds": 0} for run in runs])
    assert found[0] == found[1]


def test_other_settings_and_damaged_files_are_measured_anew(tmp_path: Path) -> None:
    run = study.Run("memory", "glorot", 0, QUICK, tmp_path / "run.json")
    assert run.kept() is None
    run()
    assert run.kept() is not None
    assert study.Run("memory", "glorot", 0, study.FULL, run.file).kept() is None
    content = run.file.read_text()
    record = json.loads(content)
    for damaged in (
        content[:-5],
        "[" * 100_000,
        "[]",
        '"settings"',
        json.dumps({"settings": record["settings"]}),
        json.dumps(record | {"seconds": "long"}),
        json.dumps(record | {"accuracy": [0.5]}),
        json.dumps(record | {"start": {}}),
    ):
        run.file.write_text(damaged)
        assert run.kept() is None, damaged[:50]


def test_the_article_says_what_the_numbers_say() -> None:
    text = ARTICLE.read_text(encoding="utf-8")
    numbers = json.loads((ARTICLE.parent / "study" / "numbers.json").read_text(encoding="utf-8"))
    assert numbers["settings"] == study.as_json(study.FULL)
    assert study_report.rewritten(text, study_report.sections(numbers, "study")) == text
