"""Find the three files of GoEmotions (Demszky and others, 2020), download them if necessary, and parse them."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
from pathlib import Path

from classifiers.errors import DatasetError
from classifiers.training.downloads import DATA_DIR_VARIABLE, cache_folder

GOEMOTIONS_URL = "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/"

GOEMOTIONS_SHA256: dict[str, str] = {
    "train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
    "dev.tsv": "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
    "test.tsv": "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
}


def goemotions_files(data_dir: Path | None) -> list[bytes]:
    """Return the contents of train.tsv, dev.tsv and test.tsv.

    Args:
        data_dir: the folder that holds `goemotions` with these files; None to download them once.

    Raises:
        DatasetError: a file is missing, cannot be read, has other content, or cannot be downloaded.
        MissingExtraError: they have to be downloaded and the package for it is not installed.
    """
    paths = _download() if data_dir is None else [data_dir / "goemotions" / file for file in GOEMOTIONS_SHA256]
    contents = []
    for path, expected in zip(paths, GOEMOTIONS_SHA256.values(), strict=True):
        content = _read(path)
        if hashlib.sha256(content).hexdigest() != expected:
            raise DatasetError(
                f"{path} is not GoEmotions' {path.name} (its SHA-256 is another): "
                f"delete it and fetch it again, or unset {DATA_DIR_VARIABLE} to have it downloaded."
            )
        contents.append(content)
    return contents


def parse_goemotions(content: bytes) -> tuple[list[str], list[list[int]]]:
    """Return the texts and the numbers of their labels in a file whose hash was checked.

    Its columns are the text, the numbers joined by commas, and the id of the comment.
    """
    rows = csv.reader(io.StringIO(content.decode(), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    texts, numbers, _ = zip(*rows, strict=True)
    return list(texts), [[int(number) for number in each.split(",")] for each in numbers]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise DatasetError(
            f"There is no goemotions/{path.name} in {path.parents[1]}: put GoEmotions' three files there, or "
            f"unset {DATA_DIR_VARIABLE} to have them downloaded."
        ) from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error.strerror}): give a file that can be read.") from error


def _download() -> list[Path]:
    folder = cache_folder("Downloading GoEmotions") / "goemotions"
    import pooch  # noqa: PLC0415 - only now is it known to be installed

    # Pooch draws its progress bar with tqdm, and raises an error without it.
    progress = importlib.util.find_spec("tqdm") is not None
    try:
        return [
            Path(
                pooch.retrieve(GOEMOTIONS_URL + file, known_hash=sha256, fname=file, path=folder, progressbar=progress)
            )
            for file, sha256 in GOEMOTIONS_SHA256.items()
        ]
    except (OSError, ValueError) as error:  # no network, refused, or the file has another hash
        raise DatasetError(
            f"GoEmotions could not be downloaded from {GOEMOTIONS_URL} ({type(error).__name__}): "
            "try again later, or put train.tsv, dev.tsv and test.tsv into a folder goemotions and set "
            f"{DATA_DIR_VARIABLE} to the folder around it."
        ) from error
