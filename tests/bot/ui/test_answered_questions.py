from __future__ import annotations

import pytest

from bot.ui.answered_questions import AnsweredQuestions


def test_each_person_counts_once_per_subject() -> None:
    answered = AnsweredQuestions()
    with answered.remember(1, 10, 100):
        assert answered.get(1, 10) == 100
    assert answered.get(1, 10) == 100
    assert answered.get(1, 11) is None
    assert answered.get(2, 10) is None


def test_failed_count_can_be_repeated() -> None:
    answered = AnsweredQuestions()
    with pytest.raises(ValueError, match="no"), answered.remember(1, 10, 100):
        raise ValueError("no")
    assert answered.get(1, 10) is None
