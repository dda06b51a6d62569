"""Check what must hold despite any faults. Most functions return the violations, one sentence each."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.fault_injection.supervisor import Size
from benchmarks.gateway.api import ApiRequest
from benchmarks.gateway.rest import Reaction

REFUSAL_LIMIT = 20
"""The most requests that Discord may refuse in a row, and within ten minutes if it accepts no others."""

ACCEPTED_PER_REFUSAL = 4
"""The number of accepted requests within ten minutes for which Discord may refuse one more."""

_WINDOW = 600.0  # seconds

ALLOWED_GROWTH = Size(memory=80 * 2**20, tasks=4, threads=4, files=8)
"""The most that an idle process may grow after it was first idle; see docs/speed.md for what is loaded later."""

_SHORT = 12  # characters; a shorter text may be part of a log line by chance


@dataclass(slots=True)
class Written:
    """A message that was written.

    Attributes:
        at: when, by the clock of the loopback Discord.
        wanted: whether the bot may react to it and count it: its author has not opted out, and the bot is on.
        edited_at, deleted_at: when it was edited or deleted, or None.
    """

    at: float
    wanted: bool
    edited_at: float | None = None
    deleted_at: float | None = None


def double_reactions(
    reactions: Collection[Reaction], removed: Iterable[tuple[int, str]], written: Mapping[int, Written]
) -> list[str]:
    """Return messages that have two reactions in the end, or that got a second one without having been edited."""
    times = Counter(reaction.message_id for reaction in reactions)
    left = Counter((reaction.message_id, reaction.emoji) for reaction in reactions) - Counter(removed)
    left_at = Counter(message for message, _ in left.elements())
    return [
        *(
            f"{number} reactions to message {message}, which was not edited"
            for message, number in times.items()
            if number > 1 and written[message].edited_at is None
        ),
        *(f"{number} reactions are left on message {message}" for message, number in left_at.items() if number > 1),
    ]


def unwanted_reactions(reactions: Iterable[Reaction], written: Mapping[int, Written]) -> list[str]:
    """Return reactions to people who have opted out, or in servers that have switched the bot off."""
    return [
        f"a reaction to message {reaction.message_id}, which the bot must not read"
        for reaction in reactions
        if not written[reaction.message_id].wanted
    ]


class Refusals(NamedTuple):
    """The numbers of refused requests that count towards a ban.

    Attributes:
        in_a_row: the most refusals in a row.
        in_ten_minutes: the most refusals within ten minutes.
        excess: refusals above what is allowed in the worst ten minutes; negative if there were fewer.
    """

    in_a_row: int
    in_ten_minutes: int
    excess: int


def refusals(requests: Iterable[ApiRequest]) -> Refusals:
    """Return how often requests were refused at worst."""
    row = in_a_row = in_ten_minutes = 0
    excess = -REFUSAL_LIMIT
    window: deque[ApiRequest] = deque()
    for request in requests:
        if not (_refused(request) or _accepted(request)):
            continue
        row = row + 1 if _refused(request) else 0
        in_a_row = max(in_a_row, row)
        window.append(request)
        while window[0].at <= request.at - _WINDOW:
            window.popleft()
        refused = sum(map(_refused, window))
        in_ten_minutes = max(in_ten_minutes, refused)
        excess = max(excess, refused - REFUSAL_LIMIT - (len(window) - refused) // ACCEPTED_PER_REFUSAL)
    return Refusals(in_a_row, in_ten_minutes, excess)


def refusal_problems(worst: Refusals) -> list[str]:
    """Return whether too many requests were refused, in a row and within ten minutes."""
    problems = []
    if worst.in_a_row > REFUSAL_LIMIT:
        problems.append(f"{worst.in_a_row} requests were refused in a row")
    if worst.excess > 0:
        problems.append(f"{worst.excess} requests too many were refused in ten minutes")
    return problems


def resource_leaks(first: Size, last: Size) -> list[str]:
    """Return the resources of which an idle process uses much more than when it was first idle."""
    return [
        f"{name} when idle: {before:,} at first, {after:,} now"
        for name, before, after, growth in zip(Size._fields, first, last, ALLOWED_GROWTH, strict=True)
        if after > before + growth
    ]


def count_errors(lost: int, *, may_be_lost: int, may_be_kept: int, sampling_error: float) -> list[str]:
    """Return whether the mood counts contain too few or too many messages.

    Args:
        lost: how many messages are missing, or if negative, how many too many were counted.
        may_be_lost: how many may be missing.
        may_be_kept: how many may be counted too many, because the bot was not told that they were deleted.
        sampling_error: how far sampling may change the counts, in either direction.
    """
    if lost > may_be_lost + sampling_error:
        return [
            f"{lost} messages are missing in the counts, more than {may_be_lost} and {sampling_error:.0f} by sampling"
        ]
    if -lost > may_be_kept + sampling_error:
        return [f"{-lost} messages too many are counted, more than {may_be_kept} and {sampling_error:.0f} by sampling"]
    return []


def log_problems(log: Iterable[str], texts: Collection[str]) -> list[str]:
    """Return where the log has a traceback, an error of the bot itself, or the text of a message."""
    long = [text for text in texts if len(text) >= _SHORT]
    problems = []
    for line in log:
        if any(text in line for text in long):
            problems.append("the text of a message is in the log")
        entry = _entry(line)
        if entry is None:
            if "Traceback" in line or line.startswith("  File"):
                problems.append(f"a traceback is in the log: {line}")
        elif "traceback" in entry or (entry["level"] == "ERROR" and entry["logger"].startswith("bot")):
            problems.append(f"an error is in the log: {line}")
    return problems


def _entry(line: str) -> dict[str, Any] | None:
    """Return a line of the log as an object, or None if it is not JSON, such as the last sentence of a command."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _refused(request: ApiRequest) -> bool:
    return request.status in (401, 403, 429) and request.scope != "shared"  # the latter does not count towards a ban


def _accepted(request: ApiRequest) -> bool:
    return request.status < 300 and request.method != "GET"
