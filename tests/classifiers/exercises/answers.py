"""Provide answers to the exercises, right and wrong: the solutions, and changed versions of them."""

from pathlib import Path

from classifiers.exercises.attempt import Attempt
from classifiers.exercises.catalogue import FOLDER


def stub(name: str) -> Attempt:
    return Attempt(FOLDER / name)


def solution(name: str) -> Attempt:
    return Attempt(FOLDER / "solutions" / name)


def changed_solution(folder: Path, name: str, *changes: tuple[str, str]) -> Attempt:
    """Return the solution with pieces of its code replaced."""
    source = (FOLDER / "solutions" / name).read_text(encoding="utf-8")
    for old, new in changes:
        assert source.count(old) == 1, old
        source = source.replace(old, new)
    return written(folder, source)


def written(folder: Path, source: str) -> Attempt:
    (folder / "answer.py").write_text(source, encoding="utf-8")
    return Attempt(folder / "answer.py")
