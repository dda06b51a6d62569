import pytest

from classifiers.errors import MissingExtraError, counted, require


def test_missing_module_is_reported_with_its_extra() -> None:
    require("Reading", "train", "json", "numpy")
    with pytest.raises(
        MissingExtraError, match=r'^Reading needs more packages: run `pip install "emobot\[train\]"`\.$'
    ):
        require("Reading", "train", "json", "no_such_module")


def test_noun_agrees_with_its_number() -> None:
    assert [counted(number, "text") for number in (0, 1, 2, 2000)] == ["0 texts", "1 text", "2 texts", "2,000 texts"]
