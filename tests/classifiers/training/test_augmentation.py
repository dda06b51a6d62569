from __future__ import annotations

import numpy as np
import pytest

from classifiers.training import augmentation
from classifiers.training.augmentation import augment
from classifiers.training.recipes import OMITTED, REPLACED


def test_augmented_texts_contain_only_words_of_the_originals() -> None:
    texts = [f"{letter}1 {letter}2 {letter}3 {letter}4 {letter}5 {letter}6" for letter in "abcdefgh"] * 200
    augmented = augment([*texts, "alone"], np.random.default_rng(0))
    assert len(augmented) == len(texts) + 1
    assert all(augmented)
    words = [text.split() for text in augmented]
    assert {word for row in words for word in row} == {word for text in texts for word in text.split()} | {"alone"}
    assert np.mean([text in texts for text in augmented]) < 0.5
    assert any(len(row) < 4 for row in words)  # cut short
    assert any(len(row) > 6 for row in words)  # spliced
    # Each augmented text is at the index of its original and shares most of its words.
    own = [sum(word[0] == text[0] for word in row) / len(row) for text, row in zip(texts, words, strict=False)]
    assert np.mean(own) > 0.6


def test_augmentation_puts_rare_words_into_other_texts() -> None:
    texts = ["plain common words of every day here"] * 999 + ["sesquipedalian"]
    augmented = augment(texts, np.random.default_rng(0))
    assert sum("sesquipedalian" in text and "common" in text for text in augmented) > 10


def test_augmentation_is_the_same_for_the_same_seed() -> None:
    texts = ["one two three four five", "six seven eight nine ten"] * 20
    assert augment(texts, np.random.default_rng(3)) == augment(texts, np.random.default_rng(3))
    assert augment(texts, np.random.default_rng(3)) != augment(texts, np.random.default_rng(4))


def test_augmentation_crops_a_third_and_splices_a_quarter_of_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without replacing or dropping words, which would hide it."""
    monkeypatch.setattr(augmentation, "REPLACED", 0)
    monkeypatch.setattr(augmentation, "OMITTED", 0)
    texts = [" ".join(f"{row}-{place}" for place in range(12)) for row in range(4000)]
    pairs = list(zip(texts, augment(texts, np.random.default_rng(0)), strict=True))
    parts = [augmented for text, augmented in pairs if augmented != text and augmented in text]
    assert len(parts) / len(texts) == pytest.approx(0.35, abs=0.02)
    assert sum(augmented == text for text, augmented in pairs) / len(texts) == pytest.approx(0.40, abs=0.02)
    lengths = [len(part.split()) for part in parts]
    assert (min(lengths), max(lengths)) == (2, 11)


@pytest.mark.parametrize(("off", "share"), [("REPLACED", OMITTED), ("OMITTED", REPLACED)])
def test_augmentation_leaves_out_and_replaces_some_words(
    monkeypatch: pytest.MonkeyPatch, off: str, share: float
) -> None:
    for name in ("SPLICED", "CROPPED", off):
        monkeypatch.setattr(augmentation, name, 0)
    texts = [" ".join(f"{row}-{place}" for place in range(12)) for row in range(400)]
    pairs = zip(texts, augment(texts, np.random.default_rng(0)), strict=True)
    kept = sum(len({*text.split()} & {*augmented.split()}) for text, augmented in pairs)
    assert 1 - kept / (12 * len(texts)) == pytest.approx(share, abs=0.02)
