"""The course of a training run: its epochs, and which of them is the best."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers.nn.arrays import Array


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of a training run's history.

    Attributes:
        number: the number of the epoch, from 1.
        loss: the mean training loss of the epoch, with dropout.
        dev_loss: the loss on dev after the epoch, at the network's best temperature at that point; otherwise a network
            that becomes overconfident would seem worse than it will be once calibrated.
        score: macro-F1 on dev after the epoch, with thresholds chosen there.
        seconds: the epoch's duration.
        settled: whether it may be chosen as the best epoch, see `recipes.Recipe.settled`.
    """

    number: int
    loss: float
    dev_loss: float
    score: float
    seconds: float
    settled: bool = True


@dataclass(slots=True)
class Training:
    """The epochs of one training run and the network's state after the best one.

    Attributes:
        epochs: the finished epochs.
        best: the state after the best epoch; empty before the first has finished.
        interrupted: whether Ctrl-C ended it.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best: dict[str, Array] = field(default_factory=dict)
    interrupted: bool = False

    def after(self, epoch: Epoch, state: dict[str, Array]) -> Training:
        """Return this training run with one more epoch, after which the network has this state."""
        epochs = [*self.epochs, epoch]
        return Training(epochs, state if best(epochs) is epoch else self.best)

    @property
    def weights(self) -> dict[str, Array]:
        """The network's weights in `best`, by the names that `classifiers.nn.network` gives them."""
        prefix = "network/"
        return {key.removeprefix(prefix): array for key, array in self.best.items() if key.startswith(prefix)}

    @property
    def best_epoch(self) -> Epoch:
        """The epoch whose state is kept as `best`."""
        return best(self.epochs)


def best(epochs: Sequence[Epoch]) -> Epoch:
    """Return the settled epoch with the lowest dev loss, which is less noisy than the score."""
    return min(epochs, key=lambda epoch: (not epoch.settled, epoch.dev_loss))
