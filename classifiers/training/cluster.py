"""Read from TensorFlow's variable TF_CONFIG which of several processes that train together this one is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import msgspec

from classifiers.errors import ClassifiersError

VARIABLE = "TF_CONFIG"

_EXAMPLE = '{"cluster": {"worker": ["first:2222", "second:2222"]}, "task": {"type": "worker", "index": 0}}'


class _Task(msgspec.Struct, frozen=True):
    index: Annotated[int, msgspec.Meta(ge=0)]
    type: Literal["chief", "worker"] = "worker"


class _Jobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    worker: list[str] = []
    chief: Annotated[list[str], msgspec.Meta(max_length=1)] = []


class _Config(msgspec.Struct, frozen=True):
    cluster: _Jobs
    task: _Task


@dataclass(frozen=True, slots=True)
class Cluster:
    """The place of a process among those that train together.

    Attributes:
        index: its number, from 0; only the files of number 0, the chief, are kept.
        count: the number of processes.
    """

    index: int = 0
    count: int = 1

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the files that are kept, and reports progress."""
        return self.index == 0


def read_cluster(environment: Mapping[str, str]) -> Cluster | None:
    """Return the place of this process; None if TF_CONFIG is unset or empty, so that it trains alone.

    Raises:
        ClassifiersError: TF_CONFIG cannot be used.
    """
    value = environment.get(VARIABLE, "").strip()
    if value in ("", "{}"):
        return None
    try:
        config = msgspec.json.decode(value, type=_Config)
    except (msgspec.DecodeError, UnicodeError) as error:
        raise _refusal(str(error)) from None
    chiefs, workers, task = config.cluster.chief, config.cluster.worker, config.task
    for address in chiefs + workers:
        host, _, port = address.rpartition(":")
        if not (host and port.isdecimal()):
            raise _refusal(f"{address[:40]!r} is not a host with a port")
    if len(set(chiefs + workers)) < len(chiefs + workers):
        raise _refusal("two processes have one address")
    if task.index >= len(chiefs if task.type == "chief" else workers):
        raise _refusal(f"the cluster has no {task.type} {task.index}")
    return Cluster(task.index + (len(chiefs) if task.type == "worker" else 0), len(chiefs) + len(workers))


def _refusal(why: str) -> ClassifiersError:
    return ClassifiersError(f"{VARIABLE} cannot be used ({why}): unset it to train alone, or set one like {_EXAMPLE}.")
