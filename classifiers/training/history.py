"""Record the history of a training run: its epochs, and the state of the network after the best one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from classifiers.nn.arrays import Array


@dataclass(frozen=True, slots=True)
class Epoch:
    """The results of one epoch.

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
class History:
    """The epochs of a training run, and the state of the network after the best one.

    Attributes:
        epochs: the finished epochs.
        best_state: the state after the best epoch; empty before the first epoch has finished.
        interrupted: whether Ctrl-C ended the run.
    """

    epochs: list[Epoch] = field(default_factory=list)
    best_state: dict[str, Array] = field(default_factory=dict)
    interrupted: bool = False

    def with_epoch(self, epoch: Epoch, state: dict[str, Array]) -> History:
        """Return this history with one more epoch, after which the network has this state."""
        epochs = [*self.epochs, epoch]
        return History(epochs, state if choose_best(epochs) is epoch else self.best_state)

    @property
    def best_weights(self) -> dict[str, Array]:
        """The network's weights in `best_state`, by the names that `classifiers.nn.network` gives them."""
        prefix = "network/"
        return {key.removeprefix(prefix): array for key, array in self.best_state.items() if key.startswith(prefix)}

    @property
    def best_epoch(self) -> Epoch:
        """The epoch after which the network has `best_state`."""
        return choose_best(self.epochs)


def choose_best(epochs: Sequence[Epoch]) -> Epoch:
    """Return the epoch with the lowest dev loss, which is less noisy than the score; a settled one if there is any."""
    return min(epochs, key=lambda epoch: (not epoch.settled, epoch.dev_loss))
