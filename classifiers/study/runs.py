"""The runs of the study: one for each experiment, network and seed, each kept in a file of its own."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import msgspec

from classifiers.errors import ClassifiersError
from classifiers.files import write_atomically
from classifiers.study.goemotions import measure_goemotions
from classifiers.study.memory import measure_memory
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.settings import Settings, as_json

Part: TypeAlias = Literal["memory", "goemotions"]


class _Record(TypedDict):
    """The content of a run's file, in either part of the study."""

    settings: dict[str, Any]
    seconds: float
    start: list[list[float]]
    end: list[list[float]]


class _MemoryRecord(_Record):
    accuracy: dict[str, float]


class _GoEmotionsRecord(_Record):
    top1: float


_RECORDS = {"memory": _MemoryRecord, "goemotions": _GoEmotionsRecord}


class _MemoryResult(TypedDict):
    """What `numbers.json` says of one seed of the memory task."""

    accuracy: dict[str, float]
    start: list[list[float]]
    end: list[list[float]]


class _GoEmotionsResult(TypedDict):
    """What it says of one seed on GoEmotions."""

    top1: float
    start: list[list[float]]
    end: list[list[float]]


_REMEDY = "measure first, without --redraw or --pages"


class _Numbers(TypedDict):
    """The content of `numbers.json`."""

    settings: Settings
    shown: int
    seconds: float
    memory: dict[str, list[_MemoryResult]]
    goemotions: dict[str, list[_GoEmotionsResult]]


@dataclass(frozen=True, slots=True)
class Run:
    """One network and seed, and the file for its results."""

    part: Part
    row: str
    seed: int
    settings: Settings
    file: Path

    def kept(self) -> dict[str, Any] | None:
        """Return the results of an earlier run with the same settings; None without them or if the file is damaged."""
        try:
            # Python's own reader, since what has diverged is NaN, which msgspec's does not read.
            record: dict[str, Any] = msgspec.convert(json.loads(self.file.read_bytes()), _RECORDS[self.part])
        except (FileNotFoundError, ValueError, RecursionError, msgspec.ValidationError):
            return None
        return record if record["settings"] == as_json(self.settings) else None

    def __call__(self) -> None:
        """Measure, and write the file at once or not at all."""
        start = time.process_time()
        measure = measure_memory if self.part == "memory" else measure_goemotions
        found = measure(self.row, self.seed, self.settings)
        record = {"settings": as_json(self.settings), "seconds": round(time.process_time() - start, 1), **found}
        write_atomically(self.file, json.dumps(record).encode())


def plan(settings: Settings, seeds: int, folder: Path) -> list[Run]:
    """Return all runs, seed after seed, the slow ones of each seed first, so that the last ones to finish are short."""
    rows: list[tuple[Part, str]] = [("memory", row) for row in reversed(MEMORY)]
    rows += [("goemotions", row) for row in reversed(GOEMOTIONS)]
    return [
        Run(part, row, seed, settings, folder / f"{part}-{row}-{seed}.json")
        for seed in range(seeds)
        for part, row in rows
    ]


def carry_out(runs: Sequence[Run], jobs: int) -> Iterator[None]:
    """Carry out the runs, `jobs` at once, and yield after each."""
    if jobs == 1:
        for run in runs:
            run()
            yield
        return
    # Fresh processes read these before they load NumPy: one thread each, or they would be in each other's way.
    for library in ("OMP", "OPENBLAS", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    # Ctrl-C is for this process alone, which then ends the others on its way out of the block.
    with multiprocessing.get_context("spawn").Pool(
        min(jobs, len(runs)), signal.signal, (signal.SIGINT, signal.SIG_IGN)
    ) as pool:
        yield from pool.imap_unordered(Run.__call__, runs)


def collect(runs: Sequence[Run]) -> dict[str, Any]:
    """Return the results of all runs: {"settings", "shown", "seconds", part: {row: [of seed 0, of seed 1, ...]}}."""
    records = [(run, run.kept()) for run in runs]
    numbers: dict[str, Any] = {
        "settings": as_json(runs[0].settings),
        "shown": runs[0].settings.shown,
        "seconds": round(sum(record["seconds"] for _, record in records if record)),
        "memory": {row: [] for row in MEMORY},
        "goemotions": {row: [] for row in GOEMOTIONS},
    }
    for run, record in records:
        if record:
            found = {key: value for key, value in record.items() if key not in {"settings", "seconds"}}
            numbers[run.part][run.row].append(found)
    return numbers


def read_numbers(file: Path) -> dict[str, Any]:
    """Return what `collect` found in an earlier study, from its `numbers.json`.

    Raises:
        ClassifiersError: there is no such file, or it is damaged.
    """
    try:
        numbers: dict[str, Any] = json.loads(file.read_bytes())
        known = msgspec.convert(numbers, _Numbers)
    except OSError as error:
        raise ClassifiersError(f"{file} cannot be read ({error.strerror}): {_REMEDY}.") from None
    except (ValueError, RecursionError):
        raise ClassifiersError(f"{file} is damaged: {_REMEDY}.") from None
    for rows, names in ((known["memory"], MEMORY), (known["goemotions"], GOEMOTIONS)):
        if list(rows) != list(names) or not all(rows.values()):
            raise ClassifiersError(f"{file} lacks some of the networks: {_REMEDY}.")
    return numbers
