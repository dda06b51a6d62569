"""Which of Discord's shards this process serves: the settings SHARD_COUNT and SHARD_IDS."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise
from socket import gethostname
from typing import NamedTuple

MAX_SHARDS = 100_000
"""A million servers need about a thousand."""

FORM = "shards, as in 0-3,8, or auto/ and the number of processes, as in auto/16"

_AUTO = "auto/"


class ShardsError(ValueError):
    """Shards that this process cannot serve; the message completes the sentence "SHARD_IDS must"."""


class Share(NamedTuple):
    """An equal share of all shards: every `processes`-th, starting with number `process`.

    Processes that start together then use different buckets of Discord's `max_concurrency`, which are the shards'
    numbers modulo that limit, and so wait less for each other.
    """

    process: int
    processes: int


def parse_shard_ids(text: str) -> tuple[int, ...] | Share:
    """Return the shards that a text lists, in order, or the `Share` for `auto/` and a number of processes.

    The number of the process is then that at the end of the host name, as in `emobot-3`, the name of a StatefulSet's
    pod.

    Raises:
        ShardsError: the text is neither, or the host name has no such number.
    """
    text = re.sub(r"\s", "", text).lower()
    if text.startswith(_AUTO):
        return _share_of_this_host(_number(text.removeprefix(_AUTO)))
    ids: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = _number(first), _number(last or first)
        if start > end:
            raise ShardsError("have the lower number of a range first, as in 0-3")
        ids.update(range(start, end + 1))
    return tuple(sorted(ids))


def own_shards(chosen: tuple[int, ...] | Share, count: int | None) -> tuple[int, tuple[int, ...]]:
    """Return the number of shards of all processes, and those of this process, in order.

    Args:
        chosen: what `parse_shard_ids` returned.
        count: SHARD_COUNT; if it is None, not set, there is one shard for each process of a `Share`.

    Raises:
        ShardsError: the shards do not exist, or none is left for this process.
    """
    if isinstance(chosen, Share):
        count = count or chosen.processes
        if count < chosen.processes:
            raise ShardsError("name no more processes after auto/ than SHARD_COUNT has shards")
        return count, tuple(range(chosen.process, count, chosen.processes))
    if count is None:
        raise ShardsError("be set together with SHARD_COUNT, the number of shards of all processes together")
    if chosen[-1] >= count:
        raise ShardsError(f"name shards from 0 to {count - 1}, for SHARD_COUNT is {count}")
    return count, chosen


def format_ranges(shard_ids: Iterable[int]) -> str:
    """Return ascending numbers in the form of SHARD_IDS, with ranges: `0-3, 8`."""
    ids = list(shard_ids)
    starts = [ids[0], *(after for before, after in pairwise(ids) if after != before + 1)]
    ends = [*(before for before, after in pairwise(ids) if after != before + 1), ids[-1]]
    return ", ".join(f"{start}" if start == end else f"{start}-{end}" for start, end in zip(starts, ends, strict=True))


def _share_of_this_host(processes: int) -> Share:
    number = re.search(r"\d{1,6}$", gethostname().partition(".")[0])
    if number is None:
        raise ShardsError(
            "list the shards here, as in 0-3: auto/ takes the number at the end of the host's name, as in emobot-3, "
            "and this host's name has none"
        )
    if int(number[0]) >= processes:
        raise ShardsError(
            f"have a higher number after auto/: with {processes} processes they are numbered from 0 to "
            f"{processes - 1}, and this host's name ends in {int(number[0])}"
        )
    return Share(int(number[0]), processes)


def _number(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text) or int(text) > MAX_SHARDS:
        raise ShardsError(f"be {FORM}")
    return int(text)
