"""Which exercises there are, and where their files stand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifiers.exercises import broken_lstm, forty_steps, rnn_backward, vanishing_line
from classifiers.exercises.attempt import Attempt

FOLDER = Path(__file__).parents[2] / "docs" / "course" / "exercises"
"""Where a clone of the repository has the files; a wheel has none."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise of the course.

    Attributes:
        title: what is to be done, as a heading.
        file: the name of the file to be edited, in `FOLDER`; that of its solution in the folder of solutions.
        check: returns what has been shown of an answer, or raises an `ExerciseError` that says what is wrong.
    """

    title: str
    file: str
    check: Callable[[Attempt], str]


EXERCISES = (
    Exercise("Write the backward pass of an RNN", "1_rnn_backward.py", rnn_backward.check),
    Exercise("Find the bug in an LSTM", "2_broken_lstm.py", broken_lstm.check),
    Exercise("Make a forget gate hold a letter for forty steps", "3_forty_steps.py", forty_steps.check),
    Exercise("Predict how fast the gradient vanishes", "4_vanishing_line.py", vanishing_line.check),
)
