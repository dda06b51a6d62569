from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from classifiers.nn.activations import sigmoid
from classifiers.training import distillation
from classifiers.training.distillation import VECTOR_DEVIATION, TeacherOutputs, apply_temperature, augment, pca


def test_augmented_texts_are_made_of_the_words_of_the_texts() -> None:
    texts = [f"{letter}1 {letter}2 {letter}3 {letter}4 {letter}5 {letter}6" for letter in "abcdefgh"] * 200
    augmented = augment([*texts, "alone"], np.random.default_rng(0))
    assert len(augmented) == len(texts) + 1
    assert all(augmented)
    words = [text.split() for text in augmented]
    assert {word for row in words for word in row} == {word for text in texts for word in text.split()} | {"alone"}
    assert np.mean([text in texts for text in augmented]) < 0.5
    assert any(len(row) < 4 for row in words)  # cut short
    assert any(len(row) > 6 for row in words)  # spliced
    # Each stands in the place of its text, and most of its words are from there.
    own = [sum(word[0] == text[0] for word in row) / len(row) for text, row in zip(texts, words, strict=False)]
    assert np.mean(own) > 0.6


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5, 4.0])
def test_temperature_divides_the_logits(temperature: float) -> None:
    logits = np.linspace(-12, 12, 50).reshape(10, 5)
    np.testing.assert_allclose(
        apply_temperature(sigmoid(logits), temperature), sigmoid(logits / temperature), rtol=1e-6
    )


def test_temperature_leaves_zero_and_one_as_they_are() -> None:
    np.testing.assert_array_equal(apply_temperature(np.array([0.0, 1.0], np.float32), 2.0), [0, 1])


def test_augmentation_puts_rare_words_into_other_texts() -> None:
    texts = ["plain common words of every day here"] * 999 + ["sesquipedalian"]
    augmented = augment(texts, np.random.default_rng(0))
    assert sum("sesquipedalian" in text and "common" in text for text in augmented) > 10


def test_augmentation_is_the_same_for_the_same_seed() -> None:
    texts = ["one two three four five", "six seven eight nine ten"] * 20
    assert augment(texts, np.random.default_rng(3)) == augment(texts, np.random.default_rng(3))
    assert augment(texts, np.random.default_rng(3)) != augment(texts, np.random.default_rng(4))


def test_pca_keeps_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(500, 2)) * [5, 3]
    noise = rng.normal(size=(500, 20)) * 0.01
    vectors = meaning @ rng.normal(size=(2, 20)) + noise + 7
    reduced = pca(vectors, 2)
    np.testing.assert_allclose(reduced.std(), VECTOR_DEVIATION, rtol=1e-5)
    # A linear map from the two columns brings the two meanings back.
    _, residual, _, _ = np.linalg.lstsq(reduced, meaning - meaning.mean(axis=0), rcond=None)
    assert residual.sum() < 0.01 * (meaning**2).sum()


def test_combined_outputs_are_the_mean_probabilities() -> None:
    one = TeacherOutputs(np.array([[0.0, 3.0]], dtype=np.float32), np.ones((5, 2), dtype=np.float32))
    other = TeacherOutputs(np.array([[2.0, -40.0]], dtype=np.float32), np.zeros((5, 3), dtype=np.float32))
    both = TeacherOutputs.combined([one, other])
    np.testing.assert_allclose(sigmoid(both.logits), (sigmoid(one.logits) + sigmoid(other.logits)) / 2, rtol=1e-5)
    assert both.vectors.shape == (5, 5)
    assert both.logits.dtype == np.float32


OUTPUTS = TeacherOutputs(np.ones((6, 3), np.float32), np.ones((5, 2), np.float32))


def test_saved_outputs_are_loaded_unchanged(tmp_path: Path) -> None:
    OUTPUTS.save(tmp_path / "new" / "outputs.safetensors")
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["outputs.safetensors"]
    read = TeacherOutputs.load(tmp_path / "new" / "outputs.safetensors", texts=6, labels=3, words=5)
    assert read is not None
    np.testing.assert_array_equal(read.logits, OUTPUTS.logits)
    np.testing.assert_array_equal(read.vectors, OUTPUTS.vectors)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff" * 100,
        save({"logits": OUTPUTS.logits})[:-3],
        save({"logits": OUTPUTS.logits}),
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors[0]}),
        save({"logits": OUTPUTS.logits[1:], "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits[:, 1:], "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors[1:]}),
        save({"logits": OUTPUTS.logits * np.float32(np.nan), "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors * np.float32(np.inf)}),
    ],
)
def test_damaged_outputs_load_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "outputs.safetensors"
    path.write_bytes(content)
    assert TeacherOutputs.load(path, texts=6, labels=3, words=5) is None


def test_missing_outputs_load_as_none(tmp_path: Path) -> None:
    assert TeacherOutputs.load(tmp_path / "outputs.safetensors", texts=6, labels=3, words=5) is None


def test_augmentation_crops_a_third_and_splices_a_quarter_of_the_texts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without replaced or dropped words, which would hide it."""
    monkeypatch.setattr(distillation, "SWAPPED", 0)
    monkeypatch.setattr(distillation, "DROPPED", 0)
    texts = [" ".join(f"{row}-{place}" for place in range(12)) for row in range(4000)]
    pairs = list(zip(texts, augment(texts, np.random.default_rng(0)), strict=True))
    parts = [augmented for text, augmented in pairs if augmented != text and augmented in text]
    assert len(parts) / len(texts) == pytest.approx(0.35, abs=0.02)
    assert sum(augmented == text for text, augmented in pairs) / len(texts) == pytest.approx(0.40, abs=0.02)
    lengths = [len(part.split()) for part in parts]
    assert (min(lengths), max(lengths)) == (2, 11)
