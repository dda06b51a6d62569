"""One answer for each person and question, where answers are only counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cachetools import TTLCache

REMEMBERED = 86_400.0
"""Seconds for which it is known who has answered."""

MOST_REMEMBERED = 10_000


class OneEach:
    """Remembers who has answered about what, by their ids and without the answer, so that each person counts once.

    It is in memory alone, for a day and for so many answers at most.
    """

    def __init__(self) -> None:
        """Start with nobody who has answered."""
        # From the person who answered and the subject asked about to the question that was answered.
        self._answered: TTLCache[tuple[int, int], int] = TTLCache(MOST_REMEMBERED, REMEMBERED)

    def answered(self, user_id: int, subject_id: int) -> int | None:
        """Return the id of the question that a person has answered about a subject; None if they have not yet."""
        return self._answered.get((user_id, subject_id))

    @contextmanager
    def counting(self, user_id: int, subject_id: int, question_id: int) -> Iterator[None]:
        """Remember an answer while the block counts it, and afterwards, unless the block raises an exception.

        It is remembered from the beginning, so that the second press of a double click finds it.

        Args:
            user_id: who answers.
            subject_id: what was asked about, such as a message.
            question_id: the question itself, of which there may be several about one subject.
        """
        self._answered[user_id, subject_id] = question_id
        try:
            yield
        except BaseException:
            self._answered.pop((user_id, subject_id), None)
            raise
