from dataclasses import replace

import numpy as np

from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study.gradients import gradient_norms
from classifiers.study.memory import FIRST_LETTER, before_training, measure_long, measure_memory, memory_batch
from classifiers.study.settings import QUICK, QUICK_LONG


def test_marked_letter_is_in_the_middle_and_is_the_target() -> None:
    batch, targets = memory_batch(3, 50, 4, np.random.default_rng(0))
    assert batch.ids.shape == (7, 50)
    assert set(batch.lengths) == {7}
    marked = batch.ids >= FIRST_LETTER + 4
    assert marked[3].all()
    assert marked.sum() == 50
    np.testing.assert_array_equal(batch.ids[3] - FIRST_LETTER - 4, targets.argmax(axis=1))
    assert set(np.unique(batch.ids)) == set(range(FIRST_LETTER, FIRST_LETTER + 8))


def test_recorded_gradient_is_that_of_the_untrained_network() -> None:
    settings = replace(QUICK, updates=1)
    network, batch, targets, rng = before_training("glorot", 3, settings.shown, settings)
    embeddings, units = network.layers[0].params["embeddings"].shape
    assert (embeddings, units) == (FIRST_LETTER + 2 * settings.letters, settings.units)
    others = rng.permutation(targets)
    norms = gradient_norms(network, batch, others, softmax_cross_entropy, 2 * settings.shown)
    found = measure_memory("glorot", 3, settings)
    assert found["start"] == norms != found["end"]
    assert [*found["accuracy"]] == [str(distance) for distance in settings.distances]


def test_longer_training_reports_intermediate_accuracies() -> None:
    settings = replace(QUICK_LONG, distances=(2,), updates=100)
    accuracy = measure_long("orthogonal", 0, settings)["accuracy"]
    assert list(accuracy) == [str(10 * look) for look in range(1, 11)]
    assert accuracy["100"] > 0.9 > accuracy["10"]
