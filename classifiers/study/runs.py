"""The runs of the study: one for each experiment, network and seed, each kept in a file of its own."""

from __future__ import annotations

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypedDict

import msgspec

from classifiers.errors import ClassifiersError
from classifiers.files import write_atomically
from classifiers.processes import IGNORE_CTRL_C, limit_threads_of_others
from classifiers.study.curves import CURVES, FULL_CURVES, QUICK_CURVES, CurveSettings, measure_curve
from classifiers.study.goemotions import measure_goemotions
from classifiers.study.matched import FULL_MATCHED, MATCHED, QUICK_MATCHED, MatchedSettings, measure_matched
from classifiers.study.memory import measure_long, measure_memory
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.settings import FULL, FULL_LONG, QUICK, QUICK_LONG, Settings, as_json

Part: TypeAlias = Literal["memory", "long", "goemotions", "matched", "curves"]

_REMEDY = "measure everything first, without --redraw, --pages or --only"


class _MemoryResult(TypedDict):
    """The entry in `numbers.json` for one seed of the memory task."""

    accuracy: dict[str, float]
    start: list[list[float]]
    end: list[list[float]]


class _LongResult(TypedDict):
    """The entry for one seed that was trained for longer: the accuracy by the number of updates."""

    accuracy: dict[str, float]


class _GoEmotionsResult(TypedDict):
    """The entry for one seed on GoEmotions."""

    top1: float
    start: list[list[float]]
    end: list[list[float]]


class _MatchedResult(TypedDict):
    """The entry for one seed of the networks with equally many recurrent parameters."""

    units: int
    recurrent: int
    parameters: int
    epoch: int
    dev_loss: float
    macro_f1: float
    micro_f1: float
    top1: float
    acceptable: float
    emotional: float


class _CurveResult(TypedDict):
    """The entry for one seed on the built-in phrases: the accuracy after each epoch."""

    accuracy: list[float]


class _AllSettings(TypedDict):
    memory: Settings
    long: Settings
    goemotions: Settings
    matched: MatchedSettings
    curves: CurveSettings


class _Numbers(TypedDict):
    """The content of `numbers.json`."""

    settings: _AllSettings
    seconds: dict[Part, float]
    memory: dict[str, list[_MemoryResult]]
    long: dict[str, list[_LongResult]]
    goemotions: dict[str, list[_GoEmotionsResult]]
    matched: dict[str, list[_MatchedResult]]
    curves: dict[str, list[_CurveResult]]


@dataclass(frozen=True, slots=True)
class Experiment:
    """A part of the study.

    Attributes:
        rows: the names of its networks.
        measure: returns a result for a row, a seed and the settings.
        result: the type of a result.
        full: its settings.
        quick: its settings for a quick trial.
        seeds: the default number of seeds for each network.
        datasets: the data sets it needs, which may have to be downloaded.
    """

    rows: Sequence[str]
    measure: Callable[..., dict[str, Any]]
    result: type
    full: Any
    quick: Any
    seeds: int
    datasets: Sequence[str] = ()


EXPERIMENTS: Mapping[Part, Experiment] = {
    "memory": Experiment(tuple(MEMORY), measure_memory, _MemoryResult, FULL, QUICK, seeds=5),
    "long": Experiment(tuple(MEMORY), measure_long, _LongResult, FULL_LONG, QUICK_LONG, seeds=3),
    "goemotions": Experiment(
        tuple(GOEMOTIONS), measure_goemotions, _GoEmotionsResult, FULL, QUICK, seeds=5, datasets=("goemotions",)
    ),
    "matched": Experiment(
        tuple(MATCHED),
        measure_matched,
        _MatchedResult,
        FULL_MATCHED,
        QUICK_MATCHED,
        seeds=3,
        datasets=("goemotions", "people"),
    ),
    "curves": Experiment(tuple(CURVES), measure_curve, _CurveResult, FULL_CURVES, QUICK_CURVES, seeds=5),
}
"""The parts of the study."""


class _Known(TypedDict):
    """What the file of every run contains besides the result."""

    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """One network and seed, and the file for its results."""

    part: Part
    row: str
    seed: int
    settings: Any
    file: Path

    def kept(self) -> dict[str, Any] | None:
        """Return the result of an earlier run with the same settings; None if there is none or the file is damaged."""
        try:
            # Python's own reader, since diverged values are NaN, which msgspec's does not accept.
            record: dict[str, Any] = json.loads(self.file.read_bytes())
            msgspec.convert(record, EXPERIMENTS[self.part].result)
            known = msgspec.convert(record, _Known)
        except (FileNotFoundError, ValueError, RecursionError, msgspec.ValidationError):
            return None
        return record if known["settings"] == as_json(self.settings) else None

    def __call__(self) -> None:
        """Measure, and write the file atomically."""
        start = time.process_time()
        found = EXPERIMENTS[self.part].measure(self.row, self.seed, self.settings)
        record = {"settings": as_json(self.settings), "seconds": round(time.process_time() - start, 1), **found}
        write_atomically(self.file, json.dumps(record).encode())


def plan(parts: Sequence[Part], quick: bool, seeds: int | None, folder: Path) -> list[Run]:
    """Return the runs of some parts, one part at a time, so that Ctrl-C leaves as few parts as possible unfinished.

    Within a part they come one seed at a time, the slow runs of each seed first, so that the last to finish are short.

    Args:
        parts: names in `EXPERIMENTS`.
        quick: whether it is a quick trial.
        seeds: how many seeds each network has; None for the experiment's default.
        folder: where the results are kept.
    """
    return [
        Run(part, row, seed, experiment.quick if quick else experiment.full, folder / f"{part}-{row}-{seed}.json")
        for part in parts
        for experiment in [EXPERIMENTS[part]]
        for seed in range(seeds or experiment.seeds)
        for row in reversed(experiment.rows)
    ]


def carry_out(runs: Sequence[Run], jobs: int) -> Iterator[None]:
    """Carry out the runs, `jobs` at once, and yield after each."""
    if jobs == 1:
        for run in runs:
            run()
            yield
        return
    limit_threads_of_others()
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(runs)), *IGNORE_CTRL_C) as pool:
        yield from pool.imap_unordered(Run.__call__, runs)


def collect(runs: Sequence[Run], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the results of all runs in the form of `numbers.json`; those of other parts come from `earlier` numbers.

    They are {"settings": {part: ...}, "seconds": {part: ...}, part: {row: [of seed 0, of seed 1, ...]}}.
    """
    known = earlier or {"settings": {}, "seconds": {}}
    measured = {run.part for run in runs}
    numbers: dict[str, Any] = {"settings": {}, "seconds": {}}
    for part, experiment in EXPERIMENTS.items():
        if part not in measured:
            numbers["settings"][part], numbers["seconds"][part] = known["settings"][part], known["seconds"][part]
            numbers[part] = known[part]
            continue
        own = [(run, record) for run in runs if run.part == part and (record := run.kept())]
        numbers["settings"][part] = as_json(own[0][0].settings)
        numbers["seconds"][part] = round(sum(record["seconds"] for _, record in own))
        numbers[part] = {
            row: [
                {key: value for key, value in record.items() if key not in {"settings", "seconds"}}
                for run, record in own
                if run.row == row
            ]
            for row in experiment.rows
        }
    return numbers


def read_numbers(file: Path) -> dict[str, Any]:
    """Return the results of an earlier study, as `collect` returned them, from its `numbers.json`.

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
    for part, experiment in EXPERIMENTS.items():
        rows: Mapping[str, Sequence[Any]] = known[part]
        if tuple(rows) != tuple(experiment.rows) or not all(rows.values()):
            raise ClassifiersError(f"{file} lacks some of the networks: {_REMEDY}.")
    return numbers
