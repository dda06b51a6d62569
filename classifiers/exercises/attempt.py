"""Run a file with a student's answer."""

from __future__ import annotations

import runpy
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classifiers.errors import ExerciseError
from classifiers.files import refuse_device
from classifiers.nn.arrays import Array

_MAX_ERROR_TEXT = 200
"""The most characters of an exception's own text that are shown."""


class Attempt:
    """A student's file, which is run once; errors in it are reported in one sentence, with the line.

    Raises:
        ExerciseError: the file cannot be run.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._names = self._guarded(f"{file} cannot be run", lambda: _run(file))

    def call(self, name: str, *arrays: Array) -> Any:
        """Call a function of the file with copies of arrays, which it may change, and return its result.

        Raises:
            ExerciseError: there is no such function, it has not been written yet, or it raises an exception.
        """
        function = self._names.get(name)
        if not callable(function):
            raise ExerciseError(f"{self.file} has no function `{name}`: write it under this name.")
        return self._guarded(f"`{name}` cannot be called", lambda: function(*(array.copy() for array in arrays)))

    def _guarded(self, what: str, work: Callable[[], Any]) -> Any:
        try:
            return work()
        except NotImplementedError:
            raise ExerciseError(
                f"{self.file} is still to be written: do what the text at its top says, then run this again."
            ) from None
        except (Exception, SystemExit) as error:
            raise ExerciseError(self._describe_error(what, error)) from None

    def _describe_error(self, what: str, error: BaseException) -> str:
        """Return one sentence that says what was raised and, if it was in the file, at which line."""
        reason = (str(error).splitlines() or [""])[0][:_MAX_ERROR_TEXT].rstrip(".")
        said = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
        if isinstance(error, SyntaxError) and error.lineno:
            return f"Line {error.lineno} of {self.file} is not valid Python: {error.msg}."
        own = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(self.file)]
        if not own:
            return f"{what}: {said}."
        return f"Line {own[-1].lineno} of {self.file}, `{own[-1].line}`, raised {said}."


def _run(file: Path) -> dict[str, Any]:
    refuse_device(file)
    return runpy.run_path(str(file))
