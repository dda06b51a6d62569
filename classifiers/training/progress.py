"""What a run tells while it trains, to whatever shows it: `classifiers.training.console` does in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, TypeVar

from classifiers.training.history import Epoch

Item = TypeVar("Item")


class Bar(Protocol):
    """The progress of one network's training."""

    def on_batch(self, number: int, loss: float) -> None:
        """Show that another batch of epoch `number` is done, with the mean loss since the epoch began."""

    def on_epoch(self, epoch: Epoch) -> None:
        """Show a finished epoch's score."""


class Quiet:
    """A `Reporter` and `Bar` that says nothing, for a process that trains along with one that does."""

    def say(self, line: str) -> None:
        """See `Reporter`."""

    @contextmanager
    def bar(self, title: str, epochs: int, steps: int, judged_on: str) -> Iterator[Bar]:
        """See `Reporter`."""
        del title, epochs, steps, judged_on
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
    """What a run needs to tell of its progress."""

    def say(self, line: str) -> None:
        """Tell a line of text."""

    def bar(self, title: str, epochs: int, steps: int, judged_on: str) -> AbstractContextManager[Bar]:
        """Open the progress of a training of so many epochs with so many batches each, each judged on dev or train."""

    def track(self, items: Iterable[Item], total: int, description: str) -> Iterable[Item]:
        """Return the items, and tell of how many of `total` have been taken."""
