"""Errors in a student's file are reported in one sentence, with their line."""

import os
from pathlib import Path

import numpy as np
import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises.attempt import Attempt
from tests.classifiers.exercises.answers import written


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (
            "def answer(x):\n    y = x\n    return y @ W\n",
            "Line 3 of {}, `return y @ W`, raised NameError: name 'W' is not defined.",
        ),
        (
            "def answer(x):\n    return deeper(x)\ndef deeper(x):\n    return 1 / 0\n",
            "Line 4 of {}, `return 1 / 0`, raised ZeroDivisionError: division by zero.",
        ),
        (
            "import numpy as np\ndef answer(x):\n    return np.linalg.inv(np.zeros((2, 2)))\n",
            "Line 3 of {}, `return np.linalg.inv(np.zeros((2, 2)))`, raised LinAlgError: Singular matrix.",
        ),
        ("def answer(x):\n    assert x is None\n", "Line 2 of {}, `assert x is None`, raised AssertionError."),
        (
            "import sys\ndef answer(x):\n    sys.exit('bye')\n",
            "Line 3 of {}, `sys.exit('bye')`, raised SystemExit: bye.",
        ),
        (
            "def answer(x, y):\n    return x\n",
            "`answer` cannot be called: TypeError: answer() missing 1 required positional argument: 'y'.",
        ),
        ("def another(x):\n    return x\n", "{} has no function `answer`: write it under this name."),
        ("answer = 3\n", "{} has no function `answer`: write it under this name."),
        (
            "def answer(x):\n    raise NotImplementedError\n",
            "{} is still to be written: do what the text at its top says, then run this again.",
        ),
        (
            "raise NotImplementedError\n",
            "{} is still to be written: do what the text at its top says, then run this again.",
        ),
        ("def answer(x)\n    return x\n", "Line 1 of {} is not valid Python: expected ':'."),
        ("x = 1\n\ny = x +\n", "Line 3 of {} is not valid Python: invalid syntax."),
        ("import nowhere\n", "Line 1 of {}, `import nowhere`, raised ModuleNotFoundError: No module named 'nowhere'."),
    ],
)
def test_exception_is_reported_with_its_line(source: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(ExerciseError) as caught:
        written(tmp_path, source).call("answer", np.zeros(2))
    assert str(caught.value) == sentence.format(tmp_path / "answer.py")


def test_long_exception_messages_are_cut(tmp_path: Path) -> None:
    with pytest.raises(ExerciseError) as caught:
        written(tmp_path, "def answer():\n    raise ValueError('long ' * 1000 + chr(10) + 'second')\n").call("answer")
    assert len(str(caught.value)) < 200 + 200
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x = '\0'\n"])
def test_file_that_is_not_text_is_reported_by_name(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "answer.py").write_bytes(content)
    with pytest.raises(ExerciseError, match=r"^(?!Line None).*answer\.py "):
        Attempt(tmp_path / "answer.py")


def test_ctrl_c_is_not_reported_as_an_exception_of_the_answer(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, "def answer():\n    raise KeyboardInterrupt\n").call("answer")


def test_answer_cannot_change_the_arguments_of_its_caller(tmp_path: Path) -> None:
    x = np.zeros(2)
    attempt = written(tmp_path, "def answer(x):\n    x += 1\n    return x\n")
    assert attempt.call("answer", x).tolist() == [1, 1]
    assert x.tolist() == [0, 0]


def test_edited_file_is_read_again(tmp_path: Path) -> None:
    assert written(tmp_path, "def answer():\n    return 1\n").call("answer") == 1
    assert written(tmp_path, "def answer():\n    return 2\n").call("answer") == 2


def test_device_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "device.py").symlink_to(os.devnull)
    with pytest.raises(ExerciseError, match="it is a device"):
        Attempt(tmp_path / "device.py")
