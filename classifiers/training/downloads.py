"""Find data sets that are not in the repository: in a folder of the user's, or in a cache."""

from __future__ import annotations

import os
from pathlib import Path

from classifiers.errors import require

DATA_DIR_VARIABLE = "EMOBOT_DATA_DIR"


def find_data_dir(given: Path | None) -> Path | None:
    """Return the given folder, or the one that the environment names; None to download."""
    named = os.environ.get(DATA_DIR_VARIABLE)
    return given or (Path(named) if named else None)


def cache_folder(purpose: str, extra: str = "train") -> Path:
    """Return the folder in which Pooch keeps what is downloaded.

    Raises:
        MissingExtraError: Pooch is not installed; the sentence names `purpose` and `extra`.
    """
    require(purpose, extra, "pooch")
    import pooch  # noqa: PLC0415 - only now is it known to be installed, and the bot runs without

    return Path(pooch.os_cache("emobot"))
