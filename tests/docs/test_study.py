"""The study is right: its answer matches its tables, and its formulas hold for our layers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifiers.nn.activations import sigmoid
from classifiers.nn.arrays import Array, split_gates
from classifiers.nn.layers import LSTM, RNN, lstm_step
from classifiers.nn.losses import softmax_cross_entropy
from classifiers.study.findings import COMPARISONS, interval
from classifiers.study.gradients import gradient_norms
from classifiers.study.layers import LastStep
from classifiers.study.memory import before_training
from classifiers.study.networks import MEMORY
from classifiers.study.settings import FULL
from classifiers.study.slopes import spectral_radius, step_factors

ROOT = Path(__file__).parents[2]
ARTICLE = (ROOT / "docs" / "study.md").read_text(encoding="utf-8")
NUMBERS: dict[str, Any] = json.loads((ROOT / "docs" / "study" / "numbers.json").read_text(encoding="utf-8"))


def section(title: str) -> str:
    return ARTICLE.partition(f"## {title}\n")[2].partition("\n## ")[0]


def left(row: str, moment: str, direction: int = 0) -> str:
    """Return the median share of GoEmotions' gradient that is left 20 words back, with two digits."""
    norms = np.array([run[moment][direction] for run in NUMBERS["goemotions"][row]])
    return f"{np.median(norms[:, 20] / norms[:, 0]):.2g}"


def top1(row: str) -> list[float]:
    return sorted(run["top1"] for run in NUMBERS["goemotions"][row])


def change(before: str, after: str, figure: str = "macro_f1") -> float:
    """Return by how much a figure changes between two rows with equally many recurrent parameters."""
    return interval(NUMBERS["matched"], before, after, figure)[0]


def apart(before: str, after: str, figure: str = "macro_f1") -> bool:
    """Return whether the seeds tell the two rows apart."""
    difference, half = interval(NUMBERS["matched"], before, after, figure)
    return abs(difference) > half


def learnt(row: str, distance: int) -> int:
    return sum(run["accuracy"][str(distance)] >= 0.9 for run in NUMBERS["memory"][row])


def cells(page: str, row: str, header: str) -> list[str]:
    """Return the numbers of a row in the first table of a page whose head has `header`."""
    table = next(part for part in (ROOT / page).read_text(encoding="utf-8").split("\n\n") if header in part)
    line = next(line for line in table.splitlines() if line.startswith(f"| {row}"))
    return line.strip("| ").split(" | ")[1:]


class TestAnswerAtTheTop:
    @pytest.fixture
    def answer(self) -> dict[str, str]:
        return dict(re.findall(r"^(\d+)\. (.+)$", section("Why a BiLSTM rather than an RNN?"), re.MULTILINE))

    def test_answer_has_ten_lines_and_comes_first(self, answer: dict[str, str]) -> None:
        assert list(answer) == [str(number) for number in range(1, 11)]
        assert re.findall(r"^## (.+)$", ARTICLE, re.MULTILINE)[0] == "Why a BiLSTM rather than an RNN?"

    def test_figures_of_the_study_match_its_numbers(self, answer: dict[str, str]) -> None:
        rnn, both = (np.median(top1(row)) for row in ("orthogonal", "bilstm"))
        sides = [change(*pair) for pair in (("rnn-wide", "birnn"), ("gru", "bigru"), ("lstm", "bilstm"))]
        pooled = [np.median(top1(row)) for row in ("bilstm-pooled", "orthogonal-pooled")]
        for line, sentence in (
            ("1", f"its top-1 is {both:.3f} and the RNN's {rnn:.3f}."),
            ("2", f"four times the recurrent weights gained an RNN {change('rnn', 'rnn-wide'):.3f} macro-F1."),
            ("3", f"an LSTM's gates gain {change('rnn-wide', 'lstm'):.3f}, which is within noise"),
            ("3", f"a GRU's {change('rnn-wide', 'gru'):.3f}"),
            ("3", f"and a second direction {min(sides):.3f} to {max(sides):.3f}."),
            ("4", f"{left('bilstm', 'start')} of it is left 20 words back"),
            ("4", f"and {left('orthogonal', 'start')} of the RNN's."),
            (
                "5",
                f"{left('bilstm', 'end')} is left in one direction and {left('bilstm', 'end', 1)} in the other, "
                f"but only {left('orthogonal', 'end')} in the RNN.",
            ),
            ("8", f"the BiLSTM has {pooled[0]:.3f} and the RNN {pooled[1]:.3f}."),
        ):  # fmt: skip
            assert sentence in answer[line]

    def test_differences_within_noise_are_called_level(self, answer: dict[str, str]) -> None:
        assert "level" in answer["6"]
        assert [learnt(row, 20) for row in ("bilstm", "lstm", "orthogonal")] == [5, 5, 5]
        assert [learnt(row, 40) for row in ("bilstm", "lstm", "orthogonal")] == [0, 0, 0]
        assert [apart("rnn", "rnn-wide"), apart("rnn-wide", "lstm"), apart("rnn-wide", "gru")] == [True, False, True]

    def test_counts_of_gated_networks_by_start_match_the_numbers(self, answer: dict[str, str]) -> None:
        assert (
            "LSTM and GRU learnt 40 steps with no seed when initialised as usual, but with all five by chrono start"
            in answer["7"]
        )
        assert [learnt(row, 40) for row in ("lstm", "gru", "lstm-chrono", "gru-chrono")] == [0, 0, 5, 5]

    @pytest.mark.parametrize(
        ("ahead", "behind"),
        [
            ("bilstm", "orthogonal"),
            ("bilstm-pooled", "orthogonal-pooled"),
        ],
    )
    def test_each_seed_is_ahead_of_each_seed_of_the_other_network(self, ahead: str, behind: str) -> None:
        assert "each seed of the one network is ahead of each seed of the other" in " ".join(ARTICLE.split())
        assert top1(ahead)[0] > top1(behind)[-1]

    def test_figures_of_the_shipped_networks_match_the_model_card(self, answer: dict[str, str]) -> None:
        people, goemotions = "strongest emotion accepted | coverage", "macro-F1 | micro-F1 | top-1 | calibration"
        both, rnn = (
            [*cells("docs/models.md", row, people)[:1], *cells("docs/models.md", row, goemotions)[:3]]
            for row in ("BiLSTM, 3", "RNN, 2")
        )
        assert (
            f"{both[0]} to {rnn[0]} on people's messages, macro-F1 {both[1]} to {rnn[1]}, top-1 {both[3]} to {rnn[3]}."
            in answer["9"]
        )

    def test_times_match_the_speed_page(self, answer: dict[str, str]) -> None:
        times = cells("docs/speed.md", "RNN, NumPy", "| 5 tokens |")[:3]
        assert "two to three times" in answer["10"]
        assert {re.findall(r"\((.*)x\)", time)[0] for time in times} == {"0.4", "0.5"}


# The formulas.

STEPS, UNITS, FEATURES, BACK = 9, 5, 4, 6


def last_state_of(layer: RNN, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Return a layer's states, and the gradients at its last state and at all inputs if only that state is read."""
    x, lengths = rng.normal(size=(STEPS, 1, FEATURES)), np.array([STEPS])
    hidden = layer.forward(x, lengths)
    reading = LastStep(1)
    reading.forward(hidden, lengths)
    d_last = rng.normal(size=(1, UNITS))
    dx = layer.backward(reading.backward(d_last))
    return hidden[:, 0], d_last[0], dx[:, 0]


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def tanh_layer(rng: np.random.Generator) -> RNN:
    layer = RNN(FEATURES, UNITS, rng)
    layer.params = {name: rng.normal(size=array.shape) for name, array in layer.params.items()}
    return layer


def test_product_of_jacobians_matches_our_backward_pass(tanh_layer: RNN, rng: np.random.Generator) -> None:
    hidden, d_last, dx = last_state_of(tanh_layer, rng)
    kernel, recurrent = tanh_layer.params["kernel"], tanh_layer.params["recurrent_kernel"]
    slopes = [np.diag(1 - h * h) for h in hidden]
    last = STEPS - 1
    for back in range(STEPS):
        product = np.eye(UNITS)
        for j in range(back):
            product = product @ slopes[last - j] @ recurrent.T
        np.testing.assert_allclose(d_last @ product @ slopes[last - back] @ kernel.T, dx[last - back], atol=1e-12)


def test_spectral_norm_is_a_tight_bound_of_the_gradient(tanh_layer: RNN, rng: np.random.Generator) -> None:
    def bounds(recurrent: Array, slope: float) -> Array:
        factor = slope * np.linalg.norm(recurrent, 2)
        ends = np.linalg.norm(d_last) * slope * np.linalg.norm(tanh_layer.params["kernel"], 2)
        return np.asarray(ends * factor ** np.arange(STEPS))

    hidden, d_last, dx = last_state_of(tanh_layer, rng)
    slope = float((1 - hidden**2).max())
    assert slope <= 1
    norms = np.linalg.norm(dx, axis=1)[::-1]
    assert (norms <= bounds(tanh_layer.params["recurrent_kernel"], slope)).all()

    # It is reached where each matrix is a multiple of the identity and the states are zero.
    recurrent = 0.7 * np.eye(UNITS)
    tanh_layer.params = {"kernel": np.eye(FEATURES, UNITS), "recurrent_kernel": recurrent, "bias": np.zeros(UNITS)}
    hidden = tanh_layer.forward(np.zeros((STEPS, 1, FEATURES)), np.array([STEPS]))
    d_last = np.eye(UNITS)[0]
    only_last = np.zeros_like(hidden)
    only_last[-1, 0] = d_last
    norms = np.linalg.norm(tanh_layer.backward(only_last)[:, 0], axis=1)[::-1]
    np.testing.assert_allclose(norms, bounds(recurrent, 1.0))


def test_spectral_radius_is_the_limit_of_powers_and_mean_stretch_the_scaled_frobenius_norm(
    rng: np.random.Generator,
) -> None:
    matrix = rng.normal(size=(UNITS, UNITS)) / 3  # so that no power overflows
    radius = spectral_radius(matrix)
    powers = {k: np.linalg.norm(np.linalg.matrix_power(matrix, k), 2) ** (1 / k) for k in (1, 10, 1000)}
    assert radius <= powers[10] <= powers[1]
    np.testing.assert_allclose(powers[1000], radius, rtol=0.01)

    v = rng.normal(size=(20_000, UNITS))
    v /= np.linalg.norm(v, axis=1, keepdims=True)
    mean = np.sqrt((np.linalg.norm(v @ matrix.T, axis=1) ** 2).mean())
    np.testing.assert_allclose(mean, np.linalg.norm(matrix) / np.sqrt(UNITS), rtol=0.01)


def test_path_along_the_cell_is_the_product_of_forget_gates(rng: np.random.Generator) -> None:
    layer = LSTM(FEATURES, UNITS, rng)
    params = {name: array.astype(np.float64) for name, array in layer.params.items()}
    x = rng.normal(size=(BACK, 1, FEATURES))
    start_h, start_c = rng.normal(size=(2, 1, UNITS))

    def cell(c: Array) -> Array:
        h = start_h
        for now in x:
            h, c = lstm_step(now, h, c, params)
        return np.asarray(c[0])

    def jacobian() -> Array:
        nudges = 1e-6 * np.eye(UNITS)
        return np.array([(cell(start_c + nudge) - cell(start_c - nudge)) / 2e-6 for nudge in nudges])

    def forget_gates() -> Array:
        h, c, gates = start_h, start_c, []
        for now in x:
            z = now @ params["kernel"] + h @ params["recurrent_kernel"] + params["bias"]
            gates.append(sigmoid(split_gates(z, 4)[1])[0])
            h, c = lstm_step(now, h, c, params)
        return np.array(gates)

    through_h = jacobian() - np.diag(forget_gates().prod(axis=0))
    assert np.abs(through_h).max() > 0.01
    params["recurrent_kernel"][:] = 0  # no path leads through h any more
    np.testing.assert_allclose(jacobian(), np.diag(forget_gates().prod(axis=0)), atol=1e-8)


FORMULAS: dict[str, Callable[..., None]] = {
    r"dx_{T-k} = dh_T \left( \prod": test_product_of_jacobians_matches_our_backward_pass,
    r"\lVert dx_{T-k} \rVert \le": test_spectral_norm_is_a_tight_bound_of_the_gradient,
    r"\rho(U) = \lim_{k \to \infty}": (
        test_spectral_radius_is_the_limit_of_powers_and_mean_stretch_the_scaled_frobenius_norm
    ),
    r"\frac{\partial c_T}{\partial c_{T-k}}": test_path_along_the_cell_is_the_product_of_forget_gates,
}
"""How each formula of the article begins, and the test that computes it."""


def test_every_formula_has_a_test() -> None:
    blocks = re.findall(r"^```math\n(.+?)\n```$", ARTICLE, re.MULTILINE | re.DOTALL)
    assert [next((start for start in FORMULAS if block.startswith(start)), block) for block in blocks] == [*FORMULAS]


def test_numbers_beside_the_formulas_match_the_table() -> None:
    table, words = section("Comparison with the theory").partition("<!-- study: slopes -->")[2].split("<!-- end -->")
    rows = {line.split(" | ")[0].strip("| "): line.strip("| ").split(" | ")[1:] for line in table.splitlines()[3:]}
    (slope, norm, radius, _, tanh, *_), level = rows["Tanh RNN, Glorot start"], rows["Tanh RNN, orthogonal, clipped"]
    gated = rows["LSTM"]
    forget = gated[-1].removeprefix("-")
    said = " ".join(words.split())
    for sentence in (
        f"{level[4]} of {level[0]}",
        f"rises by {norm} at each step while the gradient falls by {slope.removeprefix('-')}",
        f"together, {float(radius) + float(tanh):.3f}, fall",
        f"fall by {forget} at each step, that is, to {10 ** -float(forget):.2f} of it. It falls by {gated[0][1:]}",
    ):
        assert sentence in said


def test_lstm_slope_without_paths_through_the_hidden_state_matches_its_forget_gates() -> None:
    """Checks what the article says of the LSTM's slope, in the networks that it measures."""
    network, batch, targets, _ = before_training("lstm", 0, FULL.shown, FULL)
    network.layers[1].params["recurrent_kernel"][:] = 0
    [norms] = gradient_norms(network, batch, targets, softmax_cross_entropy, FULL.shown)
    slope = np.log10(norms[20] / norms[10]) / 10
    np.testing.assert_allclose(slope, step_factors("lstm", 0, FULL)["forget"], atol=0.01)


def test_text_on_gates_directions_and_size_matches_the_numbers() -> None:
    said = " ".join(section("Gates, directions or size?").split())
    for sentence in (
        f"**Size** gains much: {change('rnn', 'rnn-wide'):.3f} macro-F1",
        f"it is {change('rnn-wide', 'gru'):.3f} ahead of the RNN in one direction",
        f"and {change('birnn', 'bigru'):.3f} in both. An LSTM",
        f"equal size is {change('rnn-wide', 'lstm'):.3f} and {change('birnn', 'bilstm'):.3f} ahead",
        f"By top-1 they can in both directions ({change('birnn', 'bilstm', 'top1'):.3f}), but not in one.",
        f"gains {change('rnn-wide', 'birnn'):.3f} for the RNN, and {change('gru', 'bigru'):.3f} each for GRU and LSTM",
        f"of the {change('rnn', 'bilstm'):.3f} by which the BiLSTM leads the small RNN, size makes up "
        f"{change('rnn', 'rnn-wide'):.3f}, gates {change('rnn-wide', 'lstm'):.3f} and the second direction "
        f"{change('lstm', 'bilstm'):.3f}",
    ):
        assert sentence in said
    sides = [("rnn-wide", "birnn"), ("gru", "bigru"), ("lstm", "bilstm")]
    assert f"{change(*sides[1]):.3f}" == f"{change(*sides[2]):.3f}"
    assert all(apart(*pair) for pair in [("rnn-wide", "gru"), ("birnn", "bigru"), *sides])
    lstms = [("rnn-wide", "lstm"), ("birnn", "bilstm")]
    assert not any(apart(*pair) for pair in lstms)
    assert [apart(*pair, "top1") for pair in lstms] == [False, True]
    pairs = [pair for each in COMPARISONS.values() for pair in each]
    assert not any(apart(*pair, "emotional") for pair in pairs)
    assert sum(apart(*pair, "acceptable") for pair in pairs) == 1


def test_network_sizes_are_equal_within_one_percent() -> None:
    assert "have 27,840 of them within 1 %" in " ".join(section("Gates, directions or size?").split())
    sizes = {row: runs[0]["recurrent"] for row, runs in NUMBERS["matched"].items()}
    assert sizes.pop("rnn") * 4 == 27_840
    assert all(abs(size / 27_840 - 1) < 0.01 for size in sizes.values())


def test_text_on_the_curves_matches_the_numbers() -> None:
    said = " ".join(section("The curves of the original study").split())
    ten, forty = (np.array([run["accuracy"] for run in NUMBERS["curves"][row]]) for row in ("bilstm-10", "bilstm-40"))
    assert np.median(ten[:, -1]) < 0.6
    assert "With ten epochs, which are 70 updates, our BiLSTM is near chance" in said
    assert f"it has {np.median(forty[:, 9]):.2f} right after ten, and in the end all phrases in four of five" in said
    assert (forty[:, -1] == 1).sum() == 4


def test_only_the_chrono_start_learnt_80_steps() -> None:
    accuracy = {row: [run["accuracy"] for run in runs] for row, runs in NUMBERS["long"].items()}
    assert all(run["400"] == 1 for row in ("gru-chrono", "lstm-chrono") for run in accuracy.pop(row))
    assert all(0.2 < run["2000"] < 0.5 for run in accuracy.pop("lstm-open"))
    assert len(accuracy) == len(MEMORY) - 3
    assert all(max(run.values()) < 0.2 for runs in accuracy.values() for run in runs)
