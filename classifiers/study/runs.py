"""Plan and execute the runs of the study: one for each experiment, network and seed, each saved in its own file."""

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
from classifiers.processes import IGNORE_CTRL_C, limit_threads_of_children
from classifiers.study.curves import CURVES, FULL_CURVES, QUICK_CURVES, CurveSettings, measure_curve
from classifiers.study.goemotions import measure_goemotions
from classifiers.study.matched import FULL_MATCHED, MATCHED, QUICK_MATCHED, MatchedSettings, measure_matched
from classifiers.study.memory import measure_long, measure_memory
from classifiers.study.networks import GOEMOTIONS, MEMORY
from classifiers.study.settings import FULL, FULL_LONG, QUICK, QUICK_LONG, Settings, as_json

ExperimentName: TypeAlias = Literal["memory", "long", "goemotions", "matched", "curves"]

_REMEDY = "measure everything first, without --redraw, --pages or --only"


class _MemoryResult(TypedDict):
    """The entry in `numbers.json` for one seed of the experiment `memory`."""

    accuracy: dict[str, float]
    start: list[list[float]]
    end: list[list[float]]


class _LongResult(TypedDict):
    """The entry for one seed of the experiment `long`: the accuracy by the number of updates."""

    accuracy: dict[str, float]


class _GoEmotionsResult(TypedDict):
    """The entry for one seed of the experiment `goemotions`."""

    top1: float
    start: list[list[float]]
    end: list[list[float]]


class _MatchedResult(TypedDict):
    """The entry for one seed of the experiment `matched`."""

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
    """The entry for one seed of the experiment `curves`: the accuracy after each epoch."""

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
    seconds: dict[ExperimentName, float]
    memory: dict[str, list[_MemoryResult]]
    long: dict[str, list[_LongResult]]
    goemotions: dict[str, list[_GoEmotionsResult]]
    matched: dict[str, list[_MatchedResult]]
    curves: dict[str, list[_CurveResult]]


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment of the study.

    Attributes:
        networks: the names of its networks.
        measure: returns a result for a network, a seed and the settings.
        result: the type of a result.
        full: its settings.
        quick: its settings for a quick trial.
        seeds: the default number of seeds for each network.
        datasets: the data sets it needs, which may have to be downloaded.
    """

    networks: Sequence[str]
    measure: Callable[..., dict[str, Any]]
    result: type
    full: Any
    quick: Any
    seeds: int
    datasets: Sequence[str] = ()


EXPERIMENTS: Mapping[ExperimentName, Experiment] = {
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
"""The experiments of the study by name."""


class _RunInfo(TypedDict):
    """The entries besides the result in the file of every run."""

    settings: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A network and a seed of an experiment, and the file for the result."""

    experiment: ExperimentName
    network: str
    seed: int
    settings: Any
    file: Path

    def saved_result(self) -> dict[str, Any] | None:
        """Return the result of an earlier run with the same settings; None if there is none or the file is damaged."""
        try:
            # Python's own reader, since diverged values are NaN, which msgspec's does not accept.
            record: dict[str, Any] = json.loads(self.file.read_bytes())
            msgspec.convert(record, EXPERIMENTS[self.experiment].result)
            info = msgspec.convert(record, _RunInfo)
        except (FileNotFoundError, ValueError, RecursionError, msgspec.ValidationError):
            return None
        return record if info["settings"] == as_json(self.settings) else None

    def execute(self) -> None:
        """Train and measure the network, and write the result to the file."""
        start = time.process_time()
        found = EXPERIMENTS[self.experiment].measure(self.network, self.seed, self.settings)
        record = {"settings": as_json(self.settings), "seconds": round(time.process_time() - start, 1), **found}
        write_atomically(self.file, json.dumps(record).encode())


def plan_runs(names: Sequence[ExperimentName], quick: bool, seeds: int | None, folder: Path) -> list[Run]:
    """Return the runs of some experiments, one experiment after another, so that Ctrl-C leaves few unfinished.

    Within an experiment they come one seed at a time, its slow runs first, so that the last ones are short.

    Args:
        names: the names of the experiments.
        quick: whether it is a quick trial.
        seeds: the number of seeds of each network; None for the default of the experiment.
        folder: the folder for the results.
    """
    return [
        Run(
            name,
            network,
            seed,
            experiment.quick if quick else experiment.full,
            folder / f"{name}-{network}-{seed}.json",
        )
        for name in names
        for experiment in [EXPERIMENTS[name]]
        for seed in range(seeds or experiment.seeds)
        for network in reversed(experiment.networks)
    ]


def execute_runs(runs: Sequence[Run], jobs: int) -> Iterator[None]:
    """Execute the runs, `jobs` at once, and yield after each."""
    if min(jobs, len(runs)) <= 1:
        for run in runs:
            run.execute()
            yield
        return
    limit_threads_of_children()
    with multiprocessing.get_context("spawn").Pool(min(jobs, len(runs)), *IGNORE_CTRL_C) as pool:
        yield from pool.imap_unordered(Run.execute, runs)


def collect(runs: Sequence[Run], earlier: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the results of all runs in the form of `numbers.json`; those of other experiments come from `earlier`.

    The form is {"settings": {experiment: ...}, "seconds": {experiment: ...}, experiment: {network: [of seed 0, ...]}}.
    """
    known = earlier or {"settings": {}, "seconds": {}}
    measured = {run.experiment for run in runs}
    numbers: dict[str, Any] = {"settings": {}, "seconds": {}}
    for name, experiment in EXPERIMENTS.items():
        if name not in measured:
            numbers["settings"][name], numbers["seconds"][name] = known["settings"][name], known["seconds"][name]
            numbers[name] = known[name]
            continue
        own = [(run, record) for run in runs if run.experiment == name and (record := run.saved_result())]
        numbers["settings"][name] = as_json(own[0][0].settings)
        numbers["seconds"][name] = round(sum(record["seconds"] for _, record in own))
        numbers[name] = {
            network: [
                {key: value for key, value in record.items() if key not in {"settings", "seconds"}}
                for run, record in own
                if run.network == network
            ]
            for network in experiment.networks
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
    for name, experiment in EXPERIMENTS.items():
        results: Mapping[str, Sequence[Any]] = known[name]
        if tuple(results) != tuple(experiment.networks) or not all(results.values()):
            raise ClassifiersError(f"{file} lacks some of the networks: {_REMEDY}.")
    return numbers
