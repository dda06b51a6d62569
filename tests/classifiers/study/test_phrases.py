from dataclasses import replace

import numpy as np
import pytest

from classifiers.nn.batching import pad
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study import phrases
from classifiers.study.networks import MEMORY
from tests.classifiers.nn.gradients import numeric_gradient


@pytest.mark.parametrize("name", phrases.NETWORKS)
def test_gradient_at_the_last_word_matches_central_differences(name: str) -> None:
    """The final state of a left-to-right LSTM or RNN is that at the last word."""
    network = MEMORY[name].build(8, 5, 3, np.random.default_rng(0))
    network.load({key: array.astype(np.float64) * 2 for key, array in network.params.items()})
    ids = [2, 4, 7, 3, 5]
    norms = phrases.word_gradients(network, ids, 4)
    assert norms.shape == (5,)
    assert (norms > 0).all()
    if name != "bilstm":
        wrong = np.eye(3)[network.forward(pad([ids])).argmin(axis=1)]
        table = network.params["0.embeddings"]
        numeric = numeric_gradient(lambda: softmax_cross_entropy(network.forward(pad([ids])), wrong)[0], table)
        np.testing.assert_allclose(norms, np.linalg.norm(numeric[ids], axis=1), rtol=1e-3)


@pytest.fixture
def records(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    monkeypatch.setattr(phrases, "SETTINGS", replace(phrases.SETTINGS, units=8, epochs=1))
    return phrases.phrase_gradients()


def test_gradient_of_a_left_to_right_network_is_zero_at_later_words(records: list[dict[str, object]]) -> None:
    first = {
        (record["network"], record["word"])
        for record in records
        if record["at"] == 4 and record["phrase"] == records[0]["phrase"]
    }
    for title, last in (("RNN", 4), ("LSTM", 4), ("BiLSTM", 9)):
        assert {word for network, word in first if network == title} == set(range(1, last + 1))


def test_gradients_are_multiples_of_that_at_the_chosen_word(records: list[dict[str, object]]) -> None:
    own = [record["left"] for record in records if record["at"] == record["word"]]
    assert len(own) == 3 * 2 * 9 * len({record["phrase"] for record in records})
    assert set(own) == {1}
    assert records[0]["token"] == str(records[0]["phrase"]).split()[0]
    ends = [[record["left"] for record in records if record["moment"] == moment] for moment in ("start", "end")]
    assert ends[0] != ends[1]
