"""Read the texts in CSV files, and copy such a file with the models' scores as further columns."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TextIO

from classifiers.cli.parallel import map_in_order
from classifiers.cli.scoring import Scorer
from classifiers.errors import DatasetError, counted
from classifiers.files import open_atomically, refuse_device
from classifiers.training.tables import column_index, malformed

ROWS = 1024
"""The number of rows that are read, scored and written at once."""

Rows = list[list[str]]


@dataclass(frozen=True, slots=True)
class Header:
    """The first row of a CSV file, and what follows from it for the others.

    Attributes:
        names: the names of the columns.
        text: the index of the column with the texts.
        separator: the separator between columns.
        mark: the byte order mark at the start of the file, by which Excel recognises UTF-8; empty if there is none.
    """

    names: tuple[str, ...]
    text: int
    separator: str
    mark: bytes


def read_header(path: Path, column: str) -> Header:
    """Return the header of a file; its separator is the one that yields a column with the wanted name, or a comma.

    Raises:
        DatasetError: the file cannot be read, is empty, not UTF-8 or not CSV, or lacks the column.
    """
    with _opened(path) as file:
        line = file.readline()  # so a quoted name must not contain a line break
    mark = codecs.BOM_UTF8 if line.startswith("\N{ZERO WIDTH NO-BREAK SPACE}") else b""
    if not line[bool(mark) :]:
        raise DatasetError(f"{path} is empty.")
    heads = {separator: _names(line[bool(mark) :], separator) for separator in ",;\t|"}
    wanted = column.casefold()  # as `column_index` finds it
    separator = next((each for each, names in heads.items() if wanted in map(str.casefold, names)), ",")
    return Header(heads[separator], column_index(path, heads[separator], column), separator, mark)


def csv_texts(path: Path, column: str) -> Iterator[list[str]]:
    """Yield the texts in a column of a file, some at a time.

    Raises:
        DatasetError: as in `read_header`, or a row is malformed.
    """
    header = read_header(path, column)
    return ([row[header.text] for row in rows] for rows in _chunks(path, header))


def copy_csv(source: Path, target: Path, column: str, scorer: Scorer) -> int:
    """Copy a file with the models' scores in further columns, and return how many texts it has.

    Raises:
        DatasetError: as in `csv_texts`, or there is already a column with such a name.
        ClassifiersError: the target cannot be written.
    """
    header = read_header(source, column)
    new = scorer.columns(source, header.names)
    count = 0
    with open_atomically(target) as file:
        file.write(header.mark + _as_csv([[*header.names, *new]], header.separator).encode())
        work = ScoredRows(scorer, header.text, header.separator)
        with closing(map_in_order(work, _chunks(source, header))) as answers:
            for rows, content in answers:
                file.write(content)
                count += rows
    return count


@dataclass(frozen=True, slots=True)
class ScoredRows:
    """Adds the scores of the text in a column to rows, and formats them as CSV."""

    scorer: Scorer
    text: int
    separator: str

    def __call__(self, rows: Rows) -> tuple[int, bytes]:
        """Return the number of rows, and the rows with their scores as CSV."""
        scores = self.scorer.scores([row[self.text] for row in rows])
        wider = ([*row, *(f"{score:.6f}" for score in new)] for row, new in zip(rows, scores.tolist(), strict=True))
        return len(rows), _as_csv(wider, self.separator).encode()


def _chunks(path: Path, header: Header) -> Iterator[Rows]:
    """Yield the rows after the header, `ROWS` at a time."""
    with _opened(path) as file:
        rows = _rows(path, file, header)
        while chunk := list(islice(rows, ROWS)):
            yield chunk


def _rows(path: Path, file: TextIO, header: Header) -> Iterator[list[str]]:
    """Yield the rows after the header, without empty lines."""
    reader = csv.reader(file, delimiter=header.separator, strict=True)
    try:
        for row in islice(reader, 1, None):
            if row and len(row) != len(header.names):
                raise DatasetError(
                    f"{path}, line {reader.line_num}: {counted(len(row), 'column')}, "
                    f"the header has {len(header.names)}. Put double quotes around a text with the separator in it."
                )
            if row:
                yield row
    except csv.Error as error:
        raise malformed(path, reader.line_num, error) from None


def _names(line: str, separator: str) -> tuple[str, ...]:
    """Return the names of the columns in the first line; none if it is empty or not well-formed."""
    try:
        return tuple(next(csv.reader([line], delimiter=separator, strict=True), ()))
    except csv.Error:
        return ()


def _as_csv(rows: Iterable[Sequence[str]], separator: str) -> str:
    """Return rows as CSV in the form of RFC 4180, with quotes where they are needed."""
    content = io.StringIO()
    csv.writer(content, delimiter=separator).writerows(rows)
    return content.getvalue()


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Open a file for reading, and turn errors in the block that come from its content into a `DatasetError`."""
    try:
        refuse_device(path)
        with path.open(encoding="utf-8", newline="") as file:
            yield file
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise DatasetError(f"{path} is not UTF-8 text: convert it first.") from None
