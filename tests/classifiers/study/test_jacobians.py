import numpy as np
import pytest

from classifiers.nn.layers import RNN, rnn_step
from classifiers.study.jacobians import lyapunov_exponents, singular_values, step_jacobians

STEPS, UNITS = 100, 4


@pytest.fixture
def layer() -> RNN:
    rng = np.random.default_rng(0)
    layer = RNN(UNITS, UNITS, rng)
    layer.params = {name: rng.normal(size=array.shape) for name, array in layer.params.items()}
    return layer


def test_step_jacobian_matches_central_differences(layer: RNN) -> None:
    x, h = np.random.default_rng(2).normal(size=(2, 1, UNITS))
    [jacobian] = step_jacobians(layer.params["recurrent_kernel"], rnn_step(x, h, layer.params))
    nudges = 1e-6 * np.eye(UNITS)
    numeric = (rnn_step(x, h + nudges, layer.params) - rnn_step(x, h - nudges, layer.params)) / 2e-6
    np.testing.assert_allclose(jacobian, numeric, atol=1e-8)


def test_singular_values_match_the_backward_pass_of_our_layer(layer: RNN) -> None:
    layer.params["kernel"] = np.eye(UNITS)  # so that the gradient at the input has passed only through tanh
    x = np.random.default_rng(1).normal(size=(STEPS, 1, UNITS))
    states = layer.forward(np.repeat(x, UNITS, axis=1), np.full(UNITS, STEPS))
    at_the_end = np.zeros_like(states)
    at_the_end[-1] = np.eye(UNITS)  # the sequences are all alike, and each sends back the gradient of another unit
    way_back = layer.backward(at_the_end) / (1 - states**2)

    found = singular_values(step_jacobians(layer.params["recurrent_kernel"], states[:, 0]), 5)
    expected = np.linalg.svd(way_back[: -5 - 2 : -1], compute_uv=False)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert (found[0] == 1).all()


def test_exponents_of_one_symmetric_matrix_are_the_logarithms_of_its_eigenvalues() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(UNITS, UNITS))).Q
    eigenvalues = np.array([1.5, -1.1, 0.6, 0.2])
    matrix = (basis * eigenvalues) @ basis.T
    found = lyapunov_exponents(np.repeat(matrix[None], 2000, axis=0), UNITS)
    np.testing.assert_allclose(found, np.log(np.abs(eigenvalues)), atol=2e-3)


def test_exponents_are_the_logarithms_of_the_singular_values_of_the_whole_product() -> None:
    rng = np.random.default_rng(0)
    basis = np.linalg.qr(rng.normal(size=(UNITS, UNITS))).Q
    matrix = (basis * [1.3, -1.2, 1.1, 1.0]) @ basis.T
    jacobians = step_jacobians(matrix, rng.uniform(-0.7, 0.7, size=(STEPS, UNITS)))
    product = np.linalg.multi_dot(list(jacobians))
    values = np.linalg.svd(product, compute_uv=False)
    assert values[-1] > 1e-12 * values[0]  # else it would be a rounding error

    found = lyapunov_exponents(jacobians, UNITS)
    np.testing.assert_allclose(found, np.log(values) / STEPS, atol=1e-3)
    assert (found[:-1] - found[1:] > 0.05).all()  # so that none can be confused with another
    np.testing.assert_allclose(found.sum() * STEPS, np.linalg.slogdet(product).logabsdet)
    np.testing.assert_allclose(lyapunov_exponents(jacobians, 1), found[:1], atol=0.02)


def test_product_depends_on_the_order_of_the_steps() -> None:
    """A vector stretched along the first axis is then sheared; in the opposite order, the shear has little effect."""
    stretch, shear = np.diag([2, 0.5]), np.array([[1, 1], [0, 1]])
    jacobians = np.array([stretch] * 30 + [shear] * 30)
    largest = np.linalg.norm(np.linalg.multi_dot(list(jacobians)), 2)
    np.testing.assert_allclose(lyapunov_exponents(jacobians, 1), np.log(largest) / 60, atol=0.03)
