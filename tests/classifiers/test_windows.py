from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from classifiers.classifier import NetworkClassifier
from classifiers.model_directory import load_models
from classifiers.nn.arrays import Array
from classifiers.nn.batching import Batch
from classifiers.text import Tokenizer
from classifiers.windows import mean_per_sequence, min_per_sequence, split_all, windows


@pytest.mark.parametrize("length", [*range(1, 40), 512])
def test_windows_cover_a_sequence_and_overlap_by_half(length: int) -> None:
    numbers = list(range(length))
    cut = windows(numbers, 8)
    assert cut[0][0] == 0
    assert cut[-1][-1] == length - 1
    assert all(len(window) <= 8 for window in cut)
    assert len(cut) == 1 or all(len(window) >= 5 for window in cut)
    for before, window in pairwise(cut):
        assert len({*before} & {*window}) == pytest.approx(len(window) / 2, abs=1)


def test_short_sequence_is_one_window() -> None:
    assert windows([1, 2, 3, 4], 4) == [[1, 2, 3, 4]]
    assert windows([1, 2, 3, 4, 5, 6], 4) == [[1, 2, 3, 4], [3, 4, 5, 6]]


@pytest.mark.parametrize("size", [1, 3, 7])
def test_no_window_is_longer_than_an_odd_size(size: int) -> None:
    for length in range(1, 40):
        cut = windows(range(length), size)
        assert max(map(len, cut)) <= size, length
        assert {number for window in cut for number in window} == {*range(length)}, length


def test_windows_of_an_even_size_are_those_of_the_published_figures() -> None:
    assert windows(range(98), 64) == [range(49), range(24, 74), range(49, 98)]
    assert windows(range(101), 64) == [range(50), range(25, 76), range(50, 101)]


def test_windows_of_size_one_cover_the_sequence() -> None:
    assert {number for window in windows([1, 2, 3], 1) for number in window} == {1, 2, 3}


def test_window_answers_are_combined_into_mean_and_minimum_per_sequence() -> None:
    cut, begins = split_all([[5, 6], [0, 1, 2, 3, 4, 5], [7]], 4)
    assert (cut, begins) == ([[5, 6], [0, 1, 2, 3], [2, 3, 4, 5], [7]], [0, 1, 3])
    answers = np.array([[window[0], len(window)] for window in cut], np.float32)
    np.testing.assert_array_equal(mean_per_sequence(answers, begins), [[5, 2], [1, 4], [7, 1]])
    np.testing.assert_array_equal(min_per_sequence(answers, begins), [[5, 2], [0, 4], [7, 1]])
    assert mean_per_sequence(answers, begins).dtype == np.float32


def test_network_gets_small_batches_of_similar_length() -> None:
    shapes = []

    def run(batch: Batch) -> Array:
        shapes.append(batch.ids.shape)
        return np.stack([batch.lengths, -batch.lengths], axis=1)

    tokenizer = Tokenizer(["happy"], max_tokens=64)
    model = NetworkClassifier(run, tokenizer, ("joy", "love"), (0.5, 0.5), 1.0, 0.5, True)
    texts = ["happy", "happy happy day " * 4] * 10
    joy = [prediction.scores[0] for prediction in model.predict(texts)]
    assert joy == [model.predict([text])[0].scores[0] for text in texts]
    assert [columns for _, columns in shapes[:3]] == [8, 8, 4]


def test_long_text_gets_the_mean_of_its_windows_and_a_reaction_only_if_all_agree() -> None:
    """The network's score for joy is the share of the word happy."""
    tokenizer = Tokenizer(["happy", "day", "sad"], max_tokens=4)

    def run(batch: Batch) -> Array:
        share = (batch.ids == 2).sum(axis=0) / batch.lengths
        return np.stack([4 * share - 2, np.full_like(share, -3)], axis=1)

    model = NetworkClassifier(run, tokenizer, ("joy", "love"), (0.5, 0.5), 1.0, 0.5, True)
    high, low = 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(2))
    [prediction] = model.predict(["happy happy day happy happy sad sad day day"])
    windows_read = [model.scores([text])[0, 0] for text in ("happy happy", "day")]
    assert windows_read == [pytest.approx(high), pytest.approx(low)]
    assert prediction.scores[0] == pytest.approx(model.scores(["happy happy day happy happy sad sad day day"])[0, 0])
    assert low < prediction.scores[0] < high
    label, certainty = prediction.reaction()
    assert label == "joy"
    assert certainty == pytest.approx(low)


@pytest.mark.parametrize("name", ["rnn", "bilstm"])
@pytest.mark.parametrize("times", [16, 30, 100])
def test_end_of_a_long_message_affects_the_prediction(name: str, times: int) -> None:
    praise = "everything is great " * times
    turn = "but my cat ran away, I am heartbroken. I cry all day, I feel so sad and alone, and nothing helps."
    alone, turned = load_models()[name].predict([praise, praise + turn])
    assert alone.is_certain()
    assert not turned.is_certain()
