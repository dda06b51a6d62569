from __future__ import annotations

import pytest

from bot.ui.one_each import OneEach


def test_each_person_is_remembered_for_each_subject_from_the_beginning() -> None:
    one_each = OneEach()
    with one_each.counting(1, 10, 100):
        assert one_each.answered(1, 10) == 100
    assert one_each.answered(1, 10) == 100
    assert one_each.answered(1, 11) is None
    assert one_each.answered(2, 10) is None


def test_what_could_not_be_counted_is_forgotten() -> None:
    one_each = OneEach()
    with pytest.raises(ValueError, match="no"), one_each.counting(1, 10, 100):
        raise ValueError("no")
    assert one_each.answered(1, 10) is None
