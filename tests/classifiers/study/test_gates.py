from typing import Any

import numpy as np
import pytest

from classifiers.model_directory import load_models
from classifiers.nn.batching import pad
from classifiers.nn.layers import Bidirectional
from classifiers.study import gates
from classifiers.study.findings import DIRECTIONS
from classifiers.study.gates import MEAN, SENTENCES, UNITS, gate_records, shipped_bilstm

pytest.importorskip("onnx", reason="it reads the shipped BiLSTM: pip install -e '.[train]'")

SENTENCE = SENTENCES[0]


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    monkeypatch.setattr(gates, "SENTENCES", (SENTENCE,))
    return gate_records()


def lines(records: list[dict[str, Any]], layer: int, direction: str, unit: int) -> list[dict[str, Any]]:
    """Return the records of one unit, from the first word to the last."""
    own = [
        record
        for record in records
        if (record["layer"], record["direction"], record["unit"]) == (layer, direction, unit)
    ]
    assert [record["place"] for record in own] == [*range(1, len(own) + 1)]
    return own


def test_recorded_network_answers_as_the_shipped_model(
    found: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    [(label, probability)] = load_models()["bilstm"].predict([SENTENCE])[0].top(1)
    [answer] = found[1]
    said, _, share = answer["answer"].partition(", ")
    assert (answer["sentence"], said) == (SENTENCE, label)
    assert float(share.removesuffix("%")) / 100 == pytest.approx(probability, abs=0.02)


@pytest.mark.parametrize("side", [0, 1], ids=DIRECTIONS)
def test_recorded_states_are_the_outputs_of_the_layer(
    side: int, found: tuple[list[dict[str, Any]], list[dict[str, Any]]]
) -> None:
    network, classifier = shipped_bilstm()
    batch = pad([classifier.tokenizer.encode(SENTENCE)])
    x, number = batch.ids, 0
    for layer in network.layers:
        x = layer.forward(x, batch.lengths)
        if isinstance(layer, Bidirectional):
            number += 1
            states = np.split(x[:, 0], 2, axis=1)[side]
            own = [record["state"] for record in lines(found[0], number, DIRECTIONS[side], MEAN)]
            np.testing.assert_allclose(own, np.sqrt((states**2).mean(axis=1)), atol=0.006)
    assert number == 3


def test_single_units_are_those_whose_cells_change_most(
    found: tuple[list[dict[str, Any]], list[dict[str, Any]]],
) -> None:
    for direction in DIRECTIONS:
        changes = [
            np.std([record["cell"] for record in lines(found[0], 2, direction, unit)]) for unit in range(1, UNITS + 1)
        ]
        assert changes == sorted(changes, reverse=True)
        assert changes[-1] > 0
        assert lines(found[0], 2, direction, UNITS + 1) == []


def test_gate_of_all_units_is_the_mean_over_units(found: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    network, classifier = shipped_bilstm()
    batch = pad([classifier.tokenizer.encode(SENTENCE)])
    x = network.layers[0].forward(batch.ids, batch.lengths)
    layer = next(layer for layer in network.layers if isinstance(layer, Bidirectional)).forward_layer
    first = x[0, 0] @ layer.params["kernel"] + layer.params["bias"]
    expected = [float((1 / (1 + np.exp(-gate))).mean()) for gate in np.split(first, 4)]
    [at_the_start, *_] = lines(found[0], 1, DIRECTIONS[0], MEAN)
    recorded = [at_the_start[gate] for gate in ("input", "forget", "output")]
    np.testing.assert_allclose(recorded, [expected[0], expected[1], expected[3]], atol=0.006)
