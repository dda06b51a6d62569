import pytest

from classifiers.study import tables


@pytest.mark.parametrize(
    ("accuracy", "since"), [([1, 0.5, 1, 1], 3), ([1, 1], 1), ([0.5, 1, 0.9], None), ([0.5], None), ([0.5, 1], 2)]
)
def test_right_since_is_the_first_epoch_from_which_all_stay_right(accuracy: list[float], since: int | None) -> None:
    assert tables._right_since(accuracy) == since
