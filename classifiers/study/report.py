"""Draw the figures of the study, and write the tables of its article."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from matplotlib.figure import Figure
from scipy import stats

from classifiers.errors import ClassifiersError
from classifiers.nn.arrays import Array
from classifiers.study.curves import CURVES
from classifiers.study.matched import MatchedSettings
from classifiers.study.settings import Settings
from classifiers.study.slopes import EXPLAINED, step_factors
from classifiers.training.markdown import markdown_table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLES = {
    "glorot": "Tanh RNN, Glorot start",
    "orthogonal": "Tanh RNN, orthogonal, clipped",
    "chain": "Tanh RNN, non-normal start",
    "relu": "ReLU RNN, identity start",
    "skip": "Two tanh layers, skip connections",
    "norm": "Tanh RNN, layer normalisation",
    "gru": "GRU",
    "gru-chrono": "GRU, chrono start",
    "lstm": "LSTM",
    "lstm-open": "LSTM, forget gate wide open",
    "lstm-chrono": "LSTM, chrono start",
    "bilstm": "BiLSTM",
    "orthogonal-pooled": "Tanh RNN, orthogonal, pooled",
    "bilstm-pooled": "BiLSTM, pooled",
}
"""The name of each row in figures and tables, in the experiments on what networks remember and on their gradients."""

MATCHED_TITLES = {
    "rnn": "RNN",
    "rnn-wide": "Wide RNN",
    "birnn": "BiRNN",
    "gru": "GRU",
    "bigru": "BiGRU",
    "lstm": "LSTM",
    "bilstm": "BiLSTM",
}
"""The same in the experiment with equally many recurrent parameters."""

FIGURES = {
    "macro_f1": "macro-F1",
    "top1": "top-1",
    "acceptable": "strongest label accepted",
    "emotional": "strongest emotion accepted",
}
"""The figures of that experiment: the first two on the test part of GoEmotions, the others on people's messages."""

COMPARISONS = {
    "size": [("rnn", "rnn-wide")],
    "gates": [("rnn-wide", "gru"), ("rnn-wide", "lstm"), ("birnn", "bigru"), ("birnn", "bilstm")],
    "directions": [("rnn-wide", "birnn"), ("gru", "bigru"), ("lstm", "bilstm")],
    "gates and directions": [("rnn-wide", "bilstm")],
    "all three": [("rnn", "bilstm")],
}
"""What two rows of that experiment differ in, and which rows these are."""

CURVE_TITLES = {"rnn": "RNN", "bilstm": "BiLSTM"}
"""The kinds of network on the built-in phrases."""

ORIGINAL = {"rnn-500": (410, 1.0), "bilstm-10": (10, 0.8)}
"""All that is known of the original study's curves: an epoch and the accuracy there."""

DIRECTIONS = ("from the left", "from the right")

LEARNT = 0.9
"""The least accuracy with which a network has learnt its distance."""

# Okabe and Ito's palette, which people with any kind of colour vision can tell apart.
START, END, EDGE = "#0072B2", "#D55E00", "#44546A"

SMALLEST = 1e-12
"""Smaller gradients, including zero, are drawn with this value."""

_READ_MEMORY = (
    "**How to read this:** each dot is one seed, and the darker it is, the more letters it named rightly; a row that "
    "stays dark further to the right remembers longer; the distances that all networks learnt share the first column, "
    "and the last one is that of the longer training."
)
_READ_GRADIENTS = (
    "**How to read this:** a line that falls straight loses the same share of the gradient at each step back, and a "
    "level one loses nothing; the bands span all seeds, and where a band leaves a panel at the bottom it goes on down."
)
_READ_GOEMOTIONS = (
    "**How to read this:** as above; the steeper the dashed line, the less an early word counts before training, and "
    "the gap to the solid line is what training changed."
)

_READ_MATCHED = (
    "**How to read this:** each dot is one seed and each tick the mean of its row; where the dots of two rows overlap, "
    "they differ hardly more than seeds do."
)
_READ_CURVES = (
    "**How to read this:** a line is the median of the seeds and a band their range; the axis of epochs is "
    "logarithmic, and the crosses are all that is known of the original study."
)

_FACTORS = {
    "norm": r"$\log_{10} \lVert U \rVert_2$, the bound",
    "radius": r"$\log_{10} \rho(U)$",
    "stretch": r"$\log_{10} s(U)$",
    "tanh": r"$\log_{10}$ slope of tanh",
    "forget": r"$\log_{10} f$",
}
"""The head of each column of factors in the table of slopes; the article explains them."""

_EMPTY_ARTICLE = """# The vanishing gradient, measured

<!-- study: setup -->
<!-- end -->

## Memory

<!-- study: memory -->
<!-- end -->

## Memory, longer

<!-- study: long -->
<!-- end -->

## Gradients

<!-- study: gradients -->
<!-- end -->

## Slopes

<!-- study: slopes -->
<!-- end -->

## GoEmotions

<!-- study: goemotions -->
<!-- end -->

## Matched

<!-- study: matched -->
<!-- end -->

## Curves

<!-- study: curves -->
<!-- end -->
"""


def write_report(numbers: Mapping[str, Any], out: Path) -> Path:
    """Write `numbers.json` and the figures into a folder, and the tables into the article beside it.

    Args:
        numbers: the result of `runs.collect`.
        out: the folder; the article has its name and `.md`. If there is no article, one without text is created.

    Returns:
        The path of the article.
    """
    (out / "numbers.json").write_text(json.dumps(numbers) + "\n", encoding="utf-8")
    draw_memory(numbers).savefig(out / "memory.png")
    draw_gradients(numbers["memory"], memory_settings(numbers).shown).savefig(out / "gradients.png")
    draw_gradients(numbers["goemotions"], None).savefig(out / "goemotions.png")
    draw_matched(numbers["matched"]).savefig(out / "matched.png")
    draw_curves(numbers["curves"]).savefig(out / "curves.png")
    article = _article(out)
    article.write_text(rewritten(read_article(out), sections(numbers, out.name)), encoding="utf-8")
    return article


def read_article(out: Path) -> str:
    """Return the article beside the folder `out`, or one with empty sections if there is none.

    Raises:
        ClassifiersError: it cannot be read or written, or a marked section has no end; or the folder has no name.
    """
    if out.name in {"", ".."}:
        raise ClassifiersError(f"The article is named after its folder, and {out} has no name: give another --out.")
    article = _article(out)
    try:
        text = article.read_text(encoding="utf-8")
    except FileNotFoundError:
        return _EMPTY_ARTICLE
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ClassifiersError(f"{article} cannot be read ({reason}): choose another folder with --out.") from None
    if not os.access(article, os.W_OK):
        raise ClassifiersError(f"{article} cannot be written to: choose another folder with --out.")
    for name in re.findall(r"<!-- study: (\w+) -->(?!.*?<!-- end -->)", text, re.DOTALL):
        raise ClassifiersError(f"{article} has no <!-- end --> behind its section {name}: write it there.")
    return text


def _article(out: Path) -> Path:
    return out.with_name(f"{out.name}.md")


def rewritten(text: str, parts: Mapping[str, str]) -> str:
    """Return an article after replacing the text between each `<!-- study: NAME -->` and the next `<!-- end -->`."""
    for name, part in parts.items():
        mark = f"<!-- study: {name} -->\n"
        before, found, rest = text.partition(mark)
        if found:
            text = f"{before}{mark}{part}\n{rest[rest.index('<!-- end -->') :]}"
    return text


def draw_memory(numbers: Mapping[str, Any]) -> Figure:
    """Draw accuracy by row and distance: a dot for each seed, the darker the more it had right.

    The short distances that all seeds of all rows have learnt are one column, in which each seed's worst is drawn. The
    last column is that of the longer training.
    """
    settings, longer, rows = memory_settings(numbers), long_settings(numbers), numbers["memory"]
    chance = 1 / settings.letters
    columns = [str(distance) for distance in settings.distances]
    by_all = np.all([accuracy(runs).min(axis=0) >= LEARNT for runs in rows.values()], axis=0)
    together = max(1, int(by_all.argmin()))  # 1 also if all learnt all
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
            # The best seed stands to the left, so that equal results look alike.
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
    """Draw the gradient's norm by steps back: a panel for each row, at the start and at the end of training.

    Args:
        rows: the runs of each row.
        marked: how many steps back the marked letter is; None if there is none.
    """
    figure, panels = _panels(list(rows))
    lowest, highest = np.inf, 0.0
    for axes, (name, runs) in zip(panels, rows.items(), strict=True):
        ends = []
        for moment, colour, style in (("start", START, "--"), ("end", END, "-")):
            # Two directions read alike, so one label serves both lines.
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
    """Draw the figures of networks with equally many parameters: a panel for two of them, a dot for each seed."""
    figure = Figure(figsize=(10, 0.9 + 0.4 * len(rows)), dpi=110, layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (key, where) in zip(panels, (("macro_f1", "GoEmotions, test"), ("emotional", "people")), strict=True):
        for line, runs in enumerate(rows.values()):
            found = np.array([run[key] for run in runs])
            axes.plot(found, np.full(len(found), line), "o", color=START, alpha=0.6)
            axes.plot(found.mean(), line, "|", color=END, markersize=18, markeredgewidth=2)
        axes.set_xlabel(f"{FIGURES[key]} ({where})", fontsize=10)
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


def accuracy(runs: Sequence[Mapping[str, Any]]) -> Array:
    """Return accuracies (seeds, distances)."""
    return np.array([list(run["accuracy"].values()) for run in runs])


def norms(runs: Sequence[Mapping[str, Any]], moment: str) -> Array:
    """Return norms of the gradient (seeds, directions, steps) at the "start" or "end" of training."""
    return np.array([run[moment] for run in runs])


def sections(numbers: Mapping[str, Any], folder: str) -> dict[str, str]:
    """Return the text of the article's marked sections by name.

    Args:
        numbers: the result of `runs.collect`.
        folder: the folder of the figures, relative to the article.
    """
    settings, seeds = memory_settings(numbers), len(numbers["memory"]["glorot"])
    shown, reach = settings.shown, settings.reach
    setup = (
        f"Recurrent layers of {settings.units} units; Adam with a peak rate of {settings.learning_rate:g}, "
        f"warm-up and cosine; gradients clipped at a joint norm of 1 except in the first row. Memory: "
        f"{settings.letters} letters, {settings.updates:,} updates of {settings.batch_size} sequences. "
        f"GoEmotions: {settings.texts:,} texts, seen {_times(settings.epochs)}. Seeds: {seeds}. All these networks "
        f"together took {_minutes(numbers, 'memory', 'goemotions')} of one core."
    )
    return {
        "setup": setup,
        "memory": f"![Accuracy by distance]({folder}/memory.png)\n\n{_READ_MEMORY}\n\n{_memory_table(numbers)}",
        "long": _long_table(numbers),
        "gradients": (
            f"![Gradient by steps back, memory]({folder}/gradients.png)\n\n{_READ_GRADIENTS}\n\n"
            + _gradient_table(numbers["memory"], (shown // 2, shown, 2 * shown))
        ),
        "slopes": _slopes_table(numbers),
        "goemotions": (
            f"![Gradient by steps back, GoEmotions]({folder}/goemotions.png)\n\n{_READ_GOEMOTIONS}\n\n"
            + _gradient_table(numbers["goemotions"], (reach // 4, reach // 2, reach))
        ),
        "matched": (
            f"![Figures by network]({folder}/matched.png)\n\n{_READ_MATCHED}\n\n{_matched_table(numbers)}\n\n"
            + _comparisons_table(numbers["matched"])
        ),
        "curves": f"![Accuracy by epoch]({folder}/curves.png)\n\n{_READ_CURVES}\n\n{_curves_table(numbers['curves'])}",
    }


def memory_settings(numbers: Mapping[str, Any]) -> Settings:
    """Return the settings of the memory task from the content of `numbers.json`."""
    return msgspec.convert(numbers["settings"]["memory"], Settings)


def long_settings(numbers: Mapping[str, Any]) -> Settings:
    """Return the settings of the longer training from the content of `numbers.json`."""
    return msgspec.convert(numbers["settings"]["long"], Settings)


def _minutes(numbers: Mapping[str, Any], *parts: str) -> str:
    minutes = max(1, round(sum(numbers["seconds"][part] for part in parts) / 60))
    return f"{minutes:,} {'minute' if minutes == 1 else 'minutes'}"


def _memory_table(numbers: Mapping[str, Any]) -> str:
    header = ["network", *(f"k = {distance}" for distance in memory_settings(numbers).distances)]
    lines = []
    for name, runs in numbers["memory"].items():
        found = accuracy(runs)
        learnt = (found >= LEARNT).sum(axis=0)
        cells = [f"{middle:.2f} ({count})" for middle, count in zip(np.median(found, axis=0), learnt, strict=True)]
        lines.append([TITLES[name], *cells])
    return markdown_table(header, lines)


def _long_table(numbers: Mapping[str, Any]) -> str:
    """Return the settings of the longer training and a table of its accuracy by the number of updates."""
    settings, rows = long_settings(numbers), numbers["long"]
    updates = [*next(iter(rows.values()))[0]["accuracy"]][1::2]
    lines = []
    for name, runs in rows.items():
        found = np.array([[run["accuracy"][each] for each in updates] for run in runs])
        cells = [f"{middle:.2f}" for middle in np.median(found, axis=0)]
        lines.append([TITLES[name], *cells, f"{(found[:, -1] >= LEARNT).sum()} of {len(runs)}"])
    header = ["network", *(f"{int(each):,} updates" for each in updates), "learnt"]
    return (
        f"Letters at k = {settings.distances[0]}, {settings.updates:,} updates, {len(runs)} seeds; "
        f"{_minutes(numbers, 'long')} of one core.\n\n{markdown_table(header, lines)}"
    )


def _gradient_table(rows: Mapping[str, Sequence[Mapping[str, Any]]], steps: Sequence[int]) -> str:
    """Return a table with the share of the last step's gradient that is left at earlier steps, by row and direction."""
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


def _slopes_table(numbers: Mapping[str, Any]) -> str:
    """Return a table with the slope of each explained row's line before training, and what its steps consist of."""
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


def _matched_table(numbers: Mapping[str, Any]) -> str:
    """Return the settings of the experiment, and a table with mean and standard deviation of each figure by row."""
    settings = msgspec.convert(numbers["settings"]["matched"], MatchedSettings)
    lines = []
    for name, runs in numbers["matched"].items():
        cells = [
            f"{found.mean():.3f} ± {found.std(ddof=1):.3f}" if len(found) > 1 else f"{found[0]:.3f}"
            for found in (_figure(runs, key) for key in FIGURES)
        ]
        sizes = (f"{runs[0][key]:,}" for key in ("units", "recurrent", "parameters"))
        lines.append([MATCHED_TITLES[name], *sizes, *cells])
    texts = "all" if settings.texts is None else f"{settings.texts:,}"
    header = ["network", "units", "recurrent parameters", "all parameters", *FIGURES.values()]
    return (
        f"Training texts: {texts}, seen {_times(settings.epochs)}. Seeds: {len(runs)}. All networks together took "
        f"{_minutes(numbers, 'matched')} of one core.\n\n{markdown_table(header, lines)}"
    )


def _comparisons_table(rows: Mapping[str, Sequence[Mapping[str, float]]]) -> str:
    """Return a table of differences between rows with their 95 % intervals over seeds; bold if without zero."""
    lines = []
    for what, pairs in COMPARISONS.items():
        for before, after in pairs:
            cells = []
            for key in FIGURES:
                difference, half = interval(rows, before, after, key)
                found = f"{difference:+.3f}"
                cells.append(f"{f'**{found}**' if abs(difference) > half else found} ± {half:.3f}")
            lines.append([f"{what}: {MATCHED_TITLES[before]} to {MATCHED_TITLES[after]}", *cells])
    return markdown_table(["what changes", *FIGURES.values()], lines)


def interval(
    rows: Mapping[str, Sequence[Mapping[str, float]]], before: str, after: str, key: str
) -> tuple[float, float]:
    """Return by how much the mean of a figure changes between two rows, and the half-width of its 95 % interval.

    The interval is Student's, with the deviation between seeds pooled over all rows, since three seeds of a row say
    little of it. It is infinite if no row has a second seed.
    """
    found = {name: _figure(runs, key) for name, runs in rows.items()}
    freedom = sum(len(each) - 1 for each in found.values())
    difference = float(found[after].mean() - found[before].mean())
    if not freedom:
        return difference, np.inf
    variance = sum(float(((each - each.mean()) ** 2).sum()) for each in found.values()) / freedom
    spread = np.sqrt(variance * (1 / len(found[before]) + 1 / len(found[after])))
    return difference, float(stats.t.ppf(0.975, freedom) * spread)


def _figure(runs: Sequence[Mapping[str, float]], key: str) -> Array:
    return np.array([run[key] for run in runs])


def _curves_table(rows: Mapping[str, Sequence[Mapping[str, Sequence[float]]]]) -> str:
    """Return a table with the accuracy on the built-in phrases, and since when all were right."""
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


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
