from pathlib import Path

import numpy as np
import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises import vanishing_line
from classifiers.exercises.vanishing_line import check, measured_slope
from tests.classifiers.exercises.answers import solution, stub, written

NAME = "4_vanishing_line.py"


def test_the_solution_passes() -> None:
    assert check(solution(NAME)).startswith(
        "Solved: the slopes that you predict, and in brackets those measured, are -0.3"
    )


def test_unchanged_stub_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ExerciseError, match=r"4_vanishing_line\.py is still to be written: do what the text at its top"
    ):
        check(stub(NAME))


@pytest.mark.parametrize("factor", [0.5, 1.0, 1.1])
def test_the_slope_of_a_multiple_of_the_identity_is_its_logarithm(factor: float) -> None:
    assert measured_slope(factor * np.eye(4)) == pytest.approx(np.log10(factor), abs=1e-4)


def test_the_line_falls_faster_with_larger_inputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The docstring of the solution says so."""
    slopes = []
    for size in (1e-6, 1, 10):
        monkeypatch.setattr(vanishing_line, "_INPUT_SIZE", size)
        slopes.append(measured_slope(0.9 * np.eye(4)))
    assert slopes == sorted(slopes, reverse=True)


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("np.log10(np.linalg.norm(U, 2))", "The slopes are wrong: this is the logarithm of the largest singular value"),
        ("np.log10(np.linalg.norm(U))", "The slopes are wrong: this is the logarithm of the Frobenius norm"),
        ("np.log(np.abs(np.linalg.eigvals(U)).max())", "The slopes are wrong: this is the natural logarithm"),
        ("np.abs(np.linalg.eigvals(U)).max()", "The slopes are wrong: this is the factor for each step itself"),
        ("-np.log10(np.abs(np.linalg.eigvals(U)).max())", "The slopes are wrong: the sign is wrong"),
        ("np.log10(np.linalg.eigvals(U).real.max())", "wrong: this is the logarithm of the largest real part"),
        ("np.linalg.eigvals(U).max()", "`slope` returned a complex number: take the absolute values"),
        ("np.log10(np.abs(U).max())", r"For a matrix of spectral radius 0\.\d you predict"),
        ("0", r"For a matrix of spectral radius 0\.5 you predict a slope of 0\.000, but -0\.301 is measured"),
        ("np.linalg.eigvals(U)", "`slope` has to return one number, but returned something else"),
        ("None", "`slope` has to return one number, but returned something else"),
        ("float('nan')", "`slope` has to return a finite number, but returned nan"),
    ],
)  # fmt: skip
def test_each_known_mistake_is_reported_with_its_hint(value: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=hint):
        check(written(tmp_path, f"import numpy as np\n\n\ndef slope(U):\n    return {value}\n"))
