from __future__ import annotations

import json

import pytest

from benchmarks.fault_injection.invariants import (
    BORNE,
    MOST_FILES,
    MOST_MEMORY,
    MOST_REFUSED,
    MOST_TASKS,
    MOST_THREADS,
    Refusals,
    Written,
    grown,
    log_unclean,
    miscounted,
    reactions_twice,
    reactions_unwanted,
    refusals,
    refused_too_often,
)
from benchmarks.fault_injection.supervisor import Size
from benchmarks.gateway.api import ApiRequest
from benchmarks.gateway.rest import Reaction


def asked(status: int, at: float, scope: str | None = None, method: str = "PUT") -> ApiRequest:
    return ApiRequest(method, "/", status, at, scope)


def test_a_second_reaction_to_a_message_breaks_a_promise() -> None:
    written = {1: Written(0.0, wanted=True), 2: Written(0.0, wanted=True)}
    once, again = [Reaction(1, "🎉", 0.0), Reaction(2, "🎉", 0.0)], Reaction(2, "😢", 9.0)
    assert reactions_twice(once, [], written) == []
    assert reactions_twice([*once, again], [(2, "🎉")], written) == [
        "2 reactions to message 2, which nobody has edited"
    ]


def test_an_edit_may_replace_a_reaction_but_not_add_one() -> None:
    written = {1: Written(0.0, wanted=True, edited_at=1.0)}
    replaced = [Reaction(1, "🎉", 0.0), Reaction(1, "😢", 1.0), Reaction(1, "🎉", 2.0)]
    assert reactions_twice(replaced, [(1, "🎉"), (1, "😢")], written) == []
    assert reactions_twice(replaced, [(1, "🎉")], written) == ["2 reactions are left at message 1"]


def test_a_reaction_that_somebody_does_not_want_breaks_a_promise() -> None:
    written = {1: Written(0.0, wanted=True), 2: Written(0.0, wanted=False)}
    assert reactions_unwanted([Reaction(1, "🎉", 0.0)], written) == []
    assert len(reactions_unwanted([Reaction(2, "🎉", 0.0)], written)) == 1


def test_refusals_are_counted_in_a_row_and_in_ten_minutes() -> None:
    storm = [asked(status, second) for second, status in enumerate([403, 429, 204, 401])]
    assert refusals([]) == Refusals(0, 0, -MOST_REFUSED)
    assert refusals(storm) == Refusals(2, 3, 3 - MOST_REFUSED)
    assert refusals([*storm, asked(403, 601.5)]) == Refusals(2, 3, 3 - MOST_REFUSED)  # the first two are forgotten


@pytest.mark.parametrize("other", [asked(404, 1.0), asked(500, 1.0), asked(429, 1.0, "shared")])
def test_answers_that_count_towards_no_ban_are_no_refusals(other: ApiRequest) -> None:
    assert refusals([other]).in_ten_minutes == 0


def test_that_discord_answers_what_only_reads_ends_no_row() -> None:
    assert refusals([asked(403, 0.0), asked(200, 1.0, method="GET"), asked(403, 2.0)]).in_a_row == 2


def test_too_many_refusals_break_a_promise_in_a_row_and_in_ten_minutes() -> None:
    accepted, refused = asked(204, 0.0), asked(403, 0.0)
    assert refused_too_often(refusals([refused] * MOST_REFUSED)) == []
    assert len(refused_too_often(refusals([refused] * (MOST_REFUSED + 1)))) == 2
    rows = [accepted] * 4 * BORNE + [*[refused] * MOST_REFUSED, accepted] + [refused] * 4
    assert refused_too_often(refusals(rows)) == []
    assert refused_too_often(refusals([*rows, refused])) == ["1 requests too many were refused in ten minutes"]


def test_a_process_that_takes_more_at_rest_breaks_a_promise() -> None:
    first = Size(150 * 2**20, 8, 7, 20)
    most = Size(
        first.memory + MOST_MEMORY, first.tasks + MOST_TASKS, first.threads + MOST_THREADS, first.files + MOST_FILES
    )
    assert grown(first, most) == []
    assert len(grown(first, Size(*(number + 1 for number in most)))) == 4
    assert grown(first, most._replace(tasks=first.tasks + MOST_TASKS + 1)) == ["tasks at rest: 8 at first, 13 now"]


@pytest.mark.parametrize(("lost", "sound"), [(10, True), (14, True), (15, False), (-6, True), (-7, False)])
def test_counts_add_up_but_for_what_may_be_lost_or_kept_and_for_sampling(lost: int, sound: bool) -> None:
    assert (miscounted(lost, may_be_lost=10, may_be_kept=2, off_by=4.0) == []) is sound


TEXTS = ["hi", "what a happy day it was"]
ENTRY = {"level": "ERROR", "logger": "discord.client", "message": "Attempting a reconnect"}


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(ENTRY),
        json.dumps({**ENTRY, "level": "WARNING", "logger": "bot.client", "message": "this"}),  # "hi" is no proof
        "Discord does not accept the DISCORD_TOKEN: make another.",
        "[]",
    ],
)
def test_a_clean_log_breaks_no_promise(line: str) -> None:
    assert log_unclean([line], TEXTS) == []


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
    assert len(log_unclean([line], TEXTS)) == 1
