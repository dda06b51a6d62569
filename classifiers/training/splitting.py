"""Divide texts among train, dev and test by their content alone, so that a training run can be repeated anywhere.

Texts that are equal, or differ only in case and spaces, always go to the same part. With `SMALL_DATASET` or more
distinct texts, a hash of the text sends about 80 % to train, 10 % to dev and 10 % to test. With fewer, `SHARE` of each
label's texts go to dev and as many to test, so that each label is in all three parts if it has enough texts. With fewer
than `MIN_TEXTS_FOR_DEV` texts of each label there is no dev.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping

SPLITS = ("train", "dev", "test")

SMALL_DATASET = 300
"""The fewest distinct texts that a hash divides; with fewer, some labels would have no texts in dev or test."""

SHARE = 0.2
"""The share of a small data set's texts that go to dev, and the share that go to test."""

MIN_TEXTS_FOR_DEV = 5
"""The fewest texts of a label that has any in dev."""


def divide(rows: Iterable[tuple[str, Collection[str]]], parts: Collection[str]) -> dict[str, str]:
    """Return the split of each text: train, or one of `parts`.

    Args:
        rows: texts with their labels; a text may occur more than once, with different labels.
        parts: dev, test or both; texts that would go to another part stay in train.
    """
    labels: dict[str, set[str]] = defaultdict(set)
    folds: dict[str, str] = {}
    for text, its_labels in rows:
        folds[text] = folded(text)
        labels[folds[text]].update(its_labels)
    places = _by_hash(labels) if len(labels) >= SMALL_DATASET else _by_label(labels)
    places = {text: place if place in parts else "train" for text, place in places.items()}
    learnt = {label for text, place in places.items() if place == "train" for label in labels[text]}
    return {text: places[fold] if labels[fold] <= learnt else "train" for text, fold in folds.items()}


def folded(text: str) -> str:
    """Return a text in lower case with single spaces; texts for which this is equal are the same for the networks."""
    return " ".join(text.split()).casefold()


def _by_hash(texts: Iterable[str]) -> dict[str, str]:
    """Return the split of each text by its hash, regardless of other texts."""
    by_digit = {8: "dev", 9: "test"}
    return {text: by_digit.get(_hash(text) % 10, "train") for text in texts}


def _by_label(labels: Mapping[str, Collection[str]]) -> dict[str, str]:
    """Return the split of each text so that, for each label, `SHARE` of its texts go to dev and to test.

    A text with several labels counts for the rarest of them.
    """
    places = dict.fromkeys(labels, "train")
    counts = Counter(label for each in labels.values() for label in each)
    by_rarest: dict[str, list[str]] = defaultdict(list)
    for text in sorted(labels, key=_hash):
        by_rarest[min(labels[text], key=lambda label: (counts[label], label))].append(text)
    for texts in by_rarest.values():
        share = max(1, round(SHARE * len(texts)))
        places |= dict.fromkeys(texts[1 : 1 + share], "test")
        if len(texts) >= MIN_TEXTS_FOR_DEV:
            places |= dict.fromkeys(texts[1 + share : 1 + 2 * share], "dev")
    return places


def _hash(text: str) -> int:
    """Return a hash that is the same in every process, unlike Python's built-in one."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])
