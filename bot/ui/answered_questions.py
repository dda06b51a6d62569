"""Remember who has answered which question, where answers are only counted, so that nobody is counted twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cachetools import TTLCache

REMEMBERED_FOR = 86_400.0
"""Seconds for which an answer is remembered: a day."""

MAX_REMEMBERED = 10_000


class AnsweredQuestions:
    """Remembers who has answered a question about which subject, by their ids and without the answer.

    It is kept only in memory, for a day at most and for a limited number of answers.
    """

    def __init__(self) -> None:
        """Start with no answers."""
        # Maps the person who answered and the subject to the question that was answered.
        self._answered: TTLCache[tuple[int, int], int] = TTLCache(MAX_REMEMBERED, REMEMBERED_FOR)

    def get(self, user_id: int, subject_id: int) -> int | None:
        """Return the id of the question that a person has answered about a subject; None if they have not yet."""
        return self._answered.get((user_id, subject_id))

    @contextmanager
    def remember(self, user_id: int, subject_id: int, question_id: int) -> Iterator[None]:
        """Remember an answer from the start of the block, which counts it; forget it if the block raises an exception.

        It is remembered from the start so that the second press of a double click finds it.

        Args:
            user_id: the person who answers.
            subject_id: the subject of the question, such as a message.
            question_id: the question; there may be several about one subject.
        """
        self._answered[user_id, subject_id] = question_id
        try:
            yield
        except BaseException:
            self._answered.pop((user_id, subject_id), None)
            raise
