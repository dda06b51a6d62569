"""Properties of the test suite as a whole."""

import pytest

from tests.conftest import IMPORTED


def test_collecting_the_tests_imports_nothing_that_takes_seconds(request: pytest.FixtureRequest) -> None:
    """Each process collects all tests, but only the first runs those that need such a library."""
    assert request.config.stash[IMPORTED] == set()
