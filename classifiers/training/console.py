"""Show a run's progress in the terminal, as lines and a progress bar. Needs Rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn, track
from rich.table import Column

from classifiers.training.history import Epoch
from classifiers.training.progress import Bar, Item


class PersistentConsole(Console):
    """Prints names of data sets, labels and folders unchanged, and stops printing when nobody reads its output.

    Rich itself would end the process, and with it the training run.
    """

    def __init__(self) -> None:
        super().__init__(markup=False, emoji=False)

    def on_broken_pipe(self) -> None:
        """Print nothing more."""
        with suppress(SystemExit):
            super().on_broken_pipe()


class ConsoleReporter:
    """A `Reporter` that prints, with a progress bar where standard output is a terminal."""

    def __init__(self) -> None:
        self._console = PersistentConsole()

    def say(self, line: str) -> None:
        """See `Reporter`."""
        self._console.print(line, highlight=False, soft_wrap=True)

    @contextmanager
    def bar(self, title: str, epochs: int, steps: int, dev_name: str) -> Iterator[Bar]:
        """See `Reporter`; loss, score and remaining time are shown beside the bar."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn(f"loss {{task.fields[loss]:.4f}}, {dev_name} macro-F1 {{task.fields[score]:.3f}}"),
            TimeElapsedColumn(_whole_time()),
            TextColumn("left"),
            TimeRemainingColumn(table_column=_whole_time()),
        )
        with Progress(*columns, console=self._console) as progress:
            task = progress.add_task(title, total=epochs * steps, loss=np.nan, score=np.nan)
            try:
                yield _ConsoleBar(progress, task, title, epochs, steps)
            finally:
                if not progress.tasks[0].completed:  # the run was refused, or was complete already
                    progress.remove_task(task)

    def track(self, items: Iterable[Item], total: int, description: str) -> Iterable[Item]:
        """See `Reporter`."""
        return track(items, description, total, console=self._console)


def _whole_time() -> Column:
    """Return a column that stays wide enough for a time, so that only the bar shrinks in a narrow terminal."""
    return Column(no_wrap=True, min_width=7)


class _ConsoleBar:
    def __init__(self, progress: Progress, task: TaskID, title: str, epochs: int, steps: int) -> None:
        self._progress, self._task = progress, task
        self._title, self._epochs, self._steps = title, epochs, steps
        self._seen = 0

    def on_batch(self, number: int, loss: float) -> None:
        self._seen = self._seen % self._steps + 1
        self._progress.update(
            self._task,
            description=f"{self._title} epoch {number}/{self._epochs}",
            completed=(number - 1) * self._steps + self._seen,
            loss=loss,
        )

    def on_epoch(self, epoch: Epoch) -> None:
        self._progress.update(self._task, score=epoch.score)
