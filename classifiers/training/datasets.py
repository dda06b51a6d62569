"""Load texts with their emotions: the built-in phrases, GoEmotions, chat, or any TSV, CSV or JSON-lines file.

A file of your own needs a column with the text and one with the label, under the names `text` and `label`
unless you give others:

- `.tsv`: tabs between columns, no quoting, so that quotation marks are plain characters;
- `.csv`: commas between columns, double quotes around what holds a comma, quote or line break;
- `.jsonl`: one JSON object on each line.

Other separators, a byte order mark and a missing header are recognised where that is certain: see `tables`. Several
labels of one text are joined by commas, semicolons or bars, or are in a list: see `label_cells`.

An optional column `split` says `train`, `dev` or `test`; without it, the texts are split as described in `splitting`.
If the file marks no row `dev`, some of the training rows become dev in the same way. If there is still no dev, the
training rows are used instead, and no thresholds are chosen.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifiers.emotions import LABELS, NEUTRAL, listed
from classifiers.errors import DatasetError, counted
from classifiers.files import refuse_device, writable
from classifiers.training import people
from classifiers.training.downloads import cache_folder, find_data_dir
from classifiers.training.goemotions import goemotions_files, parse_goemotions
from classifiers.training.label_cells import kind, parse_labels, split_joined_label
from classifiers.training.splitting import SPLITS, divide, folded
from classifiers.training.tables import EXTENSIONS, Columns, Record, read_records

BUILTIN = Path(__file__).parents[1] / "data" / "builtin.tsv"
"""80 phrases, in pairs of joy and sadness that differ only in the order of their words."""

CHAT = Path(__file__).parents[1] / "data" / "chat.tsv"
"""17,007 chat messages, each with the emotions that a fair reader would accept; see docs/chat.md."""

MANY_LABELS = 10
"""A file with at least this many labels is refused if they outnumber half of its rows: it must be the wrong column."""


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
    """Texts for training, tuning and testing.

    Attributes:
        name: `builtin`, `goemotions`, `chat`, `people` or the file name without its extension, with escapes for bytes
            that are not characters.
        labels: the label of each column of the targets.
        train: the texts that the networks are trained on.
        dev: the texts on which temperature, thresholds and the best epoch are chosen; `train` if there is no dev.
        test: the texts for the final scores, used for nothing else.
        sha256: the hash of the source file; for GoEmotions, that of its files one after another, train, dev and test.
            If several data sets are joined, their hashes are joined by +.
        own: whether it comes from the user's own file rather than from a built-in one, whatever its name.
        remarks: a sentence about each property of the user's file that was detected, such as its separator.
    """

    name: str
    labels: tuple[str, ...]
    train: Split
    dev: Split
    test: Split
    sha256: str
    own: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def multi_label(self) -> bool:
        """Whether any training text has more than one label, or none."""
        return bool(np.any(self.train.targets.sum(axis=1) != 1))

    @property
    def dev_name(self) -> str:
        """The name of the split whose texts are `dev`: dev, or train if there is no dev."""
        return "train" if self.dev is self.train else "dev"

    @property
    def tunable(self) -> bool:
        """Whether dev can be used for calibration, which it cannot if a user's training rows are used in its place."""
        return not self.own or self.dev is not self.train

    @property
    def counts(self) -> dict[str, int]:
        """The number of texts with each label, in all three splits together."""
        splits = [self.train, *([] if self.dev is self.train else [self.dev]), self.test]
        counts = sum(split.targets.sum(axis=0) for split in splits)
        return {label: int(count) for label, count in zip(self.labels, counts, strict=True)}


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    text: str
    labels: tuple[str, ...]
    split: str | None


def load_dataset(
    name: str | Path, *, data_dir: Path | None = None, text_column: str = "text", label_column: str = "label"
) -> Dataset:
    """Return a data set, downloading it if necessary.

    Args:
        name: `builtin`, `goemotions`, `chat`, `people`, or the path of a `.tsv`, `.csv` or `.jsonl` file, as above.
        data_dir: a folder with `goemotions/train.tsv`, `dev.tsv` and `test.tsv`, and with `people/` for the messages of
            real people. If None, the environment variable EMOBOT_DATA_DIR names it. If that is not set either, they are
            downloaded once.
        text_column: the name of the column with the text, in a file of your own.
        label_column: the name of the column with the label or labels.

    Raises:
        DatasetError: the data set cannot be read or downloaded, or a row is malformed. The text says where, what is
            wrong and what to do.
        MissingExtraError: something has to be downloaded and the package for it is not installed.
    """
    if name == "builtin":
        return _load_file("builtin", BUILTIN, Columns())
    if name == "chat":
        return _load_file("chat", CHAT, Columns())
    data_dir = find_data_dir(data_dir)
    if name == "goemotions":
        return _load_goemotions(data_dir)
    if name == "people":
        return _load_people(data_dir)
    path = Path(name)
    if path.suffix.lower() not in EXTENSIONS:
        raise DatasetError(
            f"There is no data set {str(name)!r}: give builtin, goemotions, chat, people, or the path of a "
            ".tsv, .csv or .jsonl file."
        )
    return _load_file(writable(path.stem), path, Columns(text_column, label_column), own=True)


def load_unlabelled(data_dir: Path | None = None) -> tuple[str, ...]:
    """Return messages of real people without labels, downloading them if necessary; see `people.unlabelled_texts`.

    Arguments and exceptions are those of `load_dataset`.
    """
    return people.unlabelled_texts(_people_folder(find_data_dir(data_dir)))


def overview(dataset: Dataset) -> list[str]:
    """Return lines to show before a training run: the sizes of the splits, the labels, and the data set's remarks."""
    dev = "no dev of its own" if dataset.dev_name == "train" else f"{len(dataset.dev):,} dev"
    labels = listed([f"{label} {count:,}" for label, count in dataset.counts.items()])
    return [
        f"{dataset.name}: {counted(len(dataset.train), 'text')} to learn from, {dev}, {len(dataset.test):,} test.",
        *dataset.remarks,
        f"{len(dataset.labels)} labels: {labels}.",
    ]


def _load_goemotions(data_dir: Path | None) -> Dataset:
    whole = hashlib.sha256()
    splits = []
    for content in goemotions_files(data_dir):
        whole.update(content)
        texts, numbers = parse_goemotions(content)
        splits.append(_split(texts, numbers, len(LABELS)))
    train, dev, test = splits
    return Dataset("goemotions", LABELS, train, dev, test, whole.hexdigest())


def _load_people(data_dir: Path | None) -> Dataset:
    annotations = people.load_annotations()
    texts = people.find_texts(_people_folder(data_dir))
    columns = {label: column for column, label in enumerate(LABELS)}
    lost = sum((annotation.conversation, annotation.key) not in texts for annotation in annotations)
    if lost:
        raise DatasetError(
            f"{lost:,} of the {len(annotations):,} messages of real people are not in the originals: they are other "
            "files than those that were read. Delete them and have them downloaded again."
        )
    splits = []
    for split in SPLITS:
        part = [annotation for annotation in annotations if annotation.split == split]
        splits.append(
            _split(
                [texts[annotation.conversation, annotation.key] for annotation in part],
                [[columns[label] for label in annotation.labels] for annotation in part],
                len(LABELS),
            )
        )
    train, dev, test = splits
    return Dataset("people", LABELS, train, dev, test, hashlib.sha256(people.PEOPLE.read_bytes()).hexdigest())


def _people_folder(data_dir: Path | None) -> Path:
    if data_dir is not None:
        return data_dir / "people"
    return people.download(cache_folder("Downloading the messages of real people"))


def _load_file(name: str, path: Path, columns: Columns, own: bool = False) -> Dataset:
    data = _read(path)
    records = read_records(path, data, columns)
    if not records.rows:
        raise DatasetError(f"{path} has no rows: give it lines with a text and a label.")
    checked = _checked(path, records.rows)
    rows = _with_splits(checked, own)
    by_split = {split: [row for row in rows if row.split == split] for split in SPLITS}
    labels = _labels(path, rows, divided=checked[0].split is None)
    numbers = {label: column for column, label in enumerate(labels)}
    splits = {
        split: _split(
            [row.text for row in rows], [[numbers[label] for label in row.labels] for row in rows], len(labels)
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
        own=own,
        remarks=(*records.remarks, *_remarks_on_copies(splits)) if own else (),
    )


def _remarks_on_copies(splits: Mapping[str, Split]) -> list[str]:
    """Return a sentence about each split with texts that are also in train, as may happen if rows are split by hand."""
    learnt = {folded(text) for text in splits["train"].texts}
    remarks = []
    for name in ("dev", "test"):
        texts = splits[name].texts
        copies = sum(folded(text) in learnt for text in texts)
        if copies:
            remarks.append(
                f"{copies:,} of the {len(texts):,} texts for {name} are also in train, so figures on {name} will be "
                f"better than on new texts: take them out of {name} or of train."
            )
    return remarks


def _labels(path: Path, rows: Sequence[_Row], divided: bool) -> tuple[str, ...]:
    """Return the labels of the training rows; raise `DatasetError` if other rows have other labels.

    Args:
        path: the file.
        rows: its rows.
        divided: whether we divided them into splits, since the file does not say which row belongs where.
    """
    found = {label for row in rows for label in row.labels}
    if len(found) >= MANY_LABELS and 2 * len(found) > len(rows):
        raise DatasetError(
            f"{path} has {len(found):,} labels in {len(rows):,} rows, such as {min(found)!r}: is this the column of "
            "the label? --label-column names another."
        )
    for split in ("train", "test"):
        if all(row.split != split for row in rows):
            different = counted(len({folded(row.text) for row in rows}), "different text")
            raise DatasetError(
                f"{path} has {different}, too few to divide into train, dev and test: add rows, or a column named "
                "split that says for each row where it belongs."
                if divided
                else f"{path} has no rows for {split}: mark some in its column split (train, dev or test)."
            )
    labels = _order({label for row in rows if row.split == "train" for label in row.labels})
    if len(labels) < 2:
        raise DatasetError(f"{path} has only the label {labels[0]!r} in train: at least two are needed.")
    rows_by_label = {label: row for row in rows for label in row.labels}
    for label, row in rows_by_label.items():
        if label not in labels:
            raise DatasetError(
                f"{path}, line {row.line}: no row for train has the label {label!r} of this row for "
                f"{row.split}: correct it, or add training rows that have it."
            )
        joined = split_joined_label(label, labels)
        if joined:
            raise DatasetError(
                f"{path}, line {row.line}: {label!r} may be one label or several: write {','.join(joined)!r} if it is "
                "several, or give it another name."
            )
    return labels


def _order(labels: Iterable[str]) -> tuple[str, ...]:
    """Return labels in alphabetical order, neutral last."""
    return tuple(sorted(labels, key=lambda label: (label == NEUTRAL, label)))


def _split(texts: Sequence[str], columns: Sequence[Iterable[int]], labels: int) -> Split:
    targets = np.zeros((len(texts), labels), dtype=np.float32)
    places = [(row, column) for row, each in enumerate(columns) for column in each]
    targets[tuple(np.array(places, dtype=np.intp).reshape(-1, 2).T)] = 1
    return Split(tuple(texts), targets)


def _read(path: Path) -> bytes:
    try:
        refuse_device(path)
        return path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"There is no file {path}: check the path.") from None
    except OSError as error:
        what = "is a folder" if path.is_dir() else f"cannot be read ({error.strerror})"
        raise DatasetError(f"{path} {what}: give a file that can be read.") from error


def _checked(path: Path, records: Sequence[Record]) -> list[_Row]:
    """Return the rows after checking each, with one spelling for labels that differ only in case."""
    rows = []
    for record in records:
        where = f"{path}, line {record.line}"
        if not isinstance(record.text, str):
            raise DatasetError(f"{where}: the text must be a string, not {kind(record.text)}.")
        if not record.text.strip():
            raise DatasetError(f"{where}: the text is empty: fill it in or delete the row.")
        if (record.split is None) != (records[0].split is None):
            raise DatasetError(f"{where}: give a split to every row or to none.")
        split = record.split.strip().casefold() if isinstance(record.split, str) else record.split
        if split is not None and split not in SPLITS:
            raise DatasetError(f"{where}: the split is {repr(record.split)[:60]}: write train, dev or test.")
        try:
            labels = parse_labels(record.label)
        except ValueError as error:
            raise DatasetError(f"{where}: {error}.") from None
        rows.append(_Row(record.line, record.text, labels, split))
    spelling = _spellings(label for row in rows for label in row.labels)
    return [replace(row, labels=tuple(dict.fromkeys(spelling[label] for label in row.labels))) for row in rows]


def _spellings(labels: Iterable[str]) -> dict[str, str]:
    """Return the spelling of each label: GoEmotions' spelling if it has the label, else the most frequent one."""
    counts = Counter(labels)
    spelling = {label.casefold(): label for label in sorted(counts, key=lambda label: (counts[label], label))}
    spelling |= {label: label for label in LABELS}
    return {label: spelling[label.casefold()] for label in counts}


def _with_splits(rows: Sequence[_Row], own: bool) -> list[_Row]:
    """Return the rows, each with a split: divide all rows if none has one, or the training rows if there is no dev."""
    if rows[0].split is None:
        places = divide(((row.text, row.labels) for row in rows), ("dev", "test"))
        return [replace(row, split=places[row.text]) for row in rows]
    if not own or any(row.split == "dev" for row in rows):
        return list(rows)
    places = divide(((row.text, row.labels) for row in rows if row.split == "train"), ("dev",))
    return [replace(row, split=places[row.text]) if row.split == "train" else row for row in rows]
