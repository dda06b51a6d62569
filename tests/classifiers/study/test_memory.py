import numpy as np

from classifiers.study.memory import FIRST_LETTER, memory_batch


def test_the_marked_letter_stands_in_the_middle_and_is_the_answer() -> None:
    batch, targets = memory_batch(3, 50, 4, np.random.default_rng(0))
    assert batch.ids.shape == (7, 50)
    assert set(batch.lengths) == {7}
    marked = batch.ids >= FIRST_LETTER + 4
    assert marked[3].all()
    assert marked.sum() == 50
    np.testing.assert_array_equal(batch.ids[3] - FIRST_LETTER - 4, targets.argmax(axis=1))
    assert set(np.unique(batch.ids)) == set(range(FIRST_LETTER, FIRST_LETTER + 8))
