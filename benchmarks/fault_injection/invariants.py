"""What has to hold after any fault: each function returns what is broken, in sentences, nothing if all is well."""

from __future__ import annotations

import json
from collections import Counter, deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from benchmarks.fault_injection.supervisor import Size
from benchmarks.gateway.api import ApiRequest
from benchmarks.gateway.rest import Reaction

MOST_REFUSED = 20
"""Requests that Discord may refuse in a row, and within ten minutes if it accepts nothing else."""

BORNE = 4
"""How many requests that Discord accepts within ten minutes make one further refusal bearable."""

_WINDOW = 600.0  # seconds

MOST_MEMORY, MOST_TASKS, MOST_THREADS, MOST_FILES = 80 * 2**20, 4, 4, 8
"""What a process at rest may take more than when it was first at rest: its first picture takes 45 MB for matplotlib."""

_SHORT = 12  # characters; a shorter text may be in the log for another reason


@dataclass(slots=True)
class Written:
    """A message.

    Attributes:
        at: when it was written, by the clock of the loopback Discord.
        wanted: whether its author and its server let the bot react; if they do, it counts for the mood.
        edited_at, deleted_at: when that was done, None if it was not.
    """

    at: float
    wanted: bool
    edited_at: float | None = None
    deleted_at: float | None = None


def reactions_twice(
    reactions: Collection[Reaction], removed: Iterable[tuple[int, str]], written: Mapping[int, Written]
) -> list[str]:
    """No message has two reactions in the end, and one that was never edited has never got a second one."""
    times = Counter(reaction.message_id for reaction in reactions)
    left = Counter((reaction.message_id, reaction.emoji) for reaction in reactions) - Counter(removed)
    left_at = Counter(message for message, _ in left.elements())
    return [
        *(
            f"{number} reactions to message {message}, which nobody has edited"
            for message, number in times.items()
            if number > 1 and written[message].edited_at is None
        ),
        *(f"{number} reactions are left at message {message}" for message, number in left_at.items() if number > 1),
    ]


def reactions_unwanted(reactions: Iterable[Reaction], written: Mapping[int, Written]) -> list[str]:
    """Nobody who has opted out gets a reaction, and no server that has switched the bot off."""
    return [
        f"a reaction to message {reaction.message_id}, which the bot must not read"
        for reaction in reactions
        if not written[reaction.message_id].wanted
    ]


class Refusals(NamedTuple):
    """Requests that Discord refused in a way that counts towards a ban.

    Attributes:
        in_a_row: the most without one that was accepted in between.
        in_ten_minutes: the most within ten minutes.
        too_many: how many more than are bearable were refused within ten minutes, at worst; negative if none.
    """

    in_a_row: int
    in_ten_minutes: int
    too_many: int


def refusals(asked: Iterable[ApiRequest]) -> Refusals:
    """Return how many requests were refused at worst."""
    row = in_a_row = in_ten_minutes = 0
    too_many = -MOST_REFUSED
    window: deque[ApiRequest] = deque()
    for request in asked:
        if not (_refused(request) or _accepted(request)):
            continue
        row = row + 1 if _refused(request) else 0
        in_a_row = max(in_a_row, row)
        window.append(request)
        while window[0].at <= request.at - _WINDOW:
            window.popleft()
        found = sum(map(_refused, window))
        in_ten_minutes = max(in_ten_minutes, found)
        too_many = max(too_many, found - MOST_REFUSED - (len(window) - found) // BORNE)
    return Refusals(in_a_row, in_ten_minutes, too_many)


def refused_too_often(worst: Refusals) -> list[str]:
    """Few requests are refused, in a row and in any ten minutes."""
    broken = []
    if worst.in_a_row > MOST_REFUSED:
        broken.append(f"{worst.in_a_row} requests were refused in a row")
    if worst.too_many > 0:
        broken.append(f"{worst.too_many} requests too many were refused in ten minutes")
    return broken


def grown(first: Size, last: Size) -> list[str]:
    """A process at rest takes hardly more than when it was first at rest."""
    most = Size(MOST_MEMORY, MOST_TASKS, MOST_THREADS, MOST_FILES)
    return [
        f"{name} at rest: {before:,} at first, {after:,} now"
        for name, before, after, more in zip(Size._fields, first, last, most, strict=True)
        if after > before + more
    ]


def miscounted(lost: int, *, may_be_lost: int, may_be_kept: int, off_by: float) -> list[str]:
    """The counts of moods add up.

    Args:
        lost: how many messages are missing in them, negative if there are too many.
        may_be_lost: how many may be missing.
        may_be_kept: how many may be too many, since the bot did not hear that they were deleted.
        off_by: how far sampling may have taken them from the truth, in either direction.
    """
    if lost > may_be_lost + off_by:
        return [f"{lost} messages are missing in the counts, more than {may_be_lost} and {off_by:.0f} by sampling"]
    if -lost > may_be_kept + off_by:
        return [f"{-lost} messages too many are counted, more than {may_be_kept} and {off_by:.0f} by sampling"]
    return []


def log_unclean(log: Iterable[str], texts: Collection[str]) -> list[str]:
    """The log has no traceback, no error of the bot's own, and nothing that somebody wrote."""
    long = [text for text in texts if len(text) >= _SHORT]
    broken = []
    for line in log:
        if any(text in line for text in long):
            broken.append("somebody's text is in the log")
        entry = _entry(line)
        if entry is None:
            if "Traceback" in line or line.startswith("  File"):
                broken.append(f"a traceback is in the log: {line}")
        elif "traceback" in entry or (entry["level"] == "ERROR" and entry["logger"].startswith("bot")):
            broken.append(f"an error is in the log: {line}")
    return broken


def _entry(line: str) -> dict[str, Any] | None:
    """Return an entry of the log, None for a line that is none, such as the sentence with which a command ends."""
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    return entry if isinstance(entry, dict) else None


def _refused(request: ApiRequest) -> bool:
    return request.status in (401, 403, 429) and request.scope != "shared"  # which Discord counts for nobody


def _accepted(request: ApiRequest) -> bool:
    return request.status < 300 and request.method != "GET"
