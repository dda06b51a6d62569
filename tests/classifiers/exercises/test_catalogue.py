"""The files of the exercises say what to do and how to check it."""

import re

import pytest

from classifiers.exercises.catalogue import EXERCISES, FOLDER, Exercise

README = (FOLDER / "README.md").read_text(encoding="utf-8")

each_exercise = pytest.mark.parametrize(
    ("number", "exercise"), list(enumerate(EXERCISES, start=1)), ids=[exercise.file for exercise in EXERCISES]
)


@each_exercise
def test_stub_names_its_number_its_check_and_its_chapter(number: int, exercise: Exercise) -> None:
    text = (FOLDER / exercise.file).read_text(encoding="utf-8")
    assert text.startswith(f'"""Exercise {number}: ')
    assert f"\n    python -m classifiers exercise {number}\n" in text
    chapter = re.search(r"Chapter (\d) of the course,\s(\.\./\1-[\w-]+\.md),", text)
    assert chapter
    assert f"](exercises/{exercise.file})" in (FOLDER / chapter[2]).read_text(encoding="utf-8")
    assert "import numpy as np\n" in text
    assert "classifiers." not in text, "it needs nothing of ours"


@each_exercise
def test_a_solution_says_why_it_is_right(number: int, exercise: Exercise) -> None:
    text = (FOLDER / "solutions" / exercise.file).read_text(encoding="utf-8")
    assert text.startswith(f'"""Exercise {number}, solved: ')


def test_folders_contain_only_files_of_the_exercises() -> None:
    names = [exercise.file for exercise in EXERCISES]
    for folder in (FOLDER, FOLDER / "solutions"):
        assert sorted(path.name for path in folder.glob("*.py")) == names


def test_readme_lists_every_exercise_and_its_links_exist() -> None:
    assert re.findall(r"^\| \[(.+?)\]", README, re.MULTILINE) == [exercise.file for exercise in EXERCISES]
    assert [target for target in re.findall(r"\]\((.+?)\)", README) if not (FOLDER / target).exists()] == []
