from pathlib import Path

import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises.forty_steps import check
from tests.classifiers.exercises.answers import changed_solution, solution, stub

NAME = "3_forty_steps.py"


def test_the_solution_passes() -> None:
    assert check(solution(NAME)).startswith(
        "Solved: after 40 steps the first letter leads in each of 200 random sequences"
    )


def test_the_solution_without_the_mark_passes(tmp_path: Path) -> None:
    """The docstring of the solution describes it."""
    changes = (("W[mark, i] = 20", "U[:, i] = -40"), ("    b[i] = -10", "    b[i] = 10"))
    assert check(changed_solution(tmp_path, NAME, *changes)).startswith("Solved")


def test_unchanged_stub_is_refused_with_what_to_do() -> None:
    with pytest.raises(ExerciseError, match=r"the input gate is 0\.50 at the first step: let the mark open it\."):
        check(stub(NAME))


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("b[f] = 10", "b[f] = 1", r"the forget gate is 0\.73, and 0\.73 to the power of 40 leaves 4e-06 of it"),
        ("b[f] = 10", "b[f] = 4", r"the forget gate is 0\.98, and 0\.98 to the power of 40 leaves 0\.5 of it"),
        ("    b[i] = -10", "    b[i] = 10", r"get into the cells too, because the input gate is still 1\.00"),
        ("    b[i] = -10", "    pass", r"get into the cells too, because the input gate is still 0\.50"),
        ("W[mark, i] = 20", "pass", r"does not get into its cell, because the input gate is 0\.00 at the first"),
        ("10 * np.eye(4)", "10", "let each letter raise the candidate of its own unit, and of no other"),
        ("10 * np.eye(4)", "-10 * np.eye(4)", "let each letter raise the candidate of its own unit, and of no other"),
        ("b[o] = 10", "pass", r"does not by 0\.5: the output gate is 0\.50 at the last step, so open it"),
        (" i, f, g, o =", " f, i, g, o =", "columns of the input gate and the forget gate are swapped"),
        (" i, f, g, o =", " i, f, o, g =", "columns of the candidate and the output gate are swapped"),
        ("return W, U, b", "return W.T, U, b", r"W has the shape \(16, 5\), but should have \(5, 16\)"),
        ("return W, U, b", "return W, b", "`weights` has to end with `return W, U, b`"),
    ],
)  # fmt: skip
def test_each_known_mistake_is_reported_with_its_hint(old: str, new: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=hint):
        check(changed_solution(tmp_path, NAME, (old, new)))
