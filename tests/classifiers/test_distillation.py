import numpy as np

from classifiers.distillation import SPREAD, TRUST, reduce, soften


def test_soft_targets_lie_between_people_and_teacher() -> None:
    targets = np.array([[1, 0]], dtype=np.float32)
    logits = np.array([[0, np.log(3)]], dtype=np.float32)  # the teacher says 0.5 and 0.75
    np.testing.assert_allclose(soften(targets, logits), [[1 - TRUST + TRUST * 0.5, TRUST * 0.75]], rtol=1e-6)
    assert soften(targets, logits).dtype == np.float32


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
