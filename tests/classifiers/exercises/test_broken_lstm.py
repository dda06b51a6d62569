from pathlib import Path

import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises.broken_lstm import check
from classifiers.exercises.catalogue import FOLDER
from tests.classifiers.exercises.answers import changed_solution, solution, stub

NAME = "2_broken_lstm.py"


def test_the_solution_passes() -> None:
    assert check(solution(NAME)).startswith("Solved: the states are those of our own LSTM, and dx, dW, dU and db ")


def test_stub_passes_with_one_step_and_fails_from_two_steps_on() -> None:
    hint = (
        "The states are right, and so are all gradients of a sequence of one step; but in a sequence of 2 steps "
        r"dx\[0, \d\] is .*, while central differences give .*: follow what `backward` passes from a step to the "
    )
    with pytest.raises(ExerciseError, match=hint):
        check(stub(NAME))


def test_stub_differs_from_the_solution_in_one_line() -> None:
    code = [(FOLDER / folder / NAME).read_text(encoding="utf-8").split('"""', 2)[2] for folder in (".", "solutions")]
    broken, right = (text.splitlines() for text in code)
    assert len(broken) == len(right)
    assert sum(one != other for one, other in zip(broken, right, strict=True)) == 1


@pytest.mark.parametrize(
    ("old", "new", "hint"),
    [
        ("dc_t = dc_t * f[t]", "dc_t = dc_t * i[t]", "dx is wrong: dc .* the forget gate, not through the input gate"),
        ("dc_t = dc_t * f[t]", "dc_t = dc_t * o[t]", "dx is wrong: dc .* the forget gate, not through the output gate"),
        ("dc_t = dc_t * f[t]", "pass", "dx is wrong: dc .* the forget gate, but here it passes unchanged"),
        ("dh_t = dz[t] @ U.T", "dh_t = np.zeros(units)", "dx is wrong: h of the step before also reaches the loss"),
        ("dh_t = dh_t + dh[t]", "dh_t = dh[t]", "dx is wrong: h of the step before also reaches the loss"),
        ("c[t] = f[t] * c_before + i[t] * g[t]", "c[t] = i[t] * g[t]", "The forward pass is no longer that of an LSTM"),
        ("np.tanh(z[2])", "sigmoid(z[2])", "The forward pass is no longer that of an LSTM"),
        ("dc_t * i[t] * (1 - g[t] ** 2)", "dc_t * i[t]", "already in a sequence of one step .* of the candidate"),
        ("dc_t * c_before * f[t]", "dc_t * c[t] * f[t]", "already in a sequence of one step .* of the forget gate"),
        ("return dz @ W.T", "return 2 * dz @ W.T", "already in .* one step .*: look at what `backward` returns"),
        ("dz[1:], dz.sum(axis=0)", "dz[1:], dz.mean(axis=0)", r"in a sequence of 2 steps db\[\d+\] is "),
        ("return h, c, i, f, g, o", "return h", "`forward` has to end with `return h, c, i, f, g, o`: it returned "),
    ],
)  # fmt: skip
def test_each_known_mistake_is_reported_with_its_hint(old: str, new: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(ExerciseError, match=hint):
        check(changed_solution(tmp_path, NAME, (old, new)))


def test_missing_gradient_between_steps_is_named(tmp_path: Path) -> None:
    changes = (("dh_t = dz[t] @ U.T", "dh_t = np.zeros(units)"), ("dc_t = dc_t * f[t]", "dc_t = np.zeros(units)"))
    with pytest.raises(ExerciseError, match="dx is wrong: neither dh nor dc is passed to the step before"):
        check(changed_solution(tmp_path, NAME, *changes))
