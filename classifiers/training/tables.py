"""Read table files: detect their encoding and separator, and find the wanted columns.

Nothing is guessed: the encoding is detected by its byte order mark, and the separator is the one with which the first
line names the wanted columns or, without a header, with which it is certain which column is which. Guessing from the
frequency of characters, like `csv.Sniffer`, fails on texts, which are full of commas.
"""

from __future__ import annotations

import codecs
import csv
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal, NamedTuple

import regex

from classifiers.errors import DatasetError, counted

EXTENSIONS = (".tsv", ".csv", ".jsonl")
"""The extensions of files that can be read."""


@dataclass(frozen=True, slots=True)
class Columns:
    """The wanted columns: their names, or their numbers, from 1, in a table without a header."""

    text: str = "text"
    label: str = "label"


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a file.

    Attributes:
        line: the number of the line on which the row ends, from 1.
        text: the value in the text column; always a string, except in JSON.
        label: the value in the label column; always a string, except in JSON.
        split: the value in the column named split; None if there is no such column.
    """

    line: int
    text: Any
    label: Any
    split: Any = None


@dataclass(frozen=True, slots=True)
class Records:
    """The rows of a file, and a sentence about each property that was detected, such as its separator."""

    rows: list[Record]
    remarks: tuple[str, ...] = ()


_JSON = 'write {"text": "...", "label": "..."}'

_SHOWN = 12
"""The most column names that a message lists."""


class _Dialect(NamedTuple):
    """The separator of the columns, and whether double quotes wrap a field (0) or are part of it (3)."""

    separator: str
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL

    @property
    def separators(self) -> str:
        return {"\t": "tabs", ",": "commas", ";": "semicolons"}.get(self.separator, f"{self.separator!r}")


class _ColumnIndices(NamedTuple):
    """The indices of a row's text, label and split."""

    text: int
    label: int
    split: int | None = None


_DIALECTS = {
    ".tsv": (_Dialect("\t", csv.QUOTE_NONE), *map(_Dialect, "\t,;|")),
    ".csv": tuple(map(_Dialect, ",;\t|")),
}
"""The dialects to try for each extension, its own first."""

_MARKS = {  # UTF-32's starts with UTF-16's, so it comes first
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}


def read_records(path: Path, data: bytes, columns: Columns) -> Records:
    """Return the rows of a `.tsv`, `.csv` or `.jsonl` file with the content `data`, without the empty ones.

    Raises:
        DatasetError: the file is not text, lacks a wanted column or has a malformed row. The message says which, where,
            and what to do.
    """
    content = _decode(path, data)
    if path.suffix.lower() == ".jsonl":
        return Records(list(_json_records(path, content, columns)))
    return _table_records(path, content, columns)


def _decode(path: Path, data: bytes) -> str:
    mark, encoding = next((pair for pair in _MARKS.items() if data.startswith(pair[0])), (b"", "utf-8"))
    try:
        content = data[len(mark) :].decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: len(mark) + error.start].count(b"\n") + 1
        raise DatasetError(f"{path}, line {line}: this is not {encoding.upper()}: save the file as UTF-8.") from error
    if "\0" in content:
        line = content[: content.index("\0")].count("\n") + 1
        raise DatasetError(
            f"{path}, line {line}: there is a NUL character, so this is not UTF-8: save the file as UTF-8."
        )
    return content


@dataclass(frozen=True, slots=True)
class _Table:
    """The content of a table file after its first `before` lines."""

    path: Path
    content: str
    before: int = 0

    def rows(self, dialect: _Dialect) -> Iterator[tuple[int, list[str]]]:
        """Yield the rows that are not empty, each with the number of the line on which it ends."""
        reader = csv.reader(
            io.StringIO(self.content, newline=""), delimiter=dialect.separator, quoting=dialect.quoting, strict=True
        )
        try:
            for fields in reader:
                if any(field.strip() for field in fields):
                    yield self.before + reader.line_num, fields
        except csv.Error as error:
            line = self.before + reader.line_num
            raise malformed(self.path, line, error) from error

    def head(self, dialect: _Dialect) -> tuple[int, list[str]]:
        """Return the first row's line and fields, without empty ones at its end; no fields if missing or malformed."""
        try:
            line, fields = next(self.rows(dialect), (0, []))
        except DatasetError:
            return 0, []
        names = [field.strip() for field in fields]
        while names and not names[-1]:
            names.pop()
        return line, names

    def records(self, dialect: _Dialect, header: Sequence[str], places: _ColumnIndices, skip: int) -> Iterator[Record]:
        """Yield the rows after the first `skip`; each must be as wide as the header, without empty fields at its end.

        Raises:
            DatasetError: a row has another width.
        """
        for line, fields in islice(self.rows(dialect), skip, None):
            if len(fields) < len(header) or any(fields[len(header) :]):
                advice = f" Put double quotes around a text with {dialect.separators} in it."
                raise DatasetError(
                    f"{self.path}, line {line}: {counted(len(fields), 'column')}, the header has {len(header)}: "
                    f"{_list_names(header, quoted=False)}.{'' if dialect.quoting else advice}"
                )
            split = None if places.split is None else fields[places.split]
            yield Record(line, fields[places.text], fields[places.label], split)


def _table_records(path: Path, content: str, columns: Columns) -> Records:
    own, *others = _DIALECTS[path.suffix.lower()]
    said = regex.match(r"sep=([,;\t|])\r?\n", content)  # Excel names the separator in a line of its own
    table = _Table(path, content[said.end() :], 1) if said else _Table(path, content)
    heads = {dialect: table.head(dialect) for dialect in ([_Dialect(said[1])] if said else [own, *others])}

    def separator_remark(dialect: _Dialect) -> tuple[str, ...]:
        return () if dialect.separator == own.separator else (f"Its columns are separated by {dialect.separators}.",)

    for dialect, (_, head) in heads.items():
        places = _columns_by_name(path, head, columns)
        if places:
            return Records(list(table.records(dialect, head, places, skip=1)), separator_remark(dialect))
    for dialect, (_, head) in heads.items():
        places = _columns_by_number(head, columns) or _columns_by_content(table, dialect, columns)
        if places:
            numbers = [str(number) for number in range(1, len(head) + 1)]
            remark = (
                f"Its first line is taken for a row, column {places.text + 1} for the text "
                f"and column {places.label + 1} for the label."
            )
            return Records(list(table.records(dialect, numbers, places, skip=0)), (*separator_remark(dialect), remark))
    line, found = max(heads.values(), key=lambda head: len(head[1]))
    if found:
        advice = " (or with their numbers, such as 1 and 2, if this line is no header)"
        raise DatasetError(_missing_columns(f"{path}, line {line}", found, columns, advice))
    next(table.rows(own), None)  # raises if anything is malformed
    return Records([])


def _columns_by_name(path: Path, header: Sequence[str], columns: Columns) -> _ColumnIndices | None:
    """Return the indices of the columns with these names, ignoring case if necessary; None unless both exist."""
    text, label = (_column_index(path, header, name) for name in (columns.text, columns.label))
    if text is None or label is None:
        return None
    return _ColumnIndices(text, label, _column_index(path, header, "split"))


def _column_index(path: Path, header: Sequence[str], name: str) -> int | None:
    """Return the index of the column with that name, ignoring case if necessary; None if there is none.

    Raises:
        DatasetError: there are several.
    """
    exact = [place for place, each in enumerate(header) if each == name]
    places = exact or [place for place, each in enumerate(header) if each.casefold() == name.casefold()]
    if len(places) > 1:
        raise DatasetError(f"{path} has {len(places)} columns named {name!r}: give each a name of its own.")
    return places[0] if places else None


def _columns_by_number(head: Sequence[str], columns: Columns) -> _ColumnIndices | None:
    """Return the indices of columns given by number; None if they are given by name, or the table has fewer columns."""
    numbers = {str(place + 1): place for place in range(len(head))}
    text, label = (numbers.get(number) for number in (columns.text, columns.label))
    return None if text is None or label is None else _ColumnIndices(text, label)


def _columns_by_content(table: _Table, dialect: _Dialect, columns: Columns) -> _ColumnIndices | None:
    """Return the indices of the columns in a table of two columns without a header; None if they are not certain.

    They are certain if the first value of one column occurs there again, like a label and unlike a column name, and if
    that column has fewer distinct values than half the number of rows, and fewer than the other column.
    """
    if columns != Columns():
        return None
    try:
        rows = [fields for _, fields in table.rows(dialect)]
    except DatasetError:
        return None
    if not rows or any(len(fields) != 2 for fields in rows):
        return None
    values = list(zip(*rows, strict=True))
    first, second = (len(set(column)) for column in values)
    label = 0 if first < second else 1
    sure = first != second and 2 * min(first, second) < len(rows) and values[label][0] in values[label][1:]
    return _ColumnIndices(1 - label, label) if sure else None


def malformed(path: Path, line: int, error: csv.Error) -> DatasetError:
    """Return the error for a line of a CSV file that Python's reader refuses: where, why, and what to do."""
    return DatasetError(
        f"{path}, line {line}: this is not well-formed ({error}): close every quotation mark, and put a text with one "
        "in it into double quotes, with that mark written twice."
    )


def column_index(path: Path, header: Sequence[str], name: str, option: str = "--text-column") -> int:
    """Return the index of a column of a file.

    Args:
        path: the path of the file.
        header: the names of its columns.
        name: the name of the column.
        option: the option with which a user can give the column's name.

    Raises:
        DatasetError: there is none, or there are several.
    """
    place = _column_index(path, header, name)
    if place is None:
        raise DatasetError(
            f"{path} has no column {name!r}; the columns are {_list_names(header)}. Name yours with {option}."
        )
    return place


def _list_names(names: Sequence[str], quoted: bool = True) -> str:
    """Return column names for a message: at most `_SHOWN`, each shortened, and how many are left out."""
    shown = [repr(name[:40]) if quoted else " ".join(name[:40].split()) for name in names[:_SHOWN]]
    left = [f"and {len(names) - _SHOWN:,} more"] if len(names) > _SHOWN else []
    return ", ".join(shown + left) or "none"


def _missing_columns(where: str, found: Sequence[str], columns: Columns, advice: str = "") -> str:
    """Return the message for missing columns."""
    known = {name.casefold() for name in found}
    wanted = [repr(name[:40]) for name in (columns.text, columns.label) if name.casefold() not in known]
    return (
        f"{where}: there is no column {' and no column '.join(wanted)}; the columns are {_list_names(found)}. "
        f"Name yours with --text-column and --label-column{advice}."
    )


def _json_records(path: Path, content: str, columns: Columns) -> Iterator[Record]:
    if content.lstrip().startswith("["):
        raise DatasetError(f"{path} is a JSON list: write its objects one on each line, without brackets and commas.")
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        where = f"{path}, line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DatasetError(
                f"{where}: this is not JSON ({error.msg} at character {error.colno}): {_JSON}."
            ) from error
        except (ValueError, RecursionError) as error:  # too many digits, or too deeply nested, for Python
            raise DatasetError(
                f"{where}: this JSON cannot be read, since a number in it is too long or it is nested too deeply: "
                f"{_JSON}."
            ) from error
        if not isinstance(row, dict):
            raise DatasetError(f"{where}: this is no JSON object: {_JSON}.")
        header = list(row)
        places = _columns_by_name(path, header, columns)
        if places is None:
            raise DatasetError(_missing_columns(where, header, columns))
        values = list(row.values())
        split = None if places.split is None else values[places.split]
        yield Record(number, values[places.text], values[places.label], split)
