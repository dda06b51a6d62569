"""Define how a training run reports its progress; `classifiers.training.console` shows it in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from classifiers.training.history import Epoch

Item = TypeVar("Item")


class Bar(Protocol):
    """The progress of one network's training."""

    def on_batch(self, number: int, loss: float) -> None:
        """Show that another batch of epoch `number` is done, with the mean loss since the start of the epoch."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Show a finished epoch's score."""


class NullReporter:
    """A `Reporter` and `Bar` that shows nothing, for processes that train together with one that reports."""

    def say(self, line: str) -> None:
        """See `Reporter`."""

    @contextmanager
    def bar(self, title: str, epochs: int, steps: int, dev_name: str) -> Iterator[Bar]:
        """See `Reporter`."""
        del title, epochs, steps, dev_name
        yield self

    def track(self, items: Iterable[Item], total: int, description: str) -> Iterable[Item]:
        """See `Reporter`."""
        del total, description
        return items

    def on_batch(self, number: int, loss: float) -> None:
        """See `Bar`."""

    def on_epoch(self, epoch: Epoch) -> None:
        """See `Bar`."""


class Reporter(Protocol):
    """An object that shows the progress of a run."""

    def say(self, line: str) -> None:
        """Show a line of text."""

    def bar(self, title: str, epochs: int, steps: int, dev_name: str) -> AbstractContextManager[Bar]:
        """Start a network's progress bar: the epochs, the batches in each, and the name of the dev split."""

    def track(self, items: Iterable[Item], total: int, description: str) -> Iterable[Item]:
        """Return an iterator over the items that shows how many of `total` have been taken."""
