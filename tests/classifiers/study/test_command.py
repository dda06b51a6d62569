"""`train.py study`, called as a user would."""

import hashlib
import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

import train
from classifiers.emotions import LABELS
from classifiers.errors import MissingExtraError
from classifiers.study import command, findings, goemotions, matched
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.runs import EXPERIMENTS, ExperimentName
from classifiers.training import goemotions as goemotions_files

NUMBERS = Path("docs/study/numbers.json")


class TestCommand:
    """`train.py study --quick`, with a few made-up texts and very little training."""

    REMEDY = "measure everything first, without --redraw, --pages or --only."

    @pytest.fixture(autouse=True)
    def small_datasets(self, small_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        hashes = {}
        for file in ("train.tsv", "dev.tsv", "test.tsv"):  # with one label each, so that there is a top-1
            content = "".join(f"so much {label} in here\t{number}\tid\n" for number, label in enumerate(LABELS))
            (small_data / "goemotions" / file).write_text(content)
            hashes[file] = hashlib.sha256(content.encode()).hexdigest()
        monkeypatch.setattr(goemotions_files, "GOEMOTIONS_SHA256", hashes)
        parts: tuple[ExperimentName, ...] = ("memory", "long", "goemotions")
        for part in parts:
            quick = replace(EXPERIMENTS[part].quick, updates=2)
            monkeypatch.setitem(EXPERIMENTS, part, replace(EXPERIMENTS[part], quick=quick))
        goemotions._load_texts.cache_clear()
        matched._load.cache_clear()

    @pytest.mark.usefixtures("blank_figures")
    def test_study_writes_figures_numbers_and_article(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        out = tmp_path / "look"
        words = ["study", "--quick", "--seeds", "2", "--jobs", "1", "--out", str(out)]
        assert train.main(words) == 0
        shown = capsys.readouterr().out
        assert re.search(r"Written: .* after [\d,]+ s\.", " ".join(shown.split()))
        assert {path.name for path in out.iterdir()} == {
            "runs", "numbers.json", "memory.png", "gradients.png", "goemotions.png", "matched.png", "curves.png",
        }  # fmt: skip
        numbers = json.loads((out / "numbers.json").read_text())
        assert list(numbers["memory"]) == list(MEMORY)
        assert [len(found) for found in numbers["goemotions"].values()] == [2] * len(GOEMOTIONS)
        text = (tmp_path / "look.md").read_text()
        for title in (*findings.TITLES.values(), *findings.MATCHED_TITLES.values()):
            assert f"| {title}" in text
        assert "Seeds: 2." in text
        assert set(re.findall(r"\((look/.*?\.png)\)", text)) == {
            "look/memory.png", "look/gradients.png", "look/goemotions.png", "look/matched.png", "look/curves.png",
        }  # fmt: skip

        # From the numbers alone, figures and tables are made again, and nothing is measured.
        (out / "memory.png").unlink()
        (tmp_path / "look.md").write_text(re.sub(r"^\|.*\n", "", text, flags=re.MULTILINE))
        times = {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
        assert train.main(["study", "--redraw", "--out", str(out)]) == 0
        assert (tmp_path / "look.md").read_text() == text
        assert json.loads((out / "numbers.json").read_text()) == numbers
        assert (out / "memory.png").exists()
        assert {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()} == times

        # A second time, only what is missing is measured, and own words in the article stay.
        (tmp_path / "look.md").write_text(text.replace("## Memory", "## Memory\n\nMy words."))
        times = {path: path.stat().st_mtime_ns for path in (out / "runs").iterdir()}
        gone, kept, *_ = times
        gone.unlink()
        assert train.main(words) == 0
        assert gone.exists()
        assert kept.stat().st_mtime_ns == times[kept]
        assert "My words." in (tmp_path / "look.md").read_text()

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (
                None,
                "cannot be read (No such file or directory)",
            ),
            ("{", "is damaged"),
            ("[" * 100_000, "is damaged"),
            ('{"settings": {}}', "is damaged"),
            ("no gru", "lacks some of the networks"),
            ("no seeds", "lacks some of the networks"),
        ],
    )
    def test_redraw_refuses_unusable_numbers(
        self, content: str | None, sentence: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        numbers = json.loads(Path("docs/study/numbers.json").read_text())
        if content == "no gru":
            del numbers["memory"]["gru"]
            content = json.dumps(numbers)
        elif content == "no seeds":
            content = json.dumps(numbers | {"goemotions": {row: [] for row in GOEMOTIONS}})
        out = tmp_path / "look"
        out.mkdir()
        if content is not None:
            (out / "numbers.json").write_text(content)
        assert train.main(["study", "--quick", "--redraw", "--out", str(out)]) == 2
        error = capsys.readouterr().err
        assert error == f"{out / 'numbers.json'} {sentence}: {self.REMEDY}\n"
        assert not (tmp_path / "look.md").exists()

    @pytest.mark.usefixtures("blank_figures")
    def test_one_experiment_alone_keeps_the_results_of_the_others(self, tmp_path: Path) -> None:
        out = tmp_path / "look"
        out.mkdir()
        earlier = Path("docs/study/numbers.json").read_text()
        (out / "numbers.json").write_text(earlier)
        words = ["study", "--quick", "--only", "curves", "--jobs", "1", "--out", str(out)]
        assert train.main(words) == 0
        assert {path.name.partition("-")[0] for path in (out / "runs").iterdir()} == {"curves"}
        numbers, before = json.loads((out / "numbers.json").read_text()), json.loads(earlier)
        assert {len(run["accuracy"]) for runs in numbers["curves"].values() for run in runs} == {2}
        del numbers["curves"], before["curves"]
        for kept in ("settings", "seconds"):
            assert numbers[kept].pop("curves") != before[kept].pop("curves")
        assert numbers == before

    def test_one_experiment_alone_needs_the_results_of_the_others(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        out = tmp_path / "look"
        assert train.main(["study", "--quick", "--only", "curves", "--out", str(out)]) == 2
        assert self.REMEDY in capsys.readouterr().err
        assert not out.exists()

    def test_ctrl_c_keeps_the_finished_runs(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def interrupted(*_: object) -> NoReturn:
            raise KeyboardInterrupt

        monkeypatch.setitem(EXPERIMENTS, "goemotions", replace(EXPERIMENTS["goemotions"], measure=interrupted))
        out = tmp_path / "look"
        assert train.main(["study", "--quick", "--seeds", "1", "--jobs", "1", "--out", str(out)]) == 130
        assert "run the same command to continue" in capsys.readouterr().out
        assert len(list((out / "runs").iterdir())) == 2 * len(MEMORY)
        assert not (out / "numbers.json").exists()

    def test_missing_data_set_is_reported_before_any_training(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        def fail_if_called(*_: object) -> NoReturn:
            raise AssertionError

        monkeypatch.setitem(EXPERIMENTS, "memory", replace(EXPERIMENTS["memory"], measure=fail_if_called))
        monkeypatch.setenv("EMOBOT_DATA_DIR", str(tmp_path / "nothing"))
        assert train.main(["study", "--quick", "--jobs", "1", "--out", str(tmp_path / "look")]) == 2
        assert capsys.readouterr().err.startswith("There is no goemotions/train.tsv in ")

    @pytest.mark.parametrize(
        ("out", "sentence"),
        [
            ("file/look", "file/look.md cannot be read (Not a directory): choose another folder with --out."),
            ("runs", "runs/runs cannot be written to (File exists): choose another folder with --out."),
            ("x" * 300, "File name too long"),
            ("bytes", "bytes.md cannot be read (it is not UTF-8)"),
            ("folder", "folder.md cannot be read (Is a directory)"),
            ("endless", "endless.md has no <!-- end --> after its section memory: write it there."),
            (".", "has no name: give another --out."),
        ],
    )
    def test_unwritable_output_is_reported_before_any_training(
        self,
        out: str,
        sentence: str,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        def fail_if_called(*_: object) -> NoReturn:
            raise AssertionError

        monkeypatch.setitem(EXPERIMENTS, "memory", replace(EXPERIMENTS["memory"], measure=fail_if_called))
        monkeypatch.chdir(tmp_path)
        Path("file").write_text("mine")
        Path("bytes.md").write_bytes(b"\xff\xfe")
        Path("folder.md").mkdir()
        Path("runs").mkdir()
        Path("runs", "runs").write_text("mine")
        Path("endless.md").write_text("<!-- study: setup -->\n<!-- end -->\n<!-- study: memory -->\n")
        assert train.main(["study", "--quick", "--jobs", "1", "--out", out]) == 2
        error = capsys.readouterr().err
        assert sentence in error
        assert error.count("\n") == 1

    @pytest.mark.usefixtures("blank_figures")
    def test_folder_name_with_markup_is_printed_as_it_is(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train.main(["study", "--quick", "--seeds", "1", "--jobs", "1", "--out", str(tmp_path / "look[/b]")]) == 0
        assert "look[/b].md" in "".join(capsys.readouterr().out.split())

    @pytest.mark.parametrize(
        ("option", "value", "bounds"),
        [("--seeds", "0", "1 to 1,000"), ("--seeds", "1001", "1 to 1,000"), ("--jobs", "100000", "1 to 256")],
    )
    def test_number_out_of_bounds_is_refused_with_the_bounds(
        self, option: str, value: str, bounds: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert train.main(["study", option, value]) == 2
        assert f"{value!r} is not a whole number from {bounds}" in capsys.readouterr().err


class TestPages:
    @pytest.fixture
    def out(self, tmp_path: Path) -> Path:
        (tmp_path / "look").mkdir()
        (tmp_path / "look" / "numbers.json").write_bytes(NUMBERS.read_bytes())
        return tmp_path / "look"

    def test_pages_are_written(
        self, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "require", lambda *_: None)
        drawn = SimpleNamespace(build_pages=lambda numbers: {"index.html": str(numbers["seconds"])})
        monkeypatch.setitem(sys.modules, "classifiers.study.pages.build", drawn)
        assert train.main(["study", "--pages", "--out", str(out)]) == 0
        assert (out / "pages" / "index.html").read_text() == str(json.loads(NUMBERS.read_bytes())["seconds"])
        assert "which any browser opens" in " ".join(capsys.readouterr().out.split())
        assert not out.with_suffix(".md").exists()

    def test_missing_altair_is_reported_before_any_computation(
        self, out: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setitem(sys.modules, "altair", None)
        monkeypatch.setitem(sys.modules, "classifiers.study.pages.build", SimpleNamespace(build_pages=pytest.fail))
        assert train.main(["study", "--pages", "--out", str(out)]) == 2
        assert capsys.readouterr().err == f"{MissingExtraError('Drawing the pages', 'pages')}\n"

    def test_missing_numbers_are_reported(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(command, "require", lambda *_: None)
        monkeypatch.setitem(sys.modules, "classifiers.study.pages.build", SimpleNamespace(build_pages=dict))
        assert train.main(["study", "--pages", "--out", str(tmp_path / "none")]) == 2
        assert "measure everything first, without --redraw, --pages or --only." in capsys.readouterr().err
        assert not (tmp_path / "none").exists()
