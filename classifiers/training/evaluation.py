"""Measure how good a model is, and train the baselines that it should beat."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from classifiers.calibration import (
    MIN_POSITIVE,
    Calibration,
    calibrate,
    choose_certainty,
    choose_thresholds,
    probabilities,
    uncalibrated,
)
from classifiers.classifier import Prediction
from classifiers.emotions import NEUTRAL
from classifiers.errors import MissingExtraError
from classifiers.nn.arrays import Array
from classifiers.nn.losses import sigmoid_cross_entropy, softmax_cross_entropy
from classifiers.text import Tokenizer, tokenize
from classifiers.training.datasets import Dataset, Split

BINS = 15
"""The number of equal bins of [0, 1] in which confidence and frequency are compared, as in Guo and others (2017)."""


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics of scores against targets.

    Attributes:
        rows: the number of texts.
        macro_f1: mean of the labels' F1, so that a rare label counts as much as a frequent one.
        micro_f1: F1 over all pairs of text and label.
        top1: the share of the rows with exactly one label whose highest score is that label's; 0 if there is no such
            row.
        ece: expected calibration error, the mean difference between a label's probability and how often it is right; 0
            is best.
        label_f1: F1 of each label; 0 for one that neither occurs nor is predicted.
    """

    rows: int
    macro_f1: float
    micro_f1: float
    top1: float
    ece: float
    label_f1: dict[str, float]


def measure(scores: Array, targets: Array, thresholds: Array, labels: tuple[str, ...]) -> Metrics:
    """Return the metrics of scores against targets.

    Args:
        scores: probabilities (rows, labels).
        targets: (rows, labels), 1 where the label applies.
        thresholds: (labels,); a label is predicted where its score is at least its threshold.
        labels: the name of each column.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from sklearn.metrics import f1_score  # noqa: PLC0415 - only training needs it
    except ImportError:
        raise MissingExtraError("Measuring", "train") from None
    truth, predicted = targets > 0.5, scores >= thresholds
    label_f1 = f1_score(truth, predicted, average=None, zero_division=0)
    single = truth.sum(axis=1) == 1
    hits = scores[single].argmax(axis=1) == truth[single].argmax(axis=1)
    return Metrics(
        rows=len(scores),
        macro_f1=float(label_f1.mean()),
        micro_f1=float(f1_score(truth, predicted, average="micro", zero_division=0)),
        top1=float(hits.mean()) if len(hits) else 0.0,
        ece=float(np.mean([_calibration_error(*columns) for columns in zip(scores.T, truth.T, strict=True)])),
        label_f1=dict(zip(labels, label_f1.tolist(), strict=True)),
    )


def calibrated(dev_logits: Array, dataset: Dataset) -> Calibration:
    """Return the calibration chosen from logits (rows, labels) on dev, or `uncalibrated` if dev cannot be used."""
    if not dataset.tunable:
        return uncalibrated(len(dataset.labels))
    return calibrate(dev_logits, dataset.dev.targets, dataset.multi_label)


def evaluator(dataset: Dataset) -> Callable[[Array, Array], tuple[float, float]]:
    """Return a function that maps logits and targets on dev to the loss and macro-F1, both after calibration.

    Without calibration, a network that becomes overconfident would seem worse than it will be once calibrated.
    """
    cross_entropy = sigmoid_cross_entropy if dataset.multi_label else softmax_cross_entropy

    def evaluate(logits: Array, targets: Array) -> tuple[float, float]:
        chosen = calibrated(logits, dataset)
        scores = probabilities(logits, chosen.temperature, dataset.multi_label)
        loss, _ = cross_entropy(logits / chosen.temperature, targets)
        return loss, measure(scores, targets, chosen.thresholds, dataset.labels).macro_f1

    return evaluate


@dataclass(frozen=True, slots=True)
class ChanceComparison:
    """The comparison of a model's strongest labels with always predicting the most frequent label.

    Attributes:
        rows: the number of texts.
        right: the number of texts whose strongest label is one of their labels.
        most_frequent: the most frequent label in train.
        most_frequent_right: the number of texts that have this label.
        beaten: whether `right` is significantly more than `most_frequent_right` (one-sided binomial test, 5 %).
    """

    rows: int
    right: int
    most_frequent: str
    most_frequent_right: int
    beaten: bool


def compare_with_chance(scores: Array, dataset: Dataset) -> ChanceComparison:
    """Return how scores (rows, labels) on test compare with always predicting the most frequent label.

    Raises:
        MissingExtraError: SciPy is not installed.
    """
    try:
        from scipy.special import bdtrc  # noqa: PLC0415 - only training needs it
    except ImportError:
        raise MissingExtraError("Measuring", "train") from None
    targets, counts = dataset.test.targets, dataset.train.targets.sum(axis=0)
    rows, most_frequent = len(targets), int(counts.argmax())
    right, most_frequent_right = (
        int(targets[np.arange(rows), each].sum()) for each in (scores.argmax(axis=1), most_frequent)
    )
    share = float(max(most_frequent_right / rows, counts[most_frequent] / len(dataset.train)))
    beaten = bdtrc(right - 1, rows, share) < 0.05  # the probability of at least this many right answers by chance
    return ChanceComparison(rows, right, dataset.labels[most_frequent], most_frequent_right, bool(beaten))


@dataclass(frozen=True, slots=True)
class Reactions:
    """The rates of reactions, and of right reactions, of a bot that reacts when its model is certain enough.

    Attributes:
        rows: the number of messages.
        acceptable: the share of messages for which a fair reader accepts the label that a reaction would express.
        emotional: the share of the emotional messages (neutral not accepted) for which a fair reader accepts the
            strongest emotion other than neutral; it does not depend on the required certainty.
        coverage: the share of emotional messages that get a reaction.
        precision: the share of all reactions that a fair reader accepts; 0 if there are none.
        neutral: the share of plainly neutral messages (nothing else accepted) that get a reaction.
    """

    rows: int
    acceptable: float
    emotional: float
    coverage: float
    precision: float
    neutral: float


def measure_reactions(predictions: Sequence[Prediction], split: Split, labels: Sequence[str]) -> Reactions:
    """Return how a bot would react to messages whose targets are all the emotions that a fair reader accepts.

    It reacts if `Prediction.is_certain` is true, and never to neutral.

    Args:
        predictions: one for each message.
        split: the messages; targets (rows, labels).
        labels: the name of each column of the targets.
    """
    accepted = _accepted(split, labels)
    right = np.array(_are_right(predictions, accepted))
    reacts = np.array([_is_reaction(prediction) and prediction.is_certain() for prediction in predictions])
    felt = np.array([each.accepted()[0] in labels for each, labels in zip(predictions, accepted, strict=True)])
    emotional = np.array([NEUTRAL not in reading for reading in accepted])
    neutral = np.array([reading == {NEUTRAL} for reading in accepted])
    return Reactions(
        rows=len(right),
        acceptable=_share(right, np.ones_like(right)),
        emotional=_share(felt, emotional),
        coverage=_share(reacts, emotional),
        precision=_share(right, reacts),
        neutral=_share(reacts, neutral),
    )


def choose_reaction_certainty(predictions: Sequence[Prediction], split: Split, labels: Sequence[str]) -> float:
    """Return the lowest certainty at which enough of a model's reactions are right.

    The arguments are those of `measure_reactions`, with messages of a dev split.
    """
    pairs = [
        (prediction.reaction()[1], right)
        for prediction, right in zip(predictions, _are_right(predictions, _accepted(split, labels)), strict=True)
        if _is_reaction(prediction) and prediction.is_certain(0)
    ]
    confidence, right = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    return choose_certainty(confidence, right)


def _accepted(split: Split, labels: Sequence[str]) -> list[set[str]]:
    return [{label for label, applies in zip(labels, row, strict=True) if applies} for row in split.targets]


def _are_right(predictions: Sequence[Prediction], accepted: Sequence[set[str]]) -> list[bool]:
    return [prediction.reaction()[0] in each for prediction, each in zip(predictions, accepted, strict=True)]


def _is_reaction(prediction: Prediction) -> bool:
    return prediction.reaction()[0] != NEUTRAL


def _share(what: Array, among: Array) -> float:
    return float(what[among].mean()) if among.any() else 0.0


def _calibration_error(scores: Array, truth: Array) -> float:
    """Return Σ over bins of (rows in bin / rows) |mean score - share of true|; scores and truth (rows,).

    Naeini and others, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015). Multiplied
    out, it is the sum of each bin's |Σ score - Σ true|, divided by all rows.
    """
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    gaps = np.bincount(bins, weights=scores.astype(np.float64) - truth, minlength=BINS)
    return float(np.abs(gaps).sum() / len(scores))


@dataclass(frozen=True, slots=True)
class BagOfWords:
    """The results of a bag of words, which knows the words of a text but not their order.

    Attributes:
        dev_loss: the loss on dev, as in `history.Epoch`.
        score: the macro-F1 on dev, as in `history.Epoch`.
        metrics: the metrics on test.
    """

    dev_loss: float
    score: float
    metrics: Metrics


def bag_of_words(dataset: Dataset, tokenizer: Tokenizer) -> BagOfWords:
    """Train a logistic regression on word counts, and measure it on dev and test like the networks.

    It gets the same token numbers as the networks, but without their order. The problem is convex, so it is trained to
    the optimum and has no epochs.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    dev_logits, test_logits = _count_logits(dataset, tokenizer)
    dev_loss, score = evaluator(dataset)(dev_logits, dataset.dev.targets)
    chosen = calibrated(dev_logits, dataset)
    scores = probabilities(test_logits, chosen.temperature, dataset.multi_label)
    return BagOfWords(dev_loss, score, measure(scores, dataset.test.targets, chosen.thresholds, dataset.labels))


def _count_logits(dataset: Dataset, tokenizer: Tokenizer) -> tuple[Array, Array]:
    """Return the logits (rows, labels), on dev and on test, of a logistic regression on word counts."""
    try:
        from scipy.sparse import csr_matrix  # noqa: PLC0415 - only training needs these
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above
        from sklearn.multiclass import OneVsRestClassifier  # noqa: PLC0415 - as above
    except ImportError:
        raise MissingExtraError("The baseline", "train") from None

    def counts(split: Split) -> Any:
        numbers = [tokenizer.encode(text) for text in split.texts]
        rows = np.repeat(np.arange(len(numbers)), [len(each) for each in numbers])
        places = rows, np.concatenate(numbers)
        return csr_matrix((np.ones(len(rows)), places), shape=(len(numbers), len(tokenizer)))  # duplicates are summed

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about a label that all training texts have
        if dataset.multi_label:
            each_label = OneVsRestClassifier(LogisticRegression(solver="liblinear"))
            logits = each_label.fit(counts(dataset.train), dataset.train.targets.astype(int)).decision_function
        else:
            one_label = LogisticRegression(max_iter=1000)
            logits = one_label.fit(counts(dataset.train), dataset.train.targets.argmax(axis=1)).predict_log_proba
    return logits(counts(dataset.dev)), logits(counts(dataset.test))


def tfidf_baseline(dataset: Dataset) -> tuple[Array, Array]:
    """Train the baseline that a network must beat: logistic regression on words and characters.

    The features are TF-IDF of words and pairs of words (by the networks' tokenizer) and of runs of 2 to 5 characters
    within words, with one regression per label. It takes one to two minutes for GoEmotions. If no word or run of
    characters is frequent enough, as in a few texts of one emoji each, all of them are used.

    Returns:
        Probabilities (rows, labels) on dev and on test, after training on train only.

    Raises:
        MissingExtraError: scikit-learn is not installed.
    """
    try:
        from scipy.sparse import hstack  # noqa: PLC0415 - only training needs these
        from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415 - as above
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above
        from sklearn.multiclass import OneVsRestClassifier  # noqa: PLC0415 - as above
    except ImportError:
        raise MissingExtraError("The baseline", "train") from None
    words = TfidfVectorizer(
        tokenizer=tokenize,
        token_pattern=None,
        lowercase=False,
        ngram_range=(1, 2),
        min_df=2,
        sublinear_tf=True,
    )
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), min_df=5, sublinear_tf=True)
    fitted = [each for each in (words, characters) if _fit_vectorizer(each, dataset.train.texts)]
    train, dev, test = (
        hstack([each.transform(split.texts) for each in fitted]) for split in (dataset.train, dataset.dev, dataset.test)
    )
    model = OneVsRestClassifier(LogisticRegression(C=2.0, solver="liblinear"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # about a label that all training texts have
        model.fit(train, dataset.train.targets.astype(int))
    return model.predict_proba(dev), model.predict_proba(test)


def _fit_vectorizer(vectorizer: Any, texts: Sequence[str]) -> bool:
    """Fit a vectorizer, with all terms if none is frequent enough; return whether the texts have any terms."""
    for least in (vectorizer.min_df, 1):
        try:
            vectorizer.set_params(min_df=least).fit(texts)
        except ValueError:
            continue
        return True
    return False


def baseline(dataset: Dataset, split: str = "test") -> Metrics:
    """Return the metrics of `tfidf_baseline` on dev or test, with thresholds chosen on dev as for the networks."""
    scores = dict(zip(("dev", "test"), tfidf_baseline(dataset), strict=True))
    if dataset.tunable:
        thresholds = choose_thresholds(scores["dev"], dataset.dev.targets, MIN_POSITIVE)
    else:
        thresholds = uncalibrated(len(dataset.labels)).thresholds
    return measure(scores[split], getattr(dataset, split).targets, thresholds, dataset.labels)
