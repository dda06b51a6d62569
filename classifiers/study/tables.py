"""Format the tables of the study in Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from classifiers.nn.arrays import Array
from classifiers.study.curves import CURVES
from classifiers.study.findings import (
    COMPARISONS,
    CURVE_TITLES,
    DIRECTIONS,
    LEARNT_ACCURACY,
    MATCHED_TITLES,
    MEASURES,
    TITLES,
    accuracy,
    interval,
    long_settings,
    measure_of,
    memory_settings,
    norms,
)
from classifiers.study.matched import MatchedSettings
from classifiers.study.slopes import EXPLAINED, step_factors
from classifiers.training.markdown import markdown_table

_FACTORS = {
    "norm": r"$\log_{10} \lVert U \rVert_2$, the bound",
    "radius": r"$\log_{10} \rho(U)$",
    "stretch": r"$\log_{10} s(U)$",
    "tanh": r"$\log_{10}$ slope of tanh",
    "forget": r"$\log_{10} f$",
}
"""The heading of each column of factors in the table of slopes; the article explains them."""


def minutes(numbers: Mapping[str, Any], *parts: str) -> str:
    """Return in words how long some experiments took."""
    minutes = max(1, round(sum(numbers["seconds"][part] for part in parts) / 60))
    return f"{minutes:,} {'minute' if minutes == 1 else 'minutes'}"


def memory_table(numbers: Mapping[str, Any]) -> str:
    """Return a table with the median accuracy of each network at each distance, and how many seeds learnt it."""
    header = ["network", *(f"k = {distance}" for distance in memory_settings(numbers).distances)]
    lines = []
    for name, runs in numbers["memory"].items():
        found = accuracy(runs)
        learnt = (found >= LEARNT_ACCURACY).sum(axis=0)
        cells = [f"{middle:.2f} ({count})" for middle, count in zip(np.median(found, axis=0), learnt, strict=True)]
        lines.append([TITLES[name], *cells])
    return markdown_table(header, lines)


def long_table(numbers: Mapping[str, Any]) -> str:
    """Return the settings of the experiment `long` and a table of its accuracy by the number of updates."""
    settings, rows = long_settings(numbers), numbers["long"]
    updates = [*next(iter(rows.values()))[0]["accuracy"]][1::2]
    lines = []
    for name, runs in rows.items():
        found = np.array([[run["accuracy"][each] for each in updates] for run in runs])
        cells = [f"{middle:.2f}" for middle in np.median(found, axis=0)]
        lines.append([TITLES[name], *cells, f"{(found[:, -1] >= LEARNT_ACCURACY).sum()} of {len(runs)}"])
    header = ["network", *(f"{int(each):,} updates" for each in updates), "learnt"]
    return (
        f"Letters at k = {settings.distances[0]}, {settings.updates:,} updates, {len(runs)} seeds; "
        f"{minutes(numbers, 'long')} of one core.\n\n{markdown_table(header, lines)}"
    )


def gradient_table(rows: Mapping[str, Sequence[Mapping[str, Any]]], steps: Sequence[int]) -> str:
    """Return a table with the share of the last step's gradient that is left at earlier steps."""
    header = ["network", *(f"{moment}, k = {step}" for moment in ("start", "end") for step in steps)]
    scored = any("top1" in run for runs in rows.values() for run in runs)
    lines = []
    for name, runs in rows.items():
        left = {moment: _left(norms(runs, moment)) for moment in ("start", "end")}
        directions = left["start"].shape[0]
        for direction in range(directions):
            title = f"{TITLES[name]}, {DIRECTIONS[direction]}" if directions > 1 else TITLES[name]
            line = [title, *(_short(left[moment][direction, step]) for moment in left for step in steps)]
            if scored:
                line.append(f"{np.median([run['top1'] for run in runs]):.3f}" if direction == 0 else "")
            lines.append(line)
    return markdown_table([*header, "top-1 on dev"] if scored else header, lines)


def slopes_table(numbers: Mapping[str, Any]) -> str:
    """Return a table of the gradient's slope before training and the factors of a step, for `EXPLAINED`."""
    settings = memory_settings(numbers)
    far, near = settings.shown, settings.shown // 2
    lines = []
    for name in EXPLAINED:
        runs = numbers["memory"][name]
        logarithms = np.log10(norms(runs, "start")[:, 0, [near, far]])
        slope = np.median(logarithms[:, 1] - logarithms[:, 0]) / (far - near)
        factors = [step_factors(name, seed, settings) for seed in range(len(runs))]
        known = {key: np.median([seed[key] for seed in factors]) for key in factors[0]}
        cells = [f"{known[key]:z.3f}" if key in known else "" for key in _FACTORS]
        lines.append([TITLES[name], f"{slope:z.3f}", *cells])
    return markdown_table(["network", f"slope, k = {near} to {far}", *_FACTORS.values()], lines)


def matched_table(numbers: Mapping[str, Any]) -> str:
    """Return the settings of the experiment, and a table of the mean and standard deviation of each measure."""
    settings = msgspec.convert(numbers["settings"]["matched"], MatchedSettings)
    lines = []
    for name, runs in numbers["matched"].items():
        cells = [
            f"{found.mean():.3f} ± {found.std(ddof=1):.3f}" if len(found) > 1 else f"{found[0]:.3f}"
            for found in (measure_of(runs, key) for key in MEASURES)
        ]
        sizes = (f"{runs[0][key]:,}" for key in ("units", "recurrent", "parameters"))
        lines.append([MATCHED_TITLES[name], *sizes, *cells])
    texts = "all" if settings.texts is None else f"{settings.texts:,}"
    header = ["network", "units", "recurrent parameters", "all parameters", *MEASURES.values()]
    return (
        f"Training texts: {texts}, seen {times(settings.epochs)}. Seeds: {len(runs)}. All networks together took "
        f"{minutes(numbers, 'matched')} of one core.\n\n{markdown_table(header, lines)}"
    )


def comparisons_table(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return a table of differences between networks with 95 % intervals over seeds, bold where they exclude zero."""
    lines = []
    for what, pairs in COMPARISONS.items():
        for before, after in pairs:
            cells = []
            for key in MEASURES:
                difference, half = interval(rows, before, after, key)
                found = f"{difference:+.3f}"
                cells.append(f"{f'**{found}**' if abs(difference) > half else found} ± {half:.3f}")
            lines.append([f"{what}: {MATCHED_TITLES[before]} to {MATCHED_TITLES[after]}", *cells])
    return markdown_table(["what changes", *MEASURES.values()], lines)


def curves_table(rows: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> str:
    """Return a table with the accuracy on the built-in phrases, and the epoch from which all were right."""
    lines = []
    for name, runs in rows.items():
        found = np.array([run["accuracy"] for run in runs])
        tenth, last = found[:, min(9, found.shape[1] - 1)], found[:, -1]
        since = [_right_since(run["accuracy"]) for run in runs]
        reached = [epoch for epoch in since if epoch]
        lines.append(
            [
                f"{CURVE_TITLES[CURVES[name].kind]}, {found.shape[1]} epochs",
                _range(tenth),
                _range(last),
                f"{np.median(reached):.0f} ({len(reached)} of {len(runs)})" if reached else f"none of {len(runs)}",
            ]
        )
    return markdown_table(["network", "after 10 epochs", "at the end", "all right from epoch"], lines)


def _right_since(accuracy: Sequence[float]) -> int | None:
    """Return the first epoch from which all phrases stay right; None if some are wrong at the end."""
    wrong = [number for number, share in enumerate(accuracy, 1) if share < 1]
    since = wrong[-1] + 1 if wrong else 1
    return since if since <= len(accuracy) else None


def _range(found: Array) -> str:
    return f"{np.median(found):.2f} ({found.min():.2f} to {found.max():.2f})"


def _left(found: Array) -> Array:
    """Return the median share (directions, steps) of the norm at step 0, from norms (seeds, directions, steps)."""
    last = found[..., :1]
    share = np.divide(found, last, out=np.zeros_like(found), where=last > 0)
    return np.asarray(np.median(share, axis=0))


def _short(share: float) -> str:
    """Return a share with two significant digits, or one for powers of ten: 240, 1.3, 0.052, 3e-7."""
    if share >= 10:
        return f"{float(f'{share:.2g}'):.0f}"
    return f"{share:.2g}" if share >= 1e-3 or share == 0 else re.sub("e-0", "e-", f"{share:.0e}")


def times(count: int) -> str:
    """Return in words how often something was done."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
