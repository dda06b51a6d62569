import numpy as np
import pytest

from classifiers.errors import ExerciseError
from classifiers.exercises.comparison import (
    arrays_in,
    known_mistake,
    largest_difference,
    numeric_gradient,
    relative_error,
)

LIKE = {"dx": np.zeros(2), "dW": np.zeros((2, 3))}


def test_central_differences_give_the_gradient_and_restore_the_array() -> None:
    array = np.array([[1.0, -2.0], [0.5, 3.0]])
    kept = array.copy()
    gradient = numeric_gradient(lambda: float((array**3).sum()), array)
    np.testing.assert_allclose(gradient, 3 * kept**2, rtol=1e-8)
    assert (array == kept).all()


def test_error_is_relative_and_zero_for_equal_arrays() -> None:
    assert relative_error(np.zeros(2), np.zeros(2)) == 0
    assert relative_error(np.array([3e-9, 0]), np.array([1e-9, 0])) == pytest.approx(0.5)


def test_arrays_are_returned_by_name() -> None:
    arrays = arrays_in(([1, 2], np.ones((2, 3), np.float32)), ["dx", "dW"], "backward", LIKE)
    assert arrays["dx"].tolist() == [1.0, 2.0]
    assert arrays["dW"].dtype == np.float64


@pytest.mark.parametrize(
    ("returned", "sentence"),
    [
        (None, "`backward` has to end with `return dx, dW`: it returned something else."),
        (np.zeros((2, 2)), "`backward` has to end with `return dx, dW`: it returned something else."),
        ((1, 2, 3), "`backward` has to end with `return dx, dW`: it returned something else."),
        ((None, np.zeros((2, 3))), "dx has the shape (), but should have (2,)."),
        ((["a", "b"], np.zeros((2, 3))), "dx is not an array of numbers: `backward` returns dx and dW."),
        (([[1], [2, 3]], np.zeros((2, 3))), "dx is not an array of numbers: `backward` returns dx and dW."),
        ((np.zeros(2), np.zeros((3, 2))), "dW has the shape (3, 2), but should have (2, 3)."),
        ((np.zeros(2), np.full((2, 3), np.nan)), "dW has numbers that are infinite or not a number (nan)."),
        ((np.array([np.inf, 0]), np.zeros((2, 3))), "dx has numbers that are infinite or not a number (nan)."),
    ],
)
def test_anything_but_the_expected_arrays_is_refused(returned: object, sentence: str) -> None:
    with pytest.raises(ExerciseError) as caught:
        arrays_in(returned, ["dx", "dW"], "backward", LIKE)
    assert str(caught.value) == sentence


def test_mistake_is_named_if_it_produces_exactly_this_array() -> None:
    mistakes = {"halved": np.array([0.5, 1.0]), "doubled": np.array([2.0, 4.0])}
    assert known_mistake(np.array([2.0, 4.0 + 1e-9]), mistakes) == "doubled"
    assert known_mistake(np.array([2.0, 4.1]), mistakes) is None


def test_the_largest_difference_is_shown() -> None:
    found, expected = np.zeros((2, 3)), np.zeros((2, 3))
    found[0, 1], expected[1, 2] = 0.25, -0.5
    assert largest_difference("dW", found, expected) == "dW[1, 2] is 0, while central differences give -0.5"
