"""Define the errors that this package raises on purpose, each with one sentence that a user can act on.

    ClassifiersError
    ├── CheckpointError       a stopped training run that cannot be continued
    ├── DatasetError          a data set that is missing, damaged or malformed
    ├── ExerciseError         an answer to an exercise of the course that is not right yet
    ├── MissingExtraError     an optional package that this command needs
    ├── ModelDirectoryError   a model directory that is missing, damaged, or something else
    └── WorkerLostError       the loss of another process that trained with this one

A command line prints the text of any of them and exits with status 2, except after a `WorkerLostError`: then `train.py`
starts again, or says that it has to be started again.
"""

from __future__ import annotations

import importlib.util


class ClassifiersError(Exception):
    """Base of all errors raised on purpose in this package; its text is one sentence for the user."""


class CheckpointError(ClassifiersError):
    """A stopped training run cannot be continued."""


class DatasetError(ClassifiersError):
    """A data set cannot be downloaded or read."""


class ExerciseError(ClassifiersError):
    """An answer to an exercise of the course is not right yet, or there is none."""


def install(extra: str) -> str:
    """Return the command that installs an extra, in a clone or beside a wheel, and in any shell."""
    return f'pip install "emobot[{extra}]"'


def counted(number: int, noun: str) -> str:
    """Return a number of things for a sentence: 1 text, 2,000 texts."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class MissingExtraError(ClassifiersError):
    """A command needs packages of an extra that is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs more packages: run `{install(extra)}`.")


class ModelDirectoryError(ClassifiersError):
    """A model directory cannot be loaded or written."""


class WorkerLostError(ClassifiersError):
    """Another process that trained with this one was lost, so this one must restart."""


def require(purpose: str, extra: str, *modules: str) -> None:
    """Make sure that modules are installed, without loading them.

    Raises:
        MissingExtraError: one of them is not installed; the sentence names `purpose` and `extra`.
    """
    if any(importlib.util.find_spec(module) is None for module in modules):
        raise MissingExtraError(purpose, extra)
