from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch, Examples
from classifiers.text import Tokenizer
from classifiers.training.distillation import (
    TeacherOutputs,
    apply_temperature,
    pca,
    with_assistant_targets,
    with_teacher_targets,
)
from classifiers.training.recipes import VECTOR_DEVIATION


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5, 4.0])
def test_temperature_divides_the_logits(temperature: float) -> None:
    logits = np.linspace(-12, 12, 50).reshape(10, 5)
    np.testing.assert_allclose(
        apply_temperature(sigmoid(logits), temperature), sigmoid(logits / temperature), rtol=1e-6
    )


def test_temperature_leaves_zero_and_one_as_they_are() -> None:
    np.testing.assert_array_equal(apply_temperature(np.array([0.0, 1.0], np.float32), 2.0), [0, 1])


def test_pca_keeps_the_directions_of_most_variance() -> None:
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(500, 2)) * [5, 3]
    noise = rng.normal(size=(500, 20)) * 0.01
    vectors = meaning @ rng.normal(size=(2, 20)) + noise + 7
    reduced = pca(vectors, 2)
    assert reduced.dtype == np.float32
    np.testing.assert_allclose(reduced.std(), VECTOR_DEVIATION, rtol=1e-5)
    # A linear map from the two columns recovers the two directions.
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
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors[:, 0].copy()}),
        save({"logits": OUTPUTS.logits[1:], "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits[:, 1:], "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors[1:]}),
        save({"logits": OUTPUTS.logits * np.array([1, np.nan, 1], np.float32), "vectors": OUTPUTS.vectors}),
        save({"logits": OUTPUTS.logits, "vectors": OUTPUTS.vectors * np.array([1, np.inf], np.float32)}),
    ],
)
def test_damaged_outputs_load_as_none(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "outputs.safetensors"
    path.write_bytes(content)
    assert TeacherOutputs.load(path, texts=6, labels=3, words=5) is None


def test_missing_outputs_load_as_none(tmp_path: Path) -> None:
    assert TeacherOutputs.load(tmp_path / "outputs.safetensors", texts=6, labels=3, words=5) is None


def test_averaging_changes_only_the_given_rows_to_mean_probabilities() -> None:
    outputs = TeacherOutputs(np.array([[0.0], [np.log(3)], [-2.0]], dtype=np.float32), np.zeros((1, 2)))
    averaged = outputs.averaged(np.array([1, 0]), np.array([[0.25], [1.0]]))
    expected = np.array([[0.75], [0.5], [1 / (1 + np.exp(2.0))]])
    np.testing.assert_allclose(sigmoid(averaged.logits), expected, atol=1e-6)
    assert averaged.vectors is outputs.vectors
    np.testing.assert_array_equal(outputs.logits[0], [0.0])


def test_average_of_probabilities_0_and_1_has_finite_logits() -> None:
    outputs = TeacherOutputs(np.array([[200.0, -200.0]], dtype=np.float32), np.zeros((1, 2)))
    averaged = outputs.averaged(np.array([0]), np.array([[1.0, 0.0]]))
    assert np.isfinite(averaged.logits).all()


def test_teachers_probabilities_are_the_targets_of_their_texts() -> None:
    outputs = TeacherOutputs(np.array([[0.0, 3.0], [1.0, -1.0]], np.float32), np.zeros((1, 2), np.float32))
    examples = with_teacher_targets(["sad", "happy"], outputs, Tokenizer(["happy", "sad"], max_tokens=8))
    assert examples.sequences == [[3], [2]]
    np.testing.assert_allclose(examples.targets, sigmoid(outputs.logits))


def test_assistant_labels_further_texts_at_the_temperature_of_all_targets() -> None:
    def assistant(batch: Batch) -> Array:
        return np.outer(batch.ids[0], [1.0, -1.0])

    distilled = Examples([[3, 2]], np.array([[0.9, 0.2]]))
    tokenizer = Tokenizer(["happy", "sad"], max_tokens=8)
    examples = with_assistant_targets(distilled, [["happy", "sad"], ["sad happy"]], assistant, tokenizer, 2.0)
    assert examples.sequences == [[3, 2], [2], [3], [3, 2]]
    logits = np.array([[2.0, -2.0], [3.0, -3.0], [3.0, -3.0]])
    expected = [*apply_temperature(distilled.targets, 2.0), *sigmoid(logits / 2)]
    np.testing.assert_allclose(examples.targets, expected)
    assert distilled.sequences == [[3, 2]]
