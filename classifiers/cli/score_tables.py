"""Read the texts in tables, CSV or Parquet, and copy a table with the models' scores in new columns."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from classifiers.cli.csv_scores import copy_csv, csv_texts
from classifiers.cli.scoring import Scorer
from classifiers.errors import require

EXTENSIONS = (".csv", ".parquet")
"""The file name extensions of tables."""


def is_table(path: Path) -> bool:
    """Return whether a file is a table, judging by its extension."""
    return path.suffix.lower() in EXTENSIONS


def table_texts(path: Path, column: str) -> Iterator[list[str]]:
    """Yield the texts in a column of a table, some at a time.

    Raises:
        DatasetError: it cannot be read, or has no such column of texts.
        MissingExtraError: what reads Parquet is not installed.
    """
    if path.suffix.lower() == ".csv":
        return csv_texts(path, column)
    require("Reading Parquet", "parquet", "pyarrow")
    from classifiers.cli.parquet_scores import parquet_texts  # noqa: PLC0415 - only now is it known to be installed

    return parquet_texts(path, column)


def copy_with_scores(source: Path, target: Path, column: str, scorer: Scorer) -> int:
    """Copy a table with the models' scores as further columns, and return how many texts it has.

    The target appears only when it is complete, and may be the source.

    Raises:
        DatasetError: as in `table_texts`, or it already has a column with such a name.
        MissingExtraError: what reads Parquet is not installed.
        ClassifiersError: the target cannot be written.
    """
    if source.suffix.lower() == ".csv":
        return copy_csv(source, target, column, scorer)
    require("Reading Parquet", "parquet", "pyarrow")
    from classifiers.cli.parquet_scores import copy_parquet  # noqa: PLC0415 - only now is it known to be installed

    return copy_parquet(source, target, column, scorer)
