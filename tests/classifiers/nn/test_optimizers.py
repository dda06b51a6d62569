import math

import numpy as np
import pytest

from classifiers.nn import optimizers
from classifiers.nn.optimizers import SGD, Adam, clip_by_global_norm, warmup_cosine


def test_sgd_with_momentum_matches_a_result_computed_by_hand() -> None:
    params = {"p": np.array([1.0])}
    sgd = SGD(momentum=0.5)
    sgd.step(params, {"p": np.array([2.0])}, rate=0.1)
    assert params["p"] == pytest.approx(0.8)  # v = -0.2
    sgd.step(params, {"p": np.array([1.0])}, rate=0.1)
    assert params["p"] == pytest.approx(0.6)  # v = -0.1 - 0.1


def test_sgd_has_no_momentum_by_default_and_else_one_per_array() -> None:
    params = {"p": np.array([1.0]), "q": np.array([1.0])}
    sgd = SGD()
    for _ in range(2):
        sgd.step(params, {"p": np.array([2.0]), "q": np.array([0.0])}, rate=0.1)
    assert params["p"] == pytest.approx(0.6)
    pushed = SGD(momentum=0.5)
    pushed.step(params, {"p": np.array([2.0]), "q": np.array([0.0])}, rate=0.1)
    pushed.step(params, {"p": np.array([0.0]), "q": np.array([0.0])}, rate=0.1)
    assert params["p"] == pytest.approx(0.3)
    assert params["q"] == 1


@pytest.mark.heavy
@pytest.mark.parametrize("weight_decay", [0.0, 0.02])
def test_adam_matches_keras(weight_decay: float) -> None:
    keras = pytest.importorskip("keras", reason="run `pip install -e '.[train]'`")
    rng = np.random.default_rng(0)
    start = rng.normal(size=(3, 2)).astype(np.float32)
    variable = keras.Variable(start)
    reference = keras.optimizers.AdamW(0.01, weight_decay=weight_decay)
    reference.build([variable])
    params = {"p": start.copy()}
    adam = Adam(weight_decay=weight_decay)
    for _ in range(20):
        gradient = rng.normal(size=(3, 2)).astype(np.float32)
        reference.apply([keras.ops.convert_to_tensor(gradient)], [variable])
        adam.step(params, {"p": gradient}, rate=0.01)
    np.testing.assert_allclose(params["p"], variable.numpy(), atol=1e-6)


def test_adam_reads_only_the_given_rows_of_a_gradient() -> None:
    """All other rows are updated by their moments, as if their gradient were zero."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(5, 2))
    dense, sparse = {"p": start.copy()}, {"p": start.copy()}
    one, other = Adam(weight_decay=0.02), Adam(weight_decay=0.02)
    for rows in ([0, 3], [1, 3], [4]):
        gradient = np.zeros_like(start)
        gradient[rows] = rng.normal(size=(len(rows), 2))
        one.step(dense, {"p": gradient}, rate=0.01)
        other.step(sparse, {"p": gradient}, rate=0.01, touched={"p": np.array(rows)})
    np.testing.assert_allclose(sparse["p"], dense["p"], atol=1e-12)


@pytest.mark.parametrize("rows", [1, 6, 7, 8])
def test_adam_updates_every_block_of_a_large_array(rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The array is updated block by block: here three rows at once, of which the last block may have fewer."""
    rng = np.random.default_rng(2)
    start = rng.normal(size=(rows, 4))
    dense, blocks = {"p": start.copy()}, {"p": start.copy()}
    one, other = Adam(weight_decay=0.02), Adam(weight_decay=0.02)
    for _ in range(3):
        gradient = {"p": rng.normal(size=start.shape)}
        one.step(dense, gradient, rate=0.01)
        with monkeypatch.context() as patch:
            patch.setattr(optimizers, "BLOCK_SIZE", 13)
            other.step(blocks, gradient, rate=0.01)
    np.testing.assert_array_equal(blocks["p"], dense["p"])
    assert (dense["p"] != start).all()


def test_clipping_scales_all_gradients_together() -> None:
    grads = {"a": np.array([3.0]), "b": np.array([[4.0]])}
    assert clip_by_global_norm(grads, 1.0) == pytest.approx(5)
    assert grads["a"] == pytest.approx(0.6)
    assert grads["b"] == pytest.approx(0.8)
    assert clip_by_global_norm(grads, 2.0) == pytest.approx(1)
    assert grads["a"] == pytest.approx(0.6)


@pytest.mark.parametrize("size", [1e19, 1e30, 3e38])
def test_clipping_keeps_the_direction_of_gradients_whose_squares_overflow(size: float) -> None:
    grads = {"a": np.float32(size) * np.array([[1.0, 0.0]], np.float32), "b": np.full(1, size, np.float32)}
    assert clip_by_global_norm(grads, 1.0) == pytest.approx(math.sqrt(2) * size)
    np.testing.assert_allclose(grads["a"], [[math.sqrt(0.5), 0]], rtol=1e-3)
    np.testing.assert_allclose(grads["b"], [math.sqrt(0.5)], rtol=1e-3)


def test_clipping_reads_only_the_given_rows() -> None:
    grads = {"table": np.array([[3.0], [0.0], [0.0]]), "b": np.array([4.0])}
    assert clip_by_global_norm(grads, 1.0, touched={"table": np.array([0])}) == pytest.approx(5)
    np.testing.assert_allclose(grads["table"], np.array([[0.6], [0.0], [0.0]]))
    np.testing.assert_allclose(grads["b"], [0.8])


def test_schedule_rises_then_falls_to_zero() -> None:
    rates = [warmup_cosine(step, 101, peak=2.0) for step in range(102)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert max(rates) == rates[10] == 2.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[101] == pytest.approx(0)


def test_short_schedules_match_values_computed_by_hand() -> None:
    assert warmup_cosine(0, 1, peak=2.0) == 2.0
    assert [warmup_cosine(step, 2, peak=2.0) for step in range(3)] == pytest.approx([2.0, 2.0, 0.0])
    assert [warmup_cosine(step, 4, peak=2.0) for step in range(5)] == pytest.approx([2.0, 2.0, 1.5, 0.5, 0.0])
