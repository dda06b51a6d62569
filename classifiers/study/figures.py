"""Draw the figures of the study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from classifiers.study.curves import CURVES
from classifiers.study.findings import (
    CURVE_TITLES,
    LEARNT_ACCURACY,
    MATCHED_TITLES,
    MEASURES,
    ORIGINAL,
    SMALLEST,
    TITLES,
    accuracy,
    long_settings,
    memory_settings,
    norms,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito's palette, which people with any kind of colour vision can tell apart.
START, END, EDGE = "#0072B2", "#D55E00", "#44546A"


def draw_memory(numbers: Mapping[str, Any]) -> Figure:
    """Draw accuracy by network and distance: a dot for each seed, which is darker the more letters it named correctly.

    The short distances that all seeds of all networks have learnt share one column, which shows each seed's worst
    result. The last column is that of the experiment `long`.
    """
    settings, longer, rows = memory_settings(numbers), long_settings(numbers), numbers["memory"]
    chance = 1 / settings.letters
    columns = [str(distance) for distance in settings.distances]
    by_all = np.all([accuracy(runs).min(axis=0) >= LEARNT_ACCURACY for runs in rows.values()], axis=0)
    together = max(1, int(by_all.argmin()))  # 1 even if all seeds learnt all distances
    if together > 1:
        columns[:together] = [f"up to {columns[together - 1]}"]
    columns.append(f"{longer.distances[0]}\n({longer.updates:,} updates)")
    figure = Figure(figsize=(8, 0.9 + 0.36 * len(rows)), dpi=110, layout="constrained")
    axes = figure.subplots()
    dots = []
    for line, (name, runs) in enumerate(rows.items()):
        every = accuracy(runs)
        groups = [every[:, :together].min(axis=1), *every[:, together:].T, accuracy(numbers["long"][name])[:, -1]]
        for place, seeds in enumerate(groups):
            offsets = (np.arange(len(seeds)) - (len(seeds) - 1) / 2) * 0.75 / max(map(len, groups))
            # The best seed is on the left, so that equal results look alike.
            dots.append((place + offsets, np.full(len(seeds), line), np.sort(seeds)[::-1]))
    x, y, colour = np.concatenate(dots, axis=1)
    marks = axes.scatter(x, y, s=60, c=colour, cmap="Blues", vmin=0, vmax=1, edgecolors=EDGE, linewidths=0.8)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), [TITLES[name] for name in rows])
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Each dot is one seed", fontsize=10, loc="left")
    axes.set_xlabel("Steps between the marked letter and the end", fontsize=10)
    bar = figure.colorbar(marks, ax=axes, ticks=[chance, 0.5, 1], aspect=30)
    bar.ax.set_yticklabels(["chance", "half right", "all right"], fontsize=8)
    return figure


def draw_gradients(rows: Mapping[str, Sequence[Mapping[str, Any]]], marked: int | None) -> Figure:
    """Draw the gradient's norm by steps back: a panel for each network, at the start and at the end of training.

    Args:
        rows: the runs of each network.
        marked: how many steps back the marked letter is; None if there is none.
    """
    figure, panels = _panels(list(rows))
    lowest, highest = np.inf, 0.0
    for axes, (name, runs) in zip(panels, rows.items(), strict=True):
        ends = []
        for moment, colour, style in (("start", START, "--"), ("end", END, "-")):
            # Both directions have the same title, so one label serves both lines.
            for lines in np.maximum(norms(runs, moment), SMALLEST).swapaxes(0, 1):
                steps, middle = np.arange(lines.shape[1]), np.median(lines, axis=0)
                axes.fill_between(steps, lines.min(axis=0), lines.max(axis=0), color=colour, alpha=0.2, linewidth=0)
                axes.plot(steps, middle, style, color=colour, linewidth=1.5)
                lowest, highest = min(lowest, middle.min()), max(highest, lines.max())
            ends.append((float(middle[-1]), moment, colour))
        _label_ends(axes, steps[-1], ends)
        if marked:
            axes.axvline(marked, color="black", linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_title(TITLES[name], fontsize=10)
    panels[0].set_ylim(lowest / 8, highest * 3)
    if marked:
        panels[0].text(marked, lowest, " marked letter", fontsize=8)
    figure.supxlabel("Steps back from where the reading ends", fontsize=10)
    figure.supylabel("Norm of the loss gradient at the input: median of the seeds, and their range", fontsize=10)
    return figure


def draw_matched(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Draw the results of the experiment `matched`: a panel for each of two measures, and a dot for each seed."""
    figure = Figure(figsize=(10, 0.9 + 0.4 * len(rows)), dpi=110, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (key, where) in zip(panels, (("macro_f1", "GoEmotions, test"), ("emotional", "people")), strict=True):
        for line, runs in enumerate(rows.values()):
            found = np.array([run[key] for run in runs])
            axes.plot(found, np.full(len(found), line), "o", color=START, alpha=0.6)
            axes.plot(found.mean(), line, "|", color=END, markersize=18, markeredgewidth=2)
        axes.set_xlabel(f"{MEASURES[key]} ({where})", fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    panels[0].set_yticks(range(len(rows)), [MATCHED_TITLES[name] for name in rows])
    panels[0].invert_yaxis()
    return figure


def draw_curves(rows: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> Figure:
    """Draw the accuracy by epoch on the built-in phrases, a panel for each kind of network."""
    figure = Figure(figsize=(10, 3.6), dpi=110, layout="constrained")
    panels = dict(zip(CURVE_TITLES, figure.subplots(1, len(CURVE_TITLES), sharey=True), strict=True))
    for (name, runs), colour in zip(rows.items(), (START, START, END), strict=True):
        axes = panels[CURVES[name].kind]
        lines = np.array([run["accuracy"] for run in runs])
        epochs, middle = np.arange(1, lines.shape[1] + 1), np.median(lines, axis=0)
        axes.fill_between(epochs, lines.min(axis=0), lines.max(axis=0), color=colour, alpha=0.2, linewidth=0)
        axes.plot(epochs, middle, color=colour, linewidth=1.5, label=f"ours, {len(epochs)} epochs")
        if name in ORIGINAL:
            axes.plot(*ORIGINAL[name], "x", color="black", markersize=9, label="original study")
    for kind, axes in panels.items():
        axes.set_title(CURVE_TITLES[kind], fontsize=10)
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter("{x:.0f}")
        axes.set_ylim(0, 1.05)
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(fontsize=8, loc="lower right", frameon=False)
    figure.supxlabel("Epoch", fontsize=10)
    figure.supylabel("Test phrases that are right", fontsize=10)
    return figure


def _panels(names: Sequence[str]) -> tuple[Figure, list[Axes]]:
    """Return a figure, without pyplot's global state, and its panels in rows of three with shared axes."""
    lines = -(-len(names) // 3)
    figure = Figure(figsize=(10, 0.8 + 2.5 * lines), dpi=110, layout="constrained")
    panels = list(figure.subplots(lines, 3, sharex=True, sharey=True, squeeze=False).flat)
    for axes in panels[len(names) :]:
        axes.set_visible(False)
    for axes in panels:
        axes.grid(alpha=0.3)
        axes.spines[["top", "right"]].set_visible(False)
    return figure, panels[: len(names)]


def _label_ends(axes: Axes, step: int, ends: Sequence[tuple[float, str, str]]) -> None:
    """Label each line at its right end; if two lines meet there, put one label above and one below."""
    ranked = sorted(ends)
    close = ranked[1][0] < 30 * ranked[0][0]
    for (height, moment, colour), side in zip(ranked, ("top", "bottom"), strict=True):
        align = side if close else "center"
        axes.annotate(moment, (step, height), (4, 0), textcoords="offset points", fontsize=8, color=colour, va=align)
