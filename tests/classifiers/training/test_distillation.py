from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from classifiers.nn.layers import sigmoid
from classifiers.training import distillation
from classifiers.training.distillation import SPREAD, Lesson, reduce, soften, stir


def test_stirred_texts_are_made_of_the_words_that_there_are() -> None:
    texts = [f"{letter}1 {letter}2 {letter}3 {letter}4 {letter}5 {letter}6" for letter in "abcdefgh"] * 200
    stirred = stir([*texts, "alone"], np.random.default_rng(0))
    assert len(stirred) == len(texts) + 1
    assert all(stirred)
    words = [text.split() for text in stirred]
    assert {word for row in words for word in row} == {word for text in texts for word in text.split()} | {"alone"}
    assert np.mean([text in texts for text in stirred]) < 0.5
    assert any(len(row) < 4 for row in words)  # cut short
    assert any(len(row) > 6 for row in words)  # spliced
    # Every text gives one to its own place, so most of a stirred text's words are of its origin.
    own = [sum(word[0] == text[0] for word in row) / len(row) for text, row in zip(texts, words, strict=False)]
    assert np.mean(own) > 0.6


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5, 4.0])
def test_softened_probabilities_have_their_logits_divided(temperature: float) -> None:
    logits = np.linspace(-12, 12, 50).reshape(10, 5)
    np.testing.assert_allclose(soften(sigmoid(logits), temperature), sigmoid(logits / temperature), rtol=1e-6)


def test_softening_leaves_certainty_certain() -> None:
    np.testing.assert_array_equal(soften(np.array([0.0, 1.0], np.float32), 2.0), [0, 1])


def test_stirring_shows_seldom_words_in_other_texts_too() -> None:
    texts = ["plain common words of every day here"] * 999 + ["sesquipedalian"]
    stirred = stir(texts, np.random.default_rng(0))
    assert sum("sesquipedalian" in text and "common" in text for text in stirred) > 10


def test_stirring_is_repeatable() -> None:
    texts = ["one two three four five", "six seven eight nine ten"] * 20
    assert stir(texts, np.random.default_rng(3)) == stir(texts, np.random.default_rng(3))
    assert stir(texts, np.random.default_rng(3)) != stir(texts, np.random.default_rng(4))


def test_reduced_vectors_keep_the_directions_that_matter() -> None:
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(500, 2)) * [5, 3]
    noise = rng.normal(size=(500, 20)) * 0.01
    vectors = meaning @ rng.normal(size=(2, 20)) + noise + 7
    reduced = reduce(vectors, 2)
    np.testing.assert_allclose(reduced.std(), SPREAD, rtol=1e-5)
    # What was reduced to two columns still tells the two meanings: a linear map brings them back.
    _, residual, _, _ = np.linalg.lstsq(reduced, meaning - meaning.mean(axis=0), rcond=None)
    assert residual.sum() < 0.01 * (meaning**2).sum()


def test_teachers_together_say_the_mean_of_their_probabilities() -> None:
    one = Lesson(np.array([[0.0, 3.0]], dtype=np.float32), np.ones((5, 2), dtype=np.float32))
    other = Lesson(np.array([[2.0, -40.0]], dtype=np.float32), np.zeros((5, 3), dtype=np.float32))
    both = Lesson.joined([one, other])
    np.testing.assert_allclose(sigmoid(both.logits), (sigmoid(one.logits) + sigmoid(other.logits)) / 2, rtol=1e-5)
    assert both.vectors.shape == (5, 5)
    assert both.logits.dtype == np.float32


LESSON = Lesson(np.ones((6, 3), np.float32), np.ones((5, 2), np.float32))


def test_a_lesson_is_read_as_it_was_written(tmp_path: Path) -> None:
    LESSON.save(tmp_path / "new" / "lesson.safetensors")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["lesson.safetensors"]
    read = Lesson.load(tmp_path / "new" / "lesson.safetensors", texts=6, labels=3, words=5)
    assert read is not None
    np.testing.assert_array_equal(read.logits, LESSON.logits)
    np.testing.assert_array_equal(read.vectors, LESSON.vectors)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        save({"logits": LESSON.logits})[:-3],
        save({"logits": LESSON.logits}),
        save({"logits": LESSON.logits, "vectors": LESSON.vectors[0]}),
        save({"logits": LESSON.logits[1:], "vectors": LESSON.vectors}),
        save({"logits": LESSON.logits[:, 1:], "vectors": LESSON.vectors}),
        save({"logits": LESSON.logits, "vectors": LESSON.vectors[1:]}),
        save({"logits": LESSON.logits * np.float32(np.nan), "vectors": LESSON.vectors}),
        save({"logits": LESSON.logits, "vectors": LESSON.vectors * np.float32(np.inf)}),
    ],
)
def test_a_damaged_lesson_is_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "lesson.safetensors"
    path.write_bytes(content)
    assert Lesson.load(path, texts=6, labels=3, words=5) is None


def test_a_missing_lesson_is_none(tmp_path: Path) -> None:
    assert Lesson.load(tmp_path / "lesson.safetensors", texts=6, labels=3, words=5) is None


def test_a_third_of_stirred_texts_are_parts_and_a_quarter_are_made_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen where no word is swapped or dropped."""
    monkeypatch.setattr(distillation, "SWAPPED", 0)
    monkeypatch.setattr(distillation, "DROPPED", 0)
    texts = [" ".join(f"{row}-{place}" for place in range(12)) for row in range(4000)]
    pairs = list(zip(texts, stir(texts, np.random.default_rng(0)), strict=True))
    parts = [stirred for text, stirred in pairs if stirred != text and stirred in text]
    assert len(parts) / len(texts) == pytest.approx(0.35, abs=0.02)
    assert sum(stirred == text for text, stirred in pairs) / len(texts) == pytest.approx(0.40, abs=0.02)
    lengths = [len(part.split()) for part in parts]
    assert (min(lengths), max(lengths)) == (2, 11)
