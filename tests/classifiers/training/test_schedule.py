import numpy as np
import pytest

from classifiers.nn.batching import Examples
from classifiers.nn.optimizers import warmup_cosine
from classifiers.training.recipes import Recipe
from classifiers.training.schedule import scheduled_batches

EXAMPLES = Examples([[number] for number in range(2, 12)], np.eye(10, dtype=np.float32))
RECIPE = Recipe(3, 4, 0.1, embedding=4, dropout=0.0, word_dropout=0.0, weight_decay=0.0)


def test_learning_rate_continues_from_epoch_to_epoch() -> None:
    rates = [
        rate
        for epoch in (1, 2, 3)
        for _, _, rate in scheduled_batches(EXAMPLES, RECIPE, epoch, np.random.default_rng(epoch))
    ]
    assert rates == pytest.approx([warmup_cosine(step, 9, 0.1) for step in range(9)])


def test_batches_have_the_targets_of_their_examples() -> None:
    seen = []
    for batch, targets, _ in scheduled_batches(EXAMPLES, RECIPE, 1, np.random.default_rng(0)):
        assert batch.ids[0].tolist() == (targets.argmax(axis=1) + 2).tolist()
        seen += batch.ids[0].tolist()
    assert sorted(seen) == list(range(2, 12))
