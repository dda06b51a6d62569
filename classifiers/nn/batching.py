"""Turn sequences of token numbers into padded batches, for training and for inference."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence, Sized
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

import numpy as np

from classifiers.nn.arrays import Array

PADDING, UNKNOWN = 0, 1
"""The two token numbers that are not words: the padding after a sequence, and any unknown word."""

Result = TypeVar("Result")
Steps: TypeAlias = Generator[None, None, Result]
"""Work that can be interrupted: it yields after each long step, and finally returns its result."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Token numbers (time, batch), padded on the right, and the lengths (batch,) of the columns; int32."""

    ids: Array
    lengths: Array


@dataclass(frozen=True, slots=True)
class Examples:
    """Encoded texts and their targets (rows, labels), ready for a network."""

    sequences: Sequence[Sequence[int]]
    targets: Array

    def __len__(self) -> int:
        return len(self.sequences)


def pad(sequences: Sequence[Sequence[int]]) -> Batch:
    """Return sequences of token numbers, none of them empty, as the columns of one padded batch."""
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int32)
    ids = np.full((int(lengths.max()), len(sequences)), PADDING, dtype=np.int32)
    for column, sequence in enumerate(sequences):
        ids[: len(sequence), column] = sequence
    return Batch(ids, lengths)


def training_batches(
    examples: Examples, batch_size: int, rng: np.random.Generator, word_dropout: float = 0.0
) -> Iterator[tuple[Batch, Array]]:
    """Yield every example once, in random batches of nearly equal lengths, with their targets (batch, labels).

    Each word becomes UNKNOWN with probability `word_dropout`, so that the network learns to do without it
    (Iyyer and others, "Deep Unordered Composition", 2015).
    """
    lengths = np.array([len(sequence) for sequence in examples.sequences])
    order = np.lexsort((rng.random(len(lengths)), lengths))
    cuts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    for place in rng.permutation(len(cuts)):
        rows = cuts[place]
        batch = pad([examples.sequences[row] for row in rows])
        dropped = (rng.random(batch.ids.shape) < word_dropout) & (batch.ids != PADDING)
        yield Batch(np.where(dropped, np.int32(UNKNOWN), batch.ids), batch.lengths), examples.targets[rows]


def count_batches(examples: Sized, batch_size: int) -> int:
    """Return how many batches `training_batches` yields."""
    return -(-len(examples) // batch_size)


def logits_of(run: Callable[[Batch], Array], sequences: Sequence[Sequence[int]], batch_size: int = 32) -> Array:
    """Return logits (rows, labels) of all sequences through `run`, at most `batch_size` at once.

    Sequences are sorted by length first, since mixed lengths waste work on padding; the result is in the original
    order.
    """
    return complete(logits_in_steps(run, sequences, batch_size))


def logits_in_steps(run: Callable[[Batch], Array], sequences: Sequence[Sequence[int]], batch_size: int) -> Steps[Array]:
    """Do the same as `logits_of`, with one batch in each step."""
    order = sorted(range(len(sequences)), key=lambda row: len(sequences[row]))
    cuts = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    parts = []
    for cut in cuts:
        parts.append(run(pad([sequences[row] for row in cut])))
        yield
    sorted_logits = np.concatenate(parts)
    logits = np.empty_like(sorted_logits)
    logits[order] = sorted_logits
    return logits


def complete(steps: Steps[Result]) -> Result:
    """Return the result of all steps, taken without interruption."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: Result = end.value
            return result
