"""List the exercises, and say where their files are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from classifiers.exercises import broken_lstm, forty_steps, rnn_backward, vanishing_line
from classifiers.exercises.attempt import Attempt

FOLDER = Path(__file__).parents[2] / "docs" / "course" / "exercises"
"""The folder of the files in a clone of the repository; a wheel does not have them."""


@dataclass(frozen=True, slots=True)
class Exercise:
    """An exercise of the course.

    Attributes:
        title: the task, as a heading.
        file: the name of the file to be edited in `FOLDER`, and of its solution in the folder of solutions.
        check: returns what has been shown about an answer, or raises an `ExerciseError` that says what is wrong.
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
