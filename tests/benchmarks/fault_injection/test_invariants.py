from __future__ import annotations

import json

import pytest

from benchmarks.fault_injection.invariants import (
    ACCEPTED_PER_REFUSAL,
    ALLOWED_GROWTH,
    REFUSAL_LIMIT,
    Refusals,
    Written,
    count_errors,
    double_reactions,
    log_problems,
    refusal_problems,
    refusals,
    resource_leaks,
    unwanted_reactions,
)
from benchmarks.fault_injection.supervisor import Size
from benchmarks.gateway.api import ApiRequest
from benchmarks.gateway.rest import Reaction


def asked(status: int, at: float, scope: str | None = None, method: str = "PUT") -> ApiRequest:
    return ApiRequest(method, "/", status, at, scope)


def test_a_second_reaction_to_a_message_breaks_a_promise() -> None:
    written = {1: Written(0.0, wanted=True), 2: Written(0.0, wanted=True)}
    once, again = [Reaction(1, "🎉", 0.0), Reaction(2, "🎉", 0.0)], Reaction(2, "😢", 9.0)
    assert double_reactions(once, [], written) == []
    assert double_reactions([*once, again], [(2, "🎉")], written) == ["2 reactions to message 2, which was not edited"]


def test_an_edit_may_replace_a_reaction_but_not_add_one() -> None:
    written = {1: Written(0.0, wanted=True, edited_at=1.0)}
    replaced = [Reaction(1, "🎉", 0.0), Reaction(1, "😢", 1.0), Reaction(1, "🎉", 2.0)]
    assert double_reactions(replaced, [(1, "🎉"), (1, "😢")], written) == []
    assert double_reactions(replaced, [(1, "🎉")], written) == ["2 reactions are left on message 1"]


def test_an_unwanted_reaction_breaks_a_promise() -> None:
    written = {1: Written(0.0, wanted=True), 2: Written(0.0, wanted=False)}
    assert unwanted_reactions([Reaction(1, "🎉", 0.0)], written) == []
    assert len(unwanted_reactions([Reaction(2, "🎉", 0.0)], written)) == 1


def test_refusals_are_counted_in_a_row_and_in_ten_minutes() -> None:
    storm = [asked(status, second) for second, status in enumerate([403, 429, 204, 401])]
    assert refusals([]) == Refusals(0, 0, -REFUSAL_LIMIT)
    assert refusals(storm) == Refusals(2, 3, 3 - REFUSAL_LIMIT)
    assert refusals([*storm, asked(403, 601.5)]) == Refusals(2, 3, 3 - REFUSAL_LIMIT)  # the first two are forgotten


@pytest.mark.parametrize("other", [asked(404, 1.0), asked(500, 1.0), asked(429, 1.0, "shared")])
def test_answers_that_do_not_count_towards_a_ban_are_not_counted_as_refusals(other: ApiRequest) -> None:
    assert refusals([other]).in_ten_minutes == 0


def test_an_accepted_get_does_not_end_a_row_of_refusals() -> None:
    assert refusals([asked(403, 0.0), asked(200, 1.0, method="GET"), asked(403, 2.0)]).in_a_row == 2


def test_too_many_refusals_break_a_promise_in_a_row_and_in_ten_minutes() -> None:
    accepted, refused = asked(204, 0.0), asked(403, 0.0)
    assert refusal_problems(refusals([refused] * REFUSAL_LIMIT)) == []
    assert len(refusal_problems(refusals([refused] * (REFUSAL_LIMIT + 1)))) == 2
    rows = [accepted] * 4 * ACCEPTED_PER_REFUSAL + [*[refused] * REFUSAL_LIMIT, accepted] + [refused] * 4
    assert refusal_problems(refusals(rows)) == []
    assert refusal_problems(refusals([*rows, refused])) == ["1 requests too many were refused in ten minutes"]


def test_growth_of_the_idle_process_breaks_a_promise() -> None:
    first = Size(150 * 2**20, 8, 7, 20)
    most = Size(*(before + growth for before, growth in zip(first, ALLOWED_GROWTH, strict=True)))
    assert resource_leaks(first, most) == []
    assert len(resource_leaks(first, Size(*(number + 1 for number in most)))) == 4
    assert resource_leaks(first, most._replace(tasks=first.tasks + ALLOWED_GROWTH.tasks + 1)) == [
        "tasks when idle: 8 at first, 13 now"
    ]


@pytest.mark.parametrize(("lost", "sound"), [(10, True), (14, True), (15, False), (-6, True), (-7, False)])
def test_counts_may_differ_only_by_what_may_be_lost_or_kept_and_by_sampling(lost: int, sound: bool) -> None:
    assert (count_errors(lost, may_be_lost=10, may_be_kept=2, sampling_error=4.0) == []) is sound


TEXTS = ["hi", "what a happy day it was"]
ENTRY = {"level": "ERROR", "logger": "discord.client", "message": "Attempting a reconnect"}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(ENTRY),
        json.dumps(
            {**ENTRY, "level": "WARNING", "logger": "bot.client", "message": "this"}
        ),  # "hi" is too short to count
        "Discord does not accept the DISCORD_TOKEN: make another.",
        "[]",
    ],
)
def test_a_clean_log_breaks_no_promise(line: str) -> None:
    assert log_problems([line], TEXTS) == []


@pytest.mark.parametrize(
    "line",
    [
        json.dumps({**ENTRY, "traceback": "  File ..."}),
        json.dumps({**ENTRY, "logger": "bot.errors"}),
        json.dumps({**ENTRY, "message": f"Message: {TEXTS[1]}"}),
        "Traceback (most recent call last):",
        '  File "bot.py", line 1',
    ],
)
def test_a_traceback_an_error_or_a_text_in_the_log_breaks_a_promise(line: str) -> None:
    assert len(log_problems([line], TEXTS)) == 1
