from __future__ import annotations

import pytest

from bot.ui.one_each import OneEach


def test_each_person_counts_once_per_subject() -> None:
    one_each = OneEach()
    with one_each.counting(1, 10, 100):
        assert one_each.answered(1, 10) == 100
    assert one_each.answered(1, 10) == 100
    assert one_each.answered(1, 11) is None
    assert one_each.answered(2, 10) is None


def test_failed_count_can_be_repeated() -> None:
    one_each = OneEach()
    with pytest.raises(ValueError, match="no"), one_each.counting(1, 10, 100):
        raise ValueError("no")
    assert one_each.answered(1, 10) is None
