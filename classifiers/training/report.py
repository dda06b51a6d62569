"""Write the report of a training run: what was trained, the scores, and figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classifiers.errors import counted
from classifiers.nn.arrays import Array
from classifiers.training.datasets import Dataset
from classifiers.training.evaluation import BagOfWords, ChanceComparison, Metrics
from classifiers.training.history import Epoch, choose_best
from classifiers.training.markdown import markdown_table
from classifiers.training.report_figures import (
    BAG_OF_WORDS,
    BASELINE,
    draw_calibration,
    draw_confusion,
    draw_label_f1,
    draw_training,
    title_of,
)

__all__ = ["BAG_OF_WORDS", "BASELINE", "Baselines", "NetworkResult", "verdicts", "write_report"]

MAX_LABELS = 100
"""The most labels in a figure: more would be unreadable, and a thousand would take gigabytes of memory."""

FEW_ROWS = 20
"""The report warns that a label's F1 means little if it has fewer test rows than this."""


@dataclass(frozen=True, slots=True)
class NetworkResult:
    """The history of a network's training, and its results on test.

    Attributes:
        epochs: the epochs of its training.
        metrics: its metrics on test.
        scores: its probabilities (rows, labels) on test.
        chance: how it compares with guessing.
    """

    epochs: Sequence[Epoch]
    metrics: Metrics
    scores: Array
    chance: ChanceComparison


@dataclass(frozen=True, slots=True)
class Baselines:
    """The results of the baselines with which the networks are compared.

    Attributes:
        bag_of_words: the result of `evaluation.bag_of_words`.
        tfidf: the metrics of `evaluation.baseline`; None if it was not run.
    """

    bag_of_words: BagOfWords
    tfidf: Metrics | None


def write_report(
    directory: Path, dataset: Dataset, command: str, networks: Mapping[str, NetworkResult], baselines: Baselines
) -> None:
    """Write `report.md`, `training.png`, `label_f1.png`, `calibration.png` and usually `confusion.png`.

    There is no confusion matrix for more than `MAX_LABELS` labels, or if no test text has exactly one label.

    Args:
        directory: the folder to write to, which is created if missing; files with these names are replaced.
        dataset: the data set of the run.
        command: the command line that trained the networks.
        networks: the networks by their names in `NAMES`.
        baselines: the baselines with which they are compared.

    Raises:
        MissingExtraError: Matplotlib is not installed.
    """
    directory.mkdir(parents=True, exist_ok=True)
    figure = draw_training(_histories(networks), baselines.bag_of_words, _dev_in_words(dataset))
    figure.savefig(directory / "training.png")
    figure = draw_label_f1(_most_frequent(dataset), _metrics(networks), baselines.tfidf)
    figure.savefig(directory / "label_f1.png")
    scores = {name: each.scores for name, each in networks.items()}
    draw_calibration(dataset.test.targets, scores).savefig(directory / "calibration.png")
    single = dataset.test.targets.sum(axis=1) == 1
    if single.any() and len(dataset.labels) <= MAX_LABELS:
        truth = dataset.test.targets[single].argmax(axis=1)
        predicted = {name: each[single].argmax(axis=1) for name, each in scores.items()}
        draw_confusion(dataset.labels, truth, predicted).savefig(directory / "confusion.png")
    text = _markdown(dataset, command, networks, baselines, int(single.sum()))
    (directory / "report.md").write_text(text, encoding="utf-8")


def _histories(networks: Mapping[str, NetworkResult]) -> dict[str, Sequence[Epoch]]:
    return {name: each.epochs for name, each in networks.items()}


def _metrics(networks: Mapping[str, NetworkResult]) -> dict[str, Metrics]:
    return {name: each.metrics for name, each in networks.items()}


def _markdown(
    dataset: Dataset, command: str, networks: Mapping[str, NetworkResult], baselines: Baselines, single_rows: int
) -> str:
    sections = [
        f"# Training on {dataset.name}",
        f"Trained with\n\n```\n{command}\n```",
        _data_section(dataset),
        _result_section(networks, baselines),
        _learning_curves_section(dataset, networks, baselines.bag_of_words),
        _label_section(dataset, _with_baseline(_metrics(networks), baselines.tfidf)),
        _CALIBRATION_SECTION,
        _confusion_section(dataset, single_rows),
        _how_to_read_section(dataset, single_rows),
    ]
    return "\n\n".join(sections) + "\n"


def _data_section(dataset: Dataset) -> str:
    several = "A text may have several labels" if dataset.multi_label else "Every text has one label"
    dev = "none of its own" if dataset.dev_name == "train" else f"{len(dataset.dev):,}"
    rows = [["train", f"{len(dataset.train):,}"], ["dev", dev], ["test", f"{len(dataset.test):,}"]]
    return (
        f"## Data\n\n{several}; there are {len(dataset.labels)} labels. "
        f"SHA-256 of the source: `{dataset.sha256}`.\n\n{markdown_table(['split', 'texts'], rows)}"
    )


def _result_section(networks: Mapping[str, NetworkResult], baselines: Baselines) -> str:
    rows = []
    columns = {**_metrics(networks), BAG_OF_WORDS: baselines.bag_of_words.metrics}
    for name, each in _with_baseline(columns, baselines.tfidf).items():
        epochs = networks[name].epochs if name in networks else ()
        seconds = f"{sum(epoch.seconds for epoch in epochs):,.0f} s" if epochs else ""
        figures = (each.macro_f1, each.micro_f1, each.top1, each.ece)
        rows.append([title_of(name), *(f"{figure:.3f}" for figure in figures), seconds])
    header = ["model", "macro-F1", "micro-F1", "top-1", "calibration error", "training time"]
    points = "\n".join(f"- {verdict}" for verdict in verdicts(networks, baselines.tfidf))
    return f"## Result on test\n\n{markdown_table(header, rows)}\n\n{points}"


def verdicts(networks: Mapping[str, NetworkResult], baseline: Metrics | None) -> list[str]:
    """Return sentences that say whether each network has learnt anything, and whether it beats the baseline."""
    sentences = [_chance_sentence(title_of(name), each.chance) for name, each in networks.items()]
    if baseline is None:
        return [*sentences, "No baseline was run, so it is unclear whether the networks are worth their weights."]
    for name, each in networks.items():
        gain = each.metrics.macro_f1 - baseline.macro_f1
        how = f"{abs(gain):.3f} {'above' if gain > 0 else 'below'}" if abs(gain) >= 0.0005 else "level with"
        advice = " Logistic regression on words does better, without a network." if gain <= -0.0005 else ""
        sentences.append(f"The {title_of(name)}'s macro-F1 is {how} the baseline's.{advice}")
    return sentences


def _chance_sentence(title: str, chance: ChanceComparison) -> str:
    texts, label = counted(chance.rows, "test text"), repr(chance.most_frequent)
    if chance.most_frequent_right == chance.rows:
        return f"It is unclear whether the {title} has learnt anything: of {texts}, none lacks the label {label}."
    counts = (
        f"its strongest label is right for {chance.right:,} of {texts}, and always saying {label} is right "
        f"for {chance.most_frequent_right:,}"
    )
    if chance.beaten:
        return f"The {title} has learnt something: {counts}."
    if chance.right > chance.most_frequent_right:
        return f"It is unclear whether the {title} has learnt anything: {counts}, a difference that may be luck."
    return f"The {title} shows no sign of having learnt anything: {counts}. More texts of each label would help most."


def _learning_curves_section(dataset: Dataset, networks: Mapping[str, NetworkResult], words: BagOfWords) -> str:
    dev_name, targets = _dev_in_words(dataset), dataset.dev.targets
    points = [
        f"- {title_of(name)}: {len(epochs)} epochs, best after epoch {kept.number} (on {dev_name}: loss "
        f"{kept.dev_loss:.4f}, macro-F1 {kept.score:.3f}); loss in training from {epochs[0].loss:.4f} to "
        f"{epochs[-1].loss:.4f}"
        for name, epochs in _histories(networks).items()
        if epochs
        for kept in [choose_best(epochs)]
    ]
    shares = targets.mean(axis=0)
    everywhere = float(np.mean(2 * shares / (1 + shares)))
    return (
        "## Learning curves\n\n"
        + "\n".join(points)
        + f"\n- {BAG_OF_WORDS}: trained until it converged (on {dev_name}: loss {words.dev_loss:.4f}, macro-F1 "
        f"{words.score:.3f})\n\n"
        f"![Loss and macro-F1 on {dev_name} after each epoch](training.png)\n\n"
        f"How to read this: loss and macro-F1 are measured on {dev_name}, and the star marks the epoch that is kept. "
        "The dashed line is a bag of words, a logistic regression over counts of the same words: it knows which words "
        "a text has, but not in which order. Where the networks leave it behind, they use the order of words, or which "
        f"words go together. Naming every label for every text would give a macro-F1 of {everywhere:.3f}. "
        "The training loss is not drawn: it includes dropout and may be measured against other targets, so the two "
        "cannot be compared."
    )


def _dev_in_words(dataset: Dataset) -> str:
    """Return in words on which texts epochs are compared."""
    return "dev" if dataset.dev_name == "dev" else "the training texts"


def _label_section(dataset: Dataset, columns: Mapping[str, Metrics]) -> str:
    support = dataset.test.targets.sum(axis=0).astype(int)
    rows = [
        [label, f"{count:,}", *(f"{each.label_f1[label]:.3f}" for each in columns.values())]
        for label, count in zip(dataset.labels, support, strict=True)
    ]
    rare = [f"{label} ({count})" for label, count in zip(dataset.labels, support, strict=True) if count < FEW_ROWS]
    warning = (
        f"\n\nThese labels have fewer than {FEW_ROWS} test texts: {', '.join(rare)}. A single text changes their F1 a "
        "lot, and the macro-F1 with it."
        if rare
        else ""
    )
    table = markdown_table(["label", "test texts", *(f"F1, {title_of(name)}" for name in columns)], rows)
    which = "each label" if len(dataset.labels) <= MAX_LABELS else f"the {MAX_LABELS} most frequent labels"
    return f"## By label\n\n{table}{warning}\n\n![F1 of {which}](label_f1.png)"


_CALIBRATION_SECTION = """## Calibration

The probabilities of all labels and test texts, in ten groups by size: on the dashed line, predictions are right as
often as their probability says. The bars count the probabilities on a logarithmic scale, since most labels of most
texts are plainly absent.

![How often right, by stated probability](calibration.png)"""


def _most_frequent(dataset: Dataset) -> list[str]:
    """Return the `MAX_LABELS` labels with the most test texts, in the order of the data set."""
    places = np.argsort(-dataset.test.targets.sum(axis=0), kind="stable")[:MAX_LABELS]
    return [dataset.labels[place] for place in sorted(places)]


def _confusion_section(dataset: Dataset, single_rows: int) -> str:
    if not single_rows:
        return "## Confusion between labels\n\nNo test text has exactly one label, so there is no confusion matrix."
    if len(dataset.labels) > MAX_LABELS:
        return f"## Confusion between labels\n\nThere is no confusion matrix for more than {MAX_LABELS} labels."
    return (
        f"## Confusion between labels\n\nThe {single_rows:,} test texts with exactly one label: of those with "
        "the label at the left, the share whose strongest label is the one below.\n\n"
        "![Shares of each true label by strongest label](confusion.png)"
    )


def _how_to_read_section(dataset: Dataset, single_rows: int) -> str:
    points = [
        "**F1** is the harmonic mean of precision and recall, 1 at best. **Macro-F1** is the mean over "
        "labels, so that a rare one counts as much as a frequent one; **micro-F1** is over all decisions "
        "at once.",
        "**Top-1**: of the texts with exactly one label, how many have their strongest score there.",
        "**Calibration error**: how far, on average, a predicted probability is from how often it is right; "
        "0 at best. With rare labels it is small in any case, so compare it only within this table.",
        f"Nothing was chosen on the test split: {_choices(dataset)}",
        "This is one training run with one seed; another seed gives slightly different figures.",
    ]
    if single_rows:
        points.append(
            f"{single_rows:,} texts count for top-1, so it is known to about "
            f"±{0.98 / single_rows**0.5:.3f} (95 %, at worst); a smaller difference may be chance."
        )
    return "## How to read this\n\n" + "\n".join(f"- {point}" for point in points)


def _choices(dataset: Dataset) -> str:
    """Return sentences: on which split epoch, temperature and thresholds were chosen, and what that means."""
    if dataset.dev_name == "dev":
        return (
            "best epoch, temperature and thresholds come from the dev split. Dev figures are therefore too high; those "
            "on test are not."
        )
    chosen = (
        "best epoch, temperature and thresholds come"
        if dataset.tunable
        else "no temperature and no thresholds were chosen, and the best epoch comes"
    )
    return (
        f"{chosen} from **the training texts themselves**, since there is no dev split. So the figures on them are too "
        "high, and probabilities are higher than they should be."
    )


def _with_baseline(metrics: Mapping[str, Metrics], baseline: Metrics | None) -> dict[str, Metrics]:
    return {**metrics, **({BASELINE: baseline} if baseline else {})}
