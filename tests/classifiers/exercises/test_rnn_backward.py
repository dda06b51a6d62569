from pathlib import Path

import numpy as np
import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises.rnn_backward import check
from classifiers.nn.layers import RNN
from tests.classifiers.exercises.answers import changed_solution, solution, stub, written

NAME = "1_rnn_backward.py"


def test_the_solution_passes() -> None:
    assert check(solution(NAME)).startswith("Solved: dx, dW, dU and db are those of central differences (apart by ")


def test_vectorised_solution_passes(tmp_path: Path) -> None:
    source = """import numpy as np
def backward(dh, x, h, W, U):
    da = dh * (1 - h**2)
    for t in range(len(h) - 2, -1, -1):
        da[t] += da[t + 1] @ U.T * (1 - h[t] ** 2)
    over = "tbi,tbj->ij"
    return da @ W.T, np.einsum(over, x, da), np.einsum(over, h[:-1], da[1:]), da.sum((0, 1))
"""
    assert check(written(tmp_path, source)).startswith("Solved")


def test_unchanged_stub_is_refused_with_what_to_do() -> None:
    with pytest.raises(ExerciseError, match=r"1_rnn_backward\.py is still to be written: do what the text at its top"):
        check(stub(NAME))


def test_the_forward_pass_of_the_stub_is_that_of_the_layer() -> None:
    """The check compares with the layer, so the student should get the same states."""
    rng = np.random.default_rng(0)
    layer, x = RNN(3, 5, rng), rng.normal(size=(6, 4, 3))
    layer.params["bias"] = rng.normal(size=5)
    w, u, b = (layer.params[name] for name in ("kernel", "recurrent_kernel", "bias"))
    np.testing.assert_allclose(stub(NAME).call("forward", x, w, u, b), layer.forward(x, np.full(4, 6)), atol=1e-6)


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("from_next = da @ U.T", "pass", "dx is wrong: the gradient from the next step is missing"),
        ("da @ U.T", "da @ U", "dx is wrong: what comes back from the next step .* transpose of U, not by U itself"),
        ("da @ U.T", "da", "dx is wrong: what comes back from the next step .* by the transpose of U."),
        ("* (1 - h[t] ** 2)", "", "dx is wrong: the slope of the tanh is missing"),
        ("(dh[t] + from_next)", "((t == 5) * dh[t] + from_next)", "dx is wrong: what comes from the layers above"),
        ("h[t] ** 2", "h[t]", "dx is wrong: the slope of the tanh is 1 - h², not 1 - h"),
        ("h[t] ** 2", "np.tanh(h[t]) ** 2", "dx is wrong: .* do not take the tanh of it again"),
        ("from_next = da", "from_next = (dh[t] + from_next)", "dx is wrong: .* has skipped the slope of its tanh"),
        ("from_next = da", "from_next = 2 * da", "dx is wrong: it is right at the last step and wrong before it"),
        ("dx[t] = da", "dx[t] = 2 * da", "dx is wrong: at the last step already, after which nothing comes"),
        ("dx[t] = da", "dx[t] = (t > 1) * da", r"dx is wrong: dx\[.*\] is 0, while central differences give "),
        ("dW += x[t].T @ da", "dW = x[t].T @ da", "dW is wrong: it is that of step 0 alone"),
        ("return dx, dW", "return dx, dW / 4", "dW is wrong: it is a mean over the batch"),
        ("x[t].T @ da", "x[t].T @ dh[t]", "dW is wrong: it is computed from dh"),
        ("if t > 0:", "if True:", r"dU is wrong: at step 0, h\[t - 1\] is h\[-1\], the last state of all"),
        ("h[t - 1].T", "h[t].T", r"dU is wrong: dU\[.*\] is "),
        ("dU += h[t - 1].T @ da", "dU = h[t - 1].T @ da", "dU is wrong: it is that of step 1 alone"),
        ("dW, dU, db\n", "dW, dU / 4, db\n", "dU is wrong: it is a mean over the batch"),
        ("h[t - 1].T @ da", "h[t - 1].T @ dh[t]", "dU is wrong: it is computed from dh"),
        ("db += da.sum(axis=0)", "db = da.sum(axis=0)", "db is wrong: it is that of step 0 alone"),
        ("da.sum(axis=0)", "da.mean(axis=0)", "db is wrong: it is a mean over the batch"),
        ("dU, db\n", "dU, db / 24\n", "db is wrong: it is a mean over steps and batch"),
        ("da.sum(axis=0)", "dh[t].sum(axis=0)", "db is wrong: it is computed from dh"),
        ("dU, db\n", "dU, db + 1\n", r"db is wrong: db\[\d\] is "),
        ("dU, db\n", "dU\n", "`backward` has to end with `return dx, dW, dU, db`: it returned something else."),
        ("db += da.sum(axis=0)", "db = db + da", r"db has the shape \(4, 5\), but should have \(5,\)"),
        ("da @ W.T", "da @ W", r"Line \d+ of .*answer\.py, `dx\[t\] = da @ W`, raised ValueError: matmul"),
    ],
)  # fmt: skip
def test_each_known_mistake_is_reported_with_its_hint(old: str, new: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=hint):
        check(changed_solution(tmp_path, NAME, (old, new)))


def test_pairing_states_with_gradients_of_the_same_step_is_named(tmp_path: Path) -> None:
    changes = (("if t > 0:", "if True:"), ("h[t - 1].T", "h[t].T"))
    with pytest.raises(
        ExerciseError, match=r"dU is wrong: it is computed from h_t and da_t, but U multiplies the previous state"
    ):
        check(changed_solution(tmp_path, NAME, *changes))
