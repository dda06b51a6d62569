from __future__ import annotations

from functools import partial

import pytest
from cachetools import TTLCache

from bot.ui.answered_questions import AnsweredQuestions
from tests.bot.clock import ManualClock


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


def test_an_answer_is_forgotten_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    monkeypatch.setattr("bot.ui.answered_questions.TTLCache", partial(TTLCache, timer=clock))
    answered = AnsweredQuestions()
    with answered.remember(1, 10, 100):
        clock.now += 86_399
    assert answered.get(1, 10) == 100
    clock.now += 1
    assert answered.get(1, 10) is None
