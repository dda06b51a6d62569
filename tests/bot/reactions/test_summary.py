from __future__ import annotations

from bot.reactions.outcomes import Outcome
from bot.reactions.summary import Summary
from tests.bot.clock import ManualClock


def test_minute_with_refusals_is_summarised_once() -> None:
    clock = ManualClock()
    summary = Summary(clock)
    for outcome in (Outcome.REACTED, Outcome.FORBIDDEN, Outcome.FORBIDDEN, Outcome.UNSURE):
        assert summary.add(outcome) is None
        clock.now += 19.75  # the last one after 59.25 s
    assert summary.add(Outcome.REACTED) == "Of 4 messages in 79 s: 2 forbidden, 1 reacted, 1 unsure."
    assert summary.add(Outcome.REACTED) is None
    clock.now += 60
    assert summary.add(Outcome.REACTED) is None


def test_minutes_without_refusals_are_not_logged() -> None:
    clock = ManualClock()
    summary = Summary(clock)
    for _ in range(10):
        assert summary.add(Outcome.COOLING_DOWN) is None
        clock.now += 40


def test_refusal_does_not_count_for_the_next_minute() -> None:
    clock = ManualClock()
    summary = Summary(clock)
    summary.add(Outcome.HELD_BACK)
    clock.now += 90
    assert summary.add(Outcome.HELD_BACK) == "Of 1 messages in 90 s: 1 held back."
    clock.now += 60
    assert summary.add(Outcome.REACTED) == "Of 1 messages in 60 s: 1 held back."
    clock.now += 60
    assert summary.add(Outcome.REACTED) is None
