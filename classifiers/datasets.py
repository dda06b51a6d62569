"""Texts with their emotions: the built-in phrases, GoEmotions, chat, or any TSV, CSV or JSON-lines file.

A file of your own needs a column with the text and one with the label, under the names `text` and `label`
unless you give others:

- `.tsv`: tabs between columns, no quoting, so that quotation marks are plain characters;
- `.csv`: commas between columns, double quotes around what holds a comma, quote or line break;
- `.jsonl`: one JSON object on each line.

Several labels of one text are joined by commas; in JSON lines a list will do as well. An optional column
`split` says `train`, `dev` or `test`; without it, a hash of the text decides, about 80, 10 and 10 in a
hundred, so that equal texts never stand on two sides. Where no row is marked `dev`, the training rows
serve as dev: temperature and thresholds are then chosen on what was trained on, and come out
too sure of themselves.
"""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from classifiers.emotions import LABELS, NEUTRAL
from classifiers.errors import DatasetError, MissingExtraError

SPLITS = ("train", "dev", "test")

BUILTIN = Path(__file__).parent / "data" / "builtin.tsv"
"""80 phrases of joy or sadness whose meaning lies in the order of their words."""

CHAT = Path(__file__).parent / "data" / "chat.tsv"
"""17,007 chat messages, each with the emotions that a fair reader would accept; see docs/chat.md."""

GOEMOTIONS_URL = "https://raw.githubusercontent.com/google-research/google-research/master/goemotions/data/"

GOEMOTIONS_SHA256: dict[str, str] = {
    "train.tsv": "1c254a142be5c00e80d819b9ae1bbd36d94b2eeb8f4b1271846508d57e57d9c5",
    "dev.tsv": "575489c079c9de1097062a01738f998590d6b7ead66dd1c9fd1d2ba01fd8bc62",
    "test.tsv": "0587b2dd8b27b97352adbfc3fb083d46005c8946657fdc2b1ca8b1cc7f1f8be4",
}

DATA_DIR_VARIABLE = "EMOBOT_DATA_DIR"


@dataclass(frozen=True, slots=True)
class Split:
    """A part of a data set.

    Attributes:
        texts: the texts, none of them empty.
        targets: (rows, labels) float32, 1 where the label applies and 0 elsewhere.
    """

    texts: tuple[str, ...]
    targets: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, slots=True)
class Dataset:
    """Texts to train on, to tune on and to measure on.

    Attributes:
        name: `builtin`, `goemotions` or the name of the file without its ending.
        labels: the label of each column of the targets.
        train: what the networks learn from.
        dev: what temperature, thresholds and the best epoch are chosen on; `train` if there is none.
        test: what is measured on, and used for nothing else.
        sha256: of the source files, one after the other in the order train, dev, test.
        own: whether it comes from a file of the user's, whatever its name, and not from one that is built in.
    """

    name: str
    labels: tuple[str, ...]
    train: Split
    dev: Split
    test: Split
    sha256: str
    own: bool = False

    @property
    def multi_label(self) -> bool:
        """Whether any training text has another number of labels than one."""
        return bool(np.any(self.train.targets.sum(axis=1) != 1))


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    text: str
    labels: tuple[str, ...]
    split: str


def load_dataset(
    name: str | Path, *, data_dir: Path | None = None, text_column: str = "text", label_column: str = "label"
) -> Dataset:
    """Read a data set.

    Args:
        name: `builtin`, `goemotions`, `chat`, or the path of a `.tsv`, `.csv` or `.jsonl` file, as above.
        data_dir: folder that holds `goemotions/train.tsv`, `dev.tsv` and `test.tsv`; if None, the environment
            variable EMOBOT_DATA_DIR names it; if that is not set either, GoEmotions is downloaded once.
        text_column: name of the column with the text, in a file of your own.
        label_column: name of the column with the label or labels.

    Raises:
        DatasetError: the data set cannot be had, or a row is malformed; says where, what and what to do.
        MissingExtraError: GoEmotions has to be downloaded and the package for it is not installed.
    """
    if name == "builtin":
        return _load_file("builtin", BUILTIN, "text", "label")
    if name == "chat":
        return _load_file("chat", CHAT, "text", "label")
    if name == "goemotions":
        return _load_goemotions(data_dir)
    path = Path(name)
    if path.suffix.lower() not in _READERS:
        raise DatasetError(
            f"There is no data set {str(name)!r}: give builtin, goemotions, chat, or the path of a "
            ".tsv, .csv or .jsonl file."
        )
    return replace(_load_file(path.stem, path, text_column, label_column), own=True)


def _load_goemotions(data_dir: Path | None) -> Dataset:
    if data_dir is None and os.environ.get(DATA_DIR_VARIABLE):
        data_dir = Path(os.environ[DATA_DIR_VARIABLE])
    paths = _download_goemotions() if data_dir is None else _find_goemotions(data_dir)
    whole = hashlib.sha256()
    splits = []
    for path, expected in zip(paths, GOEMOTIONS_SHA256.values(), strict=True):
        data = _read(path)
        if hashlib.sha256(data).hexdigest() != expected:
            raise DatasetError(
                f"{path} is not GoEmotions' {path.name} (its SHA-256 is another): "
                f"delete it and fetch it again, or unset {DATA_DIR_VARIABLE} to have it downloaded."
            )
        whole.update(data)
        splits.append(_parse_goemotions(data))
    train, dev, test = splits
    return Dataset("goemotions", LABELS, train, dev, test, whole.hexdigest())


def _find_goemotions(data_dir: Path) -> list[Path]:
    paths = [data_dir / "goemotions" / file for file in GOEMOTIONS_SHA256]
    for path in paths:
        if not path.is_file():
            raise DatasetError(
                f"There is no goemotions/{path.name} in {data_dir}: put GoEmotions' three files there, or "
                f"unset {DATA_DIR_VARIABLE} to have them downloaded."
            )
    return paths


def _parse_goemotions(data: bytes) -> Split:
    """Rows of text, label numbers joined by commas, comment id; the hash has vouched for their form."""
    rows = csv.reader(io.StringIO(data.decode(), newline=""), delimiter="\t", quoting=csv.QUOTE_NONE)
    texts, numbers, _ = zip(*rows, strict=True)
    return _split(texts, [map(int, each.split(",")) for each in numbers], len(LABELS))


def _download_goemotions() -> list[Path]:
    try:
        import pooch  # noqa: PLC0415 - only this needs it, and the bot runs without
    except ImportError:
        raise MissingExtraError("Downloading GoEmotions", "train") from None
    # Pooch draws its progress bar with tqdm and refuses to draw one without.
    progress = importlib.util.find_spec("tqdm") is not None
    folder = Path(pooch.os_cache("emobot")) / "goemotions"
    try:
        return [
            Path(
                pooch.retrieve(GOEMOTIONS_URL + file, known_hash=sha256, fname=file, path=folder, progressbar=progress)
            )
            for file, sha256 in GOEMOTIONS_SHA256.items()
        ]
    except (OSError, ValueError) as error:  # no network or a refusal; what came has another hash
        raise DatasetError(
            f"GoEmotions could not be downloaded from {GOEMOTIONS_URL} ({type(error).__name__}): "
            "try again later, or put train.tsv, dev.tsv and test.tsv into a folder goemotions and set "
            f"{DATA_DIR_VARIABLE} to the folder around it."
        ) from error


def _load_file(name: str, path: Path, text_column: str, label_column: str) -> Dataset:
    data = _read(path)
    rows = list(_rows(path, _decode(path, data), text_column, label_column))
    if not rows:
        raise DatasetError(f"{path} has no rows: give it lines with a text and a label.")
    by_split = {split: [row for row in rows if row.split == split] for split in SPLITS}
    for split in ("train", "test"):
        if not by_split[split]:
            raise DatasetError(
                f"{path} has no rows for {split}: mark some in a column named split (train, dev or test), "
                "or add rows if it has none."
            )
    labels = _order({label for row in by_split["train"] for label in row.labels})
    if len(labels) < 2:
        raise DatasetError(f"{path} has only the label {labels[0]!r} in train: at least two are needed.")
    known = set(labels)
    for row in rows:
        for label in row.labels:
            if label not in known:
                raise DatasetError(
                    f"{path}, line {row.line}: no row for train has the label {label!r} of this row for "
                    f"{row.split}: correct it, or add training rows that have it."
                )
    columns = {label: column for column, label in enumerate(labels)}
    splits = {
        split: _split(
            [row.text for row in rows],
            [[columns[label] for label in row.labels] for row in rows],
            len(labels),
        )
        for split, rows in by_split.items()
    }
    return Dataset(
        name=name,
        labels=labels,
        train=splits["train"],
        dev=splits["dev"] if len(splits["dev"]) else splits["train"],
        test=splits["test"],
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _order(labels: Iterable[str]) -> tuple[str, ...]:
    """Alphabetically, neutral last."""
    return tuple(sorted(labels, key=lambda label: (label == NEUTRAL, label)))


def _split(texts: Sequence[str], columns: Sequence[Iterable[int]], labels: int) -> Split:
    targets = np.zeros((len(texts), labels), dtype=np.float32)
    places = [(row, column) for row, each in enumerate(columns) for column in each]
    targets[tuple(np.array(places, dtype=np.intp).reshape(-1, 2).T)] = 1
    return Split(tuple(texts), targets)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}: check the path.") from None
    except OSError as error:
        what = "is a folder" if path.is_dir() else f"cannot be read ({error.strerror})"
        raise DatasetError(f"{path} {what}: give a file that can be read.") from error


def _decode(path: Path, data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise DatasetError(f"{path}, line {line}: this is not UTF-8: save the file in that encoding.") from error


def _rows(path: Path, content: str, text_column: str, label_column: str) -> Iterator[_Row]:
    """The rows of a file, each checked; columns are looked up under the names given."""
    has_split: bool | None = None
    for line, record in _READERS[path.suffix.lower()](path, content):
        for column in (text_column, label_column):
            if column not in record:
                found = ", ".join(repr(name[:40]) for name in record) or "none"
                raise DatasetError(f"{path}, line {line}: this row has no column {column!r}; its columns are {found}.")
        if has_split is None:
            has_split = "split" in record
        if has_split != ("split" in record):
            raise DatasetError(f"{path}, line {line}: give a split to every row or to none.")
        text = record[text_column]
        if not isinstance(text, str):
            raise DatasetError(f"{path}, line {line}: the text must be a string, not {_kind(text)}.")
        if not text.strip():
            raise DatasetError(f"{path}, line {line}: the text is empty: fill it in or delete the row.")
        split = record.get("split", _hashed_split(text))
        if split not in SPLITS:
            raise DatasetError(f"{path}, line {line}: the split is {split!r}, not train, dev or test.")
        yield _Row(line, text, _labels(path, line, record[label_column]), split)


def _labels(path: Path, line: int, value: Any) -> tuple[str, ...]:
    """The names in "joy", "joy,love" or ["joy", "love"]."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DatasetError(
            f"{path}, line {line}: the label must be a name, names joined by commas or a list of names, "
            f"not {_kind(value)}."
        )
    labels = tuple(name.strip() for name in names)
    if not labels or not all(labels):
        raise DatasetError(f"{path}, line {line}: a label is empty: give one name, or several joined by commas.")
    return labels


def _kind(value: object) -> str:
    """What a JSON value is, as its author would say."""
    kinds = {bool: "true or false", type(None): "null", list: "a list of other things", dict: "an object"}
    return kinds.get(type(value), "a number")


def _hashed_split(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
    place = int.from_bytes(digest[:8]) % 10
    return "train" if place < 8 else "dev" if place == 8 else "test"


def _tsv_records(path: Path, content: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return _table_records(path, content, delimiter="\t", quoting=csv.QUOTE_NONE)


def _csv_records(path: Path, content: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    return _table_records(path, content, delimiter=",", quoting=csv.QUOTE_MINIMAL)


def _table_records(
    path: Path, content: str, delimiter: str, quoting: Literal[0, 3]
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number and fields of each row under the header; blank lines are passed over."""
    reader = csv.reader(io.StringIO(content, newline=""), delimiter=delimiter, quoting=quoting, strict=True)
    header: list[str] | None = None
    try:
        for fields in reader:
            if not fields:
                continue
            if header is None:
                header = [name.strip() for name in fields]
                continue
            if len(fields) != len(header):
                raise DatasetError(
                    f"{path}, line {reader.line_num}: {len(fields)} columns, the header has {len(header)}: "
                    f"{', '.join(name[:40] for name in header)}."
                )
            yield reader.line_num, dict(zip(header, fields, strict=True))
    except csv.Error as error:
        raise DatasetError(f"{path}, line {reader.line_num}: this is not well-formed ({error}).") from error


def _jsonl_records(path: Path, content: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except json.JSONDecodeError as error:
            raise DatasetError(
                f"{path}, line {number}: this is not JSON ({error.msg} at character {error.colno})."
            ) from error
        except (ValueError, RecursionError) as error:
            raise DatasetError(f"{path}, line {number}: this JSON cannot be read ({error}).") from error
        if not isinstance(record, dict):
            raise DatasetError(
                f'{path}, line {number}: this is no JSON object: write {{"text": "...", "label": "..."}}.'
            )
        yield number, record


_READERS = {".tsv": _tsv_records, ".csv": _csv_records, ".jsonl": _jsonl_records}
