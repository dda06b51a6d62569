from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from classifiers.emotions import LABELS
from classifiers.errors import MissingExtraError
from classifiers.training import report
from classifiers.training.datasets import Dataset, Split
from classifiers.training.evaluation import BagOfWords, ChanceComparison, Metrics, measure
from classifiers.training.history import Epoch
from classifiers.training.report import Baselines, NetworkResult, verdicts, write_report
from tests.conftest import BlankFigure

pytestmark = [pytest.mark.heavy, pytest.mark.usefixtures("blank_figures")]

NAMES = ("fear", "joy|glee", "neutral")
TEST_TARGETS = np.array([[1, 0, 0], [0, 1, 0], [0, 1, 0], [1, 1, 0]] * 10 + [[0, 0, 1]] * 3, dtype=np.float32)
HISTORIES = {
    "rnn": [Epoch(1, 0.7, 0.6, 0.3, 60.0), Epoch(2, 0.5, 0.45, 0.52, 61.0), Epoch(3, 0.4, 0.5, 0.53, 60.0)],
    "bilstm": [Epoch(1, 0.6, 0.5, 0.4, 1000.0), Epoch(2, 0.4, 0.4, 0.61, 1200.0)],
}
WORDS = BagOfWords(0.55, 0.25, Metrics(43, 0.2, 0.21, 0.22, 0.06, dict.fromkeys(NAMES, 0.2)))
CHANCES = {"rnn": ChanceComparison(43, 42, "fear", 20, True), "bilstm": ChanceComparison(43, 20, "fear", 20, False)}


def _dataset(own_dev: bool = True, targets: np.ndarray = TEST_TARGETS, names: tuple[str, ...] = NAMES) -> Dataset:
    train = Split(("hi", "oh") * 600, np.tile(np.eye(len(names), dtype=np.float32)[:2], (600, 1)))
    dev = Split(("um",) * 7, np.tile(np.eye(len(names), dtype=np.float32)[:1], (7, 1))) if own_dev else train
    return Dataset("moods", names, train, dev, Split(("x",) * len(targets), targets), "ab" * 32)


def _write(directory: Path, dataset: Dataset, with_baseline: bool = True) -> tuple[str, dict[str, Metrics]]:
    """Write the report of an RNN that is right except for one text and a BiLSTM that always predicts joy."""
    targets, names = dataset.test.targets, dataset.labels
    rnn = targets * 0.8 + 0.1
    rnn[0] = 0.1
    bilstm = np.full_like(targets, 0.2)
    bilstm[:, 1] = 0.9
    thresholds = np.full(len(names), 0.5)
    scores = {"rnn": rnn, "bilstm": bilstm}
    metrics = {name: measure(each, targets, thresholds, names) for name, each in scores.items()}
    middle = Metrics(len(targets), 0.7, 0.71, 0.72, 0.05, dict.fromkeys(names, 0.7))
    networks = {name: NetworkResult(HISTORIES[name], metrics[name], scores[name], CHANCES[name]) for name in scores}
    baselines = Baselines(WORDS, middle if with_baseline else None)
    write_report(directory, dataset, "python train.py --dataset moods.tsv", networks, baselines)
    return (directory / "report.md").read_text(encoding="utf-8"), metrics


def test_report_has_the_command_the_data_and_every_figure(tmp_path: Path) -> None:
    text, metrics = _write(tmp_path / "new" / "folder", _dataset())
    assert "```\npython train.py --dataset moods.tsv\n```" in text
    assert "Every text has one label; there are 3 labels." in text
    assert "ab" * 32 in text
    assert "| train | 1,200 |\n| dev | 7 |\n| test | 43 |" in text
    figures = {
        name: f"{each.macro_f1:.3f} | {each.micro_f1:.3f} | {each.top1:.3f} | {each.ece:.3f}"
        for name, each in metrics.items()
    }
    assert (
        f"| RNN | {figures['rnn']} | 181 s |\n"
        f"| BiLSTM | {figures['bilstm']} | 2,200 s |\n"
        "| Bag of words | 0.200 | 0.210 | 0.220 | 0.060 |  |\n"
        "| TF-IDF baseline | 0.700 | 0.710 | 0.720 | 0.050 |  |"
    ) in text
    assert f"| fear | 20 | {metrics['rnn'].label_f1['fear']:.3f} | 0.000 | 0.700 |" in text
    assert (
        "RNN: 3 epochs, best after epoch 2 (on dev: loss 0.4500, macro-F1 0.520); loss in training from 0.7000 to "
        "0.4000\n"
    ) in text
    assert "Bag of words: trained until it converged (on dev: loss 0.5500, macro-F1 0.250)\n" in text


def test_networks_are_compared_with_the_baseline(tmp_path: Path) -> None:
    text, metrics = _write(tmp_path, _dataset())
    assert f"The RNN's macro-F1 is {metrics['rnn'].macro_f1 - 0.7:.3f} above the baseline's." in text
    assert f"The BiLSTM's macro-F1 is {0.7 - metrics['bilstm'].macro_f1:.3f} below the baseline's." in text


def test_better_baseline_is_recommended(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset())
    assert text.count("Logistic regression on words does better, without a network.") == 1


def test_report_says_whether_anything_was_learnt() -> None:
    chances = {
        "rnn": ChanceComparison(12, 11, "joy", 6, True),
        "gru": ChanceComparison(12, 8, "joy", 6, False),
        "lstm": ChanceComparison(7, 3, "joy", 6, False),
        "bilstm": ChanceComparison(1, 1, "joy", 1, False),
    }
    networks = {name: NetworkResult((), WORDS.metrics, TEST_TARGETS, chance) for name, chance in chances.items()}
    learnt, open_, nothing, untold, _ = verdicts(networks, None)
    assert learnt == (
        "The RNN has learnt something: its strongest label is right for 11 of 12 test texts, and always saying 'joy' "
        "is right for 6."
    )
    assert open_ == (
        "It is unclear whether the GRU has learnt anything: its strongest label is right for 8 of 12 test texts, and "
        "always saying 'joy' is right for 6, a difference that may be luck."
    )
    assert nothing == (
        "The LSTM shows no sign of having learnt anything: its strongest label is right for 3 of 7 test texts, and "
        "always saying 'joy' is right for 6. More texts of each label would help most."
    )
    assert untold == "It is unclear whether the BiLSTM has learnt anything: of 1 test text, none lacks the label 'joy'."


def test_report_without_a_baseline_says_so(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset(), with_baseline=False)
    assert "No baseline was run" in text
    assert "| TF-IDF baseline" not in text


def test_rare_labels_are_named(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset())
    assert "These labels have fewer than 20 test texts: neutral (3)." in text


def test_markdown_in_a_label_does_not_break_the_table(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset())
    assert "| joy\\|glee | 30 |" in text


def test_report_names_the_split_that_chose_the_thresholds(tmp_path: Path) -> None:
    own, _ = _write(tmp_path / "own", _dataset())
    assert "come from the dev split" in own
    shared, _ = _write(tmp_path / "shared", _dataset(own_dev=False))
    assert "**the training texts themselves**" in shared
    assert "| dev | none of its own |" in shared


def test_report_says_what_was_not_chosen_without_dev(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, replace(_dataset(own_dev=False), own=True))
    assert "no temperature and no thresholds were chosen, and the best epoch comes from **the training texts" in text


def test_training_texts_that_serve_as_dev_are_not_called_dev(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset(own_dev=False))
    assert re.findall(r".*\bdev\b.*", text) == [
        "| dev | none of its own |",
        "- Nothing was chosen on the test split: best epoch, temperature and thresholds come from **the training texts "
        "themselves**, since there is no dev split. So the figures on them are too high, and probabilities are higher "
        "than they should be.",
    ]
    assert "best after epoch 2 (on the training texts: loss 0.4500, macro-F1 0.520)" in text


def test_learning_curves_are_explained_with_the_score_of_predicting_all_labels(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset(own_dev=False))
    # Two labels stand for half of the texts each, so that precision is 1/2 and recall 1; the third for none.
    assert "](training.png)\n\nHow to read this: " in text
    assert f"Naming every label for every text would give a macro-F1 of {2 / 3 * 2 / 3:.3f}." in text


def test_top1_comes_with_its_uncertainty(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset())
    assert "33 texts count for top-1, so it is known to about ±0.171" in text


@pytest.fixture
def only_figures_with_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the figures blank that name no labels."""
    for figure in ("draw_training", "draw_calibration"):
        monkeypatch.setattr(report, figure, lambda *_: BlankFigure())


def assert_readable(folder: Path, names: tuple[str, ...], figures: tuple[str, ...]) -> None:
    targets = np.eye(len(names), dtype=np.float32)[np.arange(3 * len(names)) % len(names)]
    text, _ = _write(folder, _dataset(targets=targets, names=names))
    for figure in figures:
        assert f"]({figure})" in text
        height, width, _ = matplotlib.image.imread(folder / figure).shape
        assert 250 <= height <= 2000
        assert 700 <= width <= 3000


@pytest.mark.usefixtures("figures")
def test_figures_are_images_of_a_readable_size(tmp_path: Path) -> None:
    assert_readable(tmp_path, ("joy", "sadness"), ("training.png", "label_f1.png", "calibration.png", "confusion.png"))


@pytest.mark.usefixtures("figures", "only_figures_with_labels")
def test_figures_of_28_labels_are_of_a_readable_size(tmp_path: Path) -> None:
    assert_readable(tmp_path, LABELS, ("label_f1.png", "confusion.png"))


@pytest.mark.usefixtures("figures", "only_figures_with_labels")
def test_figures_of_many_labels_stay_small(tmp_path: Path) -> None:
    names = tuple(f"label-{place}" for place in range(300))
    targets = np.eye(300, dtype=np.float32)
    text, _ = _write(tmp_path, _dataset(targets=np.concatenate([targets, targets[150:]]), names=names))
    assert "![F1 of the 100 most frequent labels](label_f1.png)" in text
    assert "There is no confusion matrix for more than 100 labels." in text
    assert "| label-299 | 2 |" in text
    assert not (tmp_path / "confusion.png").exists()
    height, width, _ = matplotlib.image.imread(tmp_path / "label_f1.png").shape
    assert height < 5000
    assert width < 3000


def test_figures_show_the_most_frequent_labels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "MAX_LABELS", 2)
    assert report._most_frequent(_dataset()) == ["fear", "joy|glee"]


@pytest.mark.usefixtures("figures", "only_figures_with_labels")
def test_dollar_signs_in_a_label_are_not_drawn_as_a_formula(tmp_path: Path) -> None:
    _write(tmp_path, _dataset(names=("$\\bad$", "joy", "neutral")))
    assert (tmp_path / "label_f1.png").stat().st_size > 5000


def test_confusion_matrix_is_left_out_without_single_label_rows(tmp_path: Path) -> None:
    text, _ = _write(tmp_path, _dataset(targets=np.ones((30, 3), dtype=np.float32)))
    assert "No test text has exactly one label" in text
    assert not (tmp_path / "confusion.png").exists()


def test_report_of_a_single_model_is_complete(tmp_path: Path) -> None:
    dataset = _dataset()
    metrics = measure(dataset.test.targets, dataset.test.targets, np.full(3, 0.5), dataset.labels)
    rnn = NetworkResult(HISTORIES["rnn"], metrics, dataset.test.targets, CHANCES["rnn"])
    write_report(tmp_path, dataset, "python train.py --model rnn", {"rnn": rnn}, Baselines(WORDS, None))
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "| RNN | 1.000 |" in text
    assert "BiLSTM" not in text
    assert (tmp_path / "confusion.png").exists()


@pytest.mark.usefixtures("figures")
def test_missing_matplotlib_is_reported_with_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"^Drawing figures needs more packages: .*emobot\[train\]"):
        _write(tmp_path, _dataset())
