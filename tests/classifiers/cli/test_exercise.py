"""`python -m classifiers exercise`, called as a student would."""

import re
import shlex
from pathlib import Path

import pytest

from classifiers.cli import main
from classifiers.exercises import catalogue
from classifiers.exercises.catalogue import EXERCISES, FOLDER

ROOT = FOLDER.parents[2]


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def solution(number: int) -> str:
    return str(FOLDER / "solutions" / EXERCISES[number - 1].file)


def test_without_a_number_the_exercises_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exercise"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert [line[0] for line in shown[:4]] == ["1", "2", "3", "4"]
    assert [line.split()[-1] for line in shown[:4]] == [f"docs/course/exercises/{each.file}" for each in EXERCISES]
    assert shown[-1].endswith("python -m classifiers exercise 1")


@pytest.mark.parametrize("number", range(1, 5))
def test_a_solution_passes(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exercise", str(number), "--file", solution(number)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Solved: ")
    assert captured.err == ""


@pytest.mark.parametrize("number", range(1, 5))
def test_the_file_as_delivered_fails_in_one_sentence(number: int, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["exercise", str(number)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert re.search(r": (do what|follow|let) .*\.\n$", captured.err)


def test_an_exception_in_the_answer_is_reported_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text("def backward(dh, x, h, W, U):\n    return V\n", encoding="utf-8")
    assert main(["exercise", "1", "--file", str(tmp_path / "mine.py")]) == 2
    expected = f"Line 2 of {tmp_path / 'mine.py'}, `return V`, raised NameError: name 'V' is not defined.\n"
    assert capsys.readouterr().err == expected


def test_full_path_is_shown_from_another_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["exercise", "1"]) == 2
    assert capsys.readouterr().err.startswith(f"{FOLDER / EXERCISES[0].file} is still to be written")


def test_installed_wheel_lists_no_exercises_but_checks_a_given_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path / "docs" / "course" / "exercises")
    for words in (["exercise"], ["exercise", "2"]):
        assert main(words) == 2
        assert capsys.readouterr().err == (
            "The exercises come with the repository, not with the installed package: clone "
            "https://github.com/emobot-project/emobot and run this command in its folder.\n"
        )
    assert main(["exercise", "2", "--file", solution(2)]) == 0


def test_a_deleted_exercise_is_reported_with_how_to_restore_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue, "FOLDER", tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(["exercise", "1"]) == 2
    assert capsys.readouterr().err == "1_rnn_backward.py is missing: run `git checkout 1_rnn_backward.py`.\n"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("exercise 5", "'5' is not a whole number from 1 to 4: see"),
        ("exercise two", "'two' is not a whole number from 1 to 4: see"),
        ("exercise --file mine.py", "Invalid value for '--file': File 'mine.py' does not exist: see"),
        ("exercise 1 --file docs", "Invalid value for '--file': File 'docs' is a directory: see"),
        ("exercise --file README.md", "Give the number of the exercise before --file: see"),
    ],
)
def test_wrong_usage_is_reported_in_one_sentence(words: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(shlex.split(words)) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.err.endswith("`python -m classifiers exercise --help`.\n")
    assert captured.err.count("\n") == 1
