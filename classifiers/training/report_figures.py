"""Draw the figures of a training run's report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from classifiers.errors import MissingExtraError
from classifiers.model_directory import FILES, NAMES
from classifiers.nn.arrays import Array
from classifiers.training.evaluation import BagOfWords, Metrics
from classifiers.training.history import Epoch, choose_best

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BAG_OF_WORDS = "Bag of words"
BASELINE = "TF-IDF baseline"

# Okabe and Ito's palette, which people with any kind of colour vision can tell apart.
_PALETTE = ("#0072B2", "#009E73", "#CC79A7", "#D55E00", "#E69F00", "#56B4E9", "#F0E442")
COLOURS = dict(zip(FILES, _PALETTE, strict=False))
BASELINE_COLOUR = "#000000"


def title_of(name: str) -> str:
    """Return the display name of a model, or the name itself if it has none."""
    return NAMES.get(name, name)


def _figure(width: float, height: float) -> Figure:
    """Return an empty figure of this size in inches, without pyplot's global state."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - only reports need it, and it loads slowly
    except ImportError:
        raise MissingExtraError("Drawing figures", "train") from None
    return Figure(figsize=(width, height), dpi=120, layout="constrained")


def draw_training(histories: Mapping[str, Sequence[Epoch]], words: BagOfWords, dev_name: str) -> Figure:
    """Draw loss (left) and score (right) by epoch, each with the bag of words as a line across it."""
    figure = _figure(11, 4.5)
    losses, scores = figure.subplots(1, 2)
    for name, epochs in histories.items():
        numbers = [epoch.number for epoch in epochs]
        # A few epochs are easier to read as points; many would run together.
        style = {"color": COLOURS[name], "marker": "o" if len(epochs) <= 30 else ""}
        losses.plot(numbers, [epoch.dev_loss for epoch in epochs], label=title_of(name), **style)
        scores.plot(numbers, [epoch.score for epoch in epochs], label=title_of(name), **style)
        if epochs:
            star = {"color": COLOURS[name], "markersize": 16, "markeredgecolor": "white"}
            losses.plot(choose_best(epochs).number, choose_best(epochs).dev_loss, "*", **star)
    losses.set(title=f"Loss on {dev_name} (star: the epoch kept)", ylabel="Mean cross-entropy (nats)")
    scores.set(title=f"Score on {dev_name}", ylabel="Macro-F1")
    for axes, level in ((losses, words.dev_loss), (scores, words.score)):
        axes.axhline(level, linestyle="--", color=BASELINE_COLOUR, label=f"{BAG_OF_WORDS}, without their order")
        axes.set_xlabel("Epoch")
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(alpha=0.3)
        axes.legend(frameon=False)
    return figure


def draw_label_f1(labels: Sequence[str], metrics: Mapping[str, Metrics], baseline: Metrics | None) -> Figure:
    """Draw a group of bars for each label, with the best label on top and the baseline as a line across each group."""
    means = [float(np.mean([each.label_f1[label] for each in metrics.values()])) for label in labels]
    order = [labels[place] for place in np.argsort(means, kind="stable")]
    places = np.arange(len(order))
    figure = _figure(8, 1.8 + 0.34 * len(order))
    axes = figure.subplots()
    thickness = 0.8 / len(metrics)
    for row, (name, each) in enumerate(metrics.items()):
        # The first model's bar is on top of its group, as in the legend.
        offset = 0.4 - thickness * (row + 0.5)
        values = [each.label_f1[label] for label in order]
        axes.barh(places + offset, values, thickness, color=COLOURS[name], label=title_of(name))
    if baseline:
        values = [baseline.label_f1[label] for label in order]
        axes.vlines(values, places - 0.45, places + 0.45, color=BASELINE_COLOUR, linewidth=2, label=BASELINE)
    axes.set_yticks(places, order, parse_math=False)
    axes.set(xlim=(0, 1), ylim=(-0.6, len(order) - 0.4), xlabel="F1 on test (1 is best)")
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=len(metrics) + 1, frameon=False)
    return figure


def draw_calibration(targets: Array, scores: Mapping[str, Array]) -> Figure:
    """Draw how often the probabilities in each tenth of [0, 1] are right, and below that how many there are."""
    edges = np.linspace(0, 1, 11)
    figure = _figure(6.5, 6.5)
    shares, counts = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    shares.plot((0, 1), (0, 1), "--", color="grey", linewidth=1)
    for row, (name, each) in enumerate(scores.items()):
        place = np.clip(np.digitize(each.ravel(), edges) - 1, 0, 9)
        total = np.bincount(place, minlength=10)
        some = total > 0
        stated = np.bincount(place, weights=each.ravel(), minlength=10)[some] / total[some]
        right = np.bincount(place, weights=targets.ravel(), minlength=10)[some] / total[some]
        shares.plot(stated, right, "o-", color=COLOURS[name], label=title_of(name))
        thickness = 0.08 / len(scores)
        counts.bar(edges[:-1] + 0.01 + thickness * (row + 0.5), total, thickness, color=COLOURS[name])
    shares.set(xlim=(0, 1), ylim=(0, 1), ylabel="Share that is right")
    shares.legend(frameon=False, loc="upper left")
    counts.set(yscale="log", xlabel="Stated probability", ylabel="How many")
    for axes in (shares, counts):
        axes.grid(alpha=0.3)
        axes.set_axisbelow(True)
    return figure


def confusion(truth: Array, predicted: Array, labels: int) -> Array:
    """Return the confusion matrix (labels, labels), true labels by predicted labels.

    Its elements are shares of the true label's rows; a label without rows has zeros.

    Args:
        truth: (rows,) the index of each row's true label.
        predicted: (rows,) the index of each row's strongest label.
        labels: the number of labels.
    """
    counts = np.zeros((labels, labels))
    np.add.at(counts, (truth, predicted), 1)
    return np.asarray(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))


def draw_confusion(labels: Sequence[str], truth: Array, predicted: Mapping[str, Array]) -> Figure:
    """Draw a confusion matrix for each model, side by side, with percentages where they are large enough to matter."""
    side = 2.5 + 0.29 * len(labels)
    figure = _figure(side * len(predicted) + 0.8, side + 0.6)
    panels = figure.subplots(1, len(predicted), sharey=True, squeeze=False)[0]
    small = len(labels) <= 10
    for axes, (name, each) in zip(panels, predicted.items(), strict=True):
        percent = 100 * confusion(truth, each, len(labels))
        image = axes.imshow(percent, cmap="Blues", vmin=0, vmax=100)
        for row, column in np.argwhere(percent >= (0 if small else 10)):
            axes.text(
                column,
                row,
                f"{percent[row, column]:.0f}",
                ha="center",
                va="center",
                fontsize=11 if small else 7.5,
                color="white" if percent[row, column] > 55 else "black",
            )
        axes.set_title(title_of(name))
        axes.set_xticks(range(len(labels)), labels, rotation=90 if len(labels) > 4 else 0, parse_math=False)
        axes.set_yticks(range(len(labels)), labels, parse_math=False)
        axes.set_xlabel("Strongest label")
    panels[0].set_ylabel("True label")
    note = "" if small else ", written from 10 up"
    figure.colorbar(image, ax=list(panels), shrink=0.8, label=f"Share of the true label's texts (%{note})")
    return figure
