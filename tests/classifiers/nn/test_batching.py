import numpy as np

from classifiers.nn.arrays import Array
from classifiers.nn.batching import PADDING, UNKNOWN, Batch, Examples, count_batches, logits_of, pad, training_batches


def some_examples() -> Examples:
    """Return fifty sequences of 1 to 9 tokens; each target is the sequence's first token."""
    rng = np.random.default_rng(0)
    sequences = [rng.integers(2, 1000, rng.integers(1, 10)).tolist() for _ in range(50)]
    return Examples(sequences, np.array([[sequence[0]] for sequence in sequences]))


def test_pad_fills_each_sequence_at_its_end() -> None:
    batch = pad([[5, 6, 7], [8]])
    np.testing.assert_array_equal(batch.ids.T, [[5, 6, 7], [8, PADDING, PADDING]])
    np.testing.assert_array_equal(batch.lengths, [3, 1])
    assert batch.ids.dtype == batch.lengths.dtype == np.int32  # what the ONNX graph takes


def test_batches_contain_every_example_once_with_its_target() -> None:
    examples = some_examples()
    batches = list(training_batches(examples, 8, np.random.default_rng(1)))
    assert len(batches) == count_batches(examples, 8) == 7
    seen = []
    for batch, targets in batches:
        np.testing.assert_array_equal(batch.ids[0], targets[:, 0])
        seen += [column[:length].tolist() for column, length in zip(batch.ids.T, batch.lengths, strict=True)]
    assert sorted(seen) == sorted(map(list, examples.sequences))


def test_batches_hold_nearly_equal_lengths_in_random_order() -> None:
    examples = some_examples()
    first, second = (
        [batch.lengths.tolist() for batch, _ in training_batches(examples, 8, np.random.default_rng(seed))]
        for seed in (1, 2)
    )
    assert first != second
    assert max(max(lengths) - min(lengths) for lengths in first) <= 3


def test_word_dropout_replaces_words_but_never_padding() -> None:
    examples = Examples([[2] * length for length in (10, 50) * 20], np.zeros((40, 1)))
    [(batch, _)] = training_batches(examples, 40, np.random.default_rng(1), word_dropout=0.3)
    real = np.arange(50)[:, None] < batch.lengths
    assert set(np.unique(batch.ids[real])) == {UNKNOWN, 2}
    assert 0.25 < (batch.ids[real] == UNKNOWN).mean() < 0.35
    assert (batch.ids[~real] == PADDING).all()


def test_logits_keep_the_order_of_the_texts() -> None:
    examples = some_examples()
    widths = []

    def run(batch: Batch) -> Array:
        widths.append(len(batch.lengths))
        return batch.ids[:1].T.astype(np.float32)

    np.testing.assert_array_equal(logits_of(run, examples.sequences, batch_size=16), examples.targets)
    assert widths == [16, 16, 16, 2]


def test_logits_are_computed_in_small_batches_of_similar_length() -> None:
    sequences = [[2] * length for length in (1, 30) * 40]
    shapes = []

    def run(batch: Batch) -> Array:
        shapes.append(batch.ids.shape)
        return batch.lengths[:, None]

    np.testing.assert_array_equal(logits_of(run, sequences), [[len(sequence)] for sequence in sequences])
    assert shapes == [(1, 32), (30, 32), (30, 16)]
