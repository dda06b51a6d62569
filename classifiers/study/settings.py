"""Define the sizes of the study: in full, and for a quick trial."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from classifiers.training.recipes import Recipe

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


@dataclass(frozen=True, slots=True)
class Settings:
    """The size of the study.

    Attributes:
        units: units of each recurrent layer, and size of the embeddings.
        letters: number of different letters in the memory task.
        distances: steps between the marked letter and either end of the sequence.
        updates: updates of each network in the memory task.
        batch_size: sequences for each update.
        learning_rate: peak learning rate.
        probes: number of sequences on which accuracy and gradients are measured.
        texts: number of GoEmotions' training texts that are used.
        epochs: how often each of these texts is seen.
        reach: how many steps back the gradient is measured on GoEmotions, on dev texts that are long enough.
    """

    units: int
    letters: int
    distances: tuple[int, ...]
    updates: int
    batch_size: int
    learning_rate: float
    probes: int
    texts: int
    epochs: int
    reach: int

    @property
    def shown(self) -> int:
        """The distance whose gradients are reported, which some networks learn and others do not."""
        return self.distances[-2]

    def recipe(self, clip_norm: float, seed: int) -> Recipe:
        """Return the recipe of a training run with these settings, without dropout and weight decay."""
        return Recipe(
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            embedding=self.units,
            dropout=0.0,
            word_dropout=0.0,
            weight_decay=0.0,
            clip_norm=clip_norm,
            seed=seed,
        )


FULL = Settings(
    units=48,
    letters=8,
    distances=(2, 5, 10, 20, 40),
    updates=1000,
    batch_size=32,
    learning_rate=2e-3,
    probes=500,
    texts=8_000,
    epochs=2,
    reach=20,
)

FULL_LONG = replace(FULL, distances=(80,), updates=2000)
"""Settings of the experiment `long`: more updates at a longer distance."""

QUICK = Settings(
    units=12,
    letters=4,
    distances=(1, 2, 4),
    updates=40,
    batch_size=16,
    learning_rate=1e-2,
    probes=40,
    texts=200,
    epochs=1,
    reach=4,
)
"""Settings for a quick trial: the results have the right form but mean nothing."""

QUICK_LONG = replace(QUICK, distances=(6,))


def as_json(settings: DataclassInstance) -> dict[str, Any]:
    """Return settings in the form in which they are read back from a file."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(settings).items()}
