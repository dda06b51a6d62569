"""Texts that are longer than what a network reads at once, cut into overlapping windows.

The networks learnt from texts of at most a few dozen tokens. What the mean of windows is worth on longer ones, compared
with one pass over the whole, is in docs/models.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, pairwise

from classifiers.nn.arrays import Array


def windows(numbers: Sequence[int], size: int) -> list[Sequence[int]]:
    """Return stretches of at most `size` token numbers that cover a sequence; a short one is the only stretch.

    They are as few as can be and of nearly equal length, and each overlaps with half of the one before.
    """
    count = max(-(-2 * len(numbers) // size) - 1, 1)
    cuts = [round(place * len(numbers) / (count + 1)) for place in range(count + 2)]
    return [numbers[start:stop] for start, stop in zip(cuts, cuts[2:], strict=False)]


def answers_to_windows(
    sequences: Sequence[Sequence[int]], size: int, answer: Callable[[Sequence[Sequence[int]]], Array]
) -> list[Array]:
    """Return a network's answers to the windows of each sequence, an array (windows, labels) for each.

    Args:
        sequences: token numbers of at least one text.
        size: how many of them the network reads at once.
        answer: from windows to probabilities (windows, labels).
    """
    cut = [windows(numbers, size) for numbers in sequences]
    answers = answer([window for each in cut for window in each])
    return [answers[start:stop] for start, stop in pairwise(accumulate(map(len, cut), initial=0))]
