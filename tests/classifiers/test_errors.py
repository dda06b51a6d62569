import pytest

from classifiers.errors import MissingExtraError, require


def test_missing_module_is_reported_with_its_extra() -> None:
    require("Reading", "train", "json", "numpy")
    with pytest.raises(
        MissingExtraError, match=r'^Reading needs more packages: run `pip install "emobot\[train\]"`\.$'
    ):
        require("Reading", "train", "json", "no_such_module")
