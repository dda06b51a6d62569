"""Cut texts that are longer than a network reads at once into overlapping windows.

The networks were trained on texts of at most a few dozen tokens. docs/models.md compares the mean over windows with a
single pass over the whole text.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np

from classifiers.nn.arrays import Array


def windows(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return windows of at most `size` token numbers that cover a sequence; a short sequence is its only window.

    There are as few windows as possible, of nearly equal length, and each overlaps half of the one before.
    """
    count = max(-(-2 * len(numbers) // size) - 1, 1)
    cuts = [round(place * len(numbers) / (count + 1)) for place in range(count + 2)]
    # A window of an odd size may begin at a half that is rounded down and end at one that is rounded up.
    return [numbers[start : min(stop, start + size)] for start, stop in zip(cuts, cuts[2:], strict=False)]


def split_all(sequences: Sequence[Sequence[int]], size: int) -> tuple[list[Sequence[int]], list[int]]:
    """Return the windows of all sequences, one after another, and the index of each sequence's first window.

    Args:
        sequences: the token numbers of at least one text.
        size: how many token numbers the network reads at once.
    """
    cut = [windows(numbers, size) for numbers in sequences]
    return [window for each in cut for window in each], list(accumulate(map(len, cut[:-1]), initial=0))


def mean_per_sequence(answers: Array, begins: Sequence[int]) -> Array:
    """Return the mean (sequences, labels) over each sequence's windows of the answers (windows, labels)."""
    counts = [[end - begin] for begin, end in pairwise([*begins, len(answers)])]
    return np.asarray(np.add.reduceat(answers, begins, axis=0) / np.array(counts, answers.dtype))


def min_per_sequence(answers: Array, begins: Sequence[int]) -> Array:
    """Return the minimum (sequences, labels) over each sequence's windows of the answers (windows, labels)."""
    return np.asarray(np.minimum.reduceat(answers, begins, axis=0))
