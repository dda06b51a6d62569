"""The example that is read first: short, with NumPy alone, and with the same mathematics as our layers."""

import ast
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.nn import network
from classifiers.nn.batching import pad
from classifiers.nn.losses import softmax_cross_entropy

FILE = Path(__file__).parents[2] / "examples" / "rnn_from_scratch.py"

OUR_NAMES = {
    "E": "0.embeddings",
    **{"W1": "2.kernel", "U1": "2.recurrent_kernel", "b1": "2.bias"},
    **{"W2": "4.kernel", "U2": "4.recurrent_kernel", "b2": "4.bias"},
    **{"V": "7.kernel", "c": "7.bias"},
}


@pytest.fixture
def example() -> dict[str, Any]:
    return runpy.run_path(str(FILE))


def test_logits_and_gradients_match_our_layers(example: dict[str, Any]) -> None:
    """Phrases of several lengths, one of them with a repeated word; the loss of our batch is the mean."""
    phrases, labels = [[3, 1, 4, 1, 5, 9], [2], [6, 5], [3, 5, 8, 9]], [0, 1, 1, 0]
    rng = np.random.default_rng(1)
    weights = {
        name: array + rng.normal(0, 0.1, array.shape) for name, array in example["initial_weights"](10, rng).items()
    }
    ours = network.build("rnn", 10, example["VECTOR"], 2, None, units=example["UNITS"])
    ours.load({OUR_NAMES[name]: array for name, array in weights.items()})

    answers = [example["forward"](weights, ids) for ids in phrases]
    gradients = [
        example["backward"](weights, ids, label, probabilities, arrays)
        for ids, label, (probabilities, arrays) in zip(phrases, labels, answers, strict=True)
    ]

    logits = ours.forward(pad(phrases))
    loss, d_logits = softmax_cross_entropy(logits, np.eye(2)[labels])
    ours.backward(d_logits)
    probabilities = np.array([probabilities for probabilities, _ in answers])
    np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), rtol=1e-12)
    assert -np.log(probabilities[range(4), labels]).mean() == pytest.approx(loss, rel=1e-12)
    assert weights.keys() == gradients[0].keys()
    for name in weights:
        mean = np.mean([gradient[name] for gradient in gradients], axis=0)
        np.testing.assert_allclose(mean, ours.grads[OUR_NAMES[name]], rtol=0, atol=1e-14, err_msg=name)


def test_example_learns_every_phrase(example: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    example["main"]()
    shown = capsys.readouterr().out
    assert shown.count("loss") == 6
    assert "train: 56 of 56 phrases right" in shown
    assert "test: 24 of 24 phrases right" in shown
    assert "  i feel great and not sad: joy, 99." in shown


def test_example_is_short_and_imports_only_numpy() -> None:
    source = FILE.read_text(encoding="utf-8")
    assert source.count("\n") < 120
    imported = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in imported] == ["from pathlib import Path", "import numpy as np"]
