"""Parquet files with texts: reading these, and copying a file with the models' scores as further columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.cli.parallel import in_order
from classifiers.cli.scoring import Scorer
from classifiers.errors import DatasetError
from classifiers.files import written_whole
from classifiers.training.tables import column_place

ROWS = 4096
"""How many rows are read, answered and written at once; each time they become a row group."""


def parquet_texts(path: Path, column: str) -> Iterator[list[str]]:
    """Yield the texts in a column of a file, some at a time; empty ones where it is null.

    Raises:
        DatasetError: the file cannot be read, is no Parquet, or has no such column of texts.
    """
    place = column_place(path, _schema(path).names, column)
    return (_texts(batch.column(place)) for batch in _chunks(path, place))


def copy_parquet(source: Path, target: Path, column: str, scorer: Scorer) -> int:
    """Copy a file with the models' scores in further columns, null where the text is, and return how many rows it has.

    Raises:
        DatasetError: as in `parquet_texts`, or there is a column of such a name already.
        ClassifiersError: the target cannot be written.
    """
    schema = _schema(source)
    place = column_place(source, schema.names, column)
    for name in scorer.columns(source, schema.names):
        schema = schema.append(pa.field(name, pa.float32()))
    count = 0
    answers = in_order(ScoredBatch(scorer, place, schema), _chunks(source, place))
    with written_whole(target) as file, pq.ParquetWriter(file, schema) as writer, closing(answers) as batches:
        for batch in batches:
            writer.write_batch(batch)
            count += len(batch)
    return count


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Adds the scores of the text at a place to a batch of rows."""

    scorer: Scorer
    text: int
    schema: pa.Schema

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with the further columns of the schema."""
        texts = batch.column(self.text)
        scores = self.scorer.scores(_texts(texts)).astype(np.float32)
        missing = np.asarray(texts.is_null())
        new = [pa.array(column, mask=missing) for column in scores.T]
        return pa.RecordBatch.from_arrays([*batch.columns, *new], schema=self.schema)


def _schema(path: Path) -> pa.Schema:
    with _opened(path) as file:
        return file.schema_arrow


def _chunks(path: Path, text: int) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows, `ROWS` at a time, after checking that there are texts at the place `text`."""
    with _opened(path) as file:
        for batch in file.iter_batches(ROWS):
            _texts(batch.column(text))
            yield batch


def _texts(column: pa.Array) -> list[str]:
    return [text or "" for text in column.cast(pa.string()).to_pylist()]


@contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file for reading; what is wrong with it is a `DatasetError`."""
    try:
        with path.open("rb") as file:
            yield pq.ParquetFile(file, buffer_size=1 << 20)  # instead of whole columns of a row group
    except UnicodeDecodeError:
        raise DatasetError(f"{path} has a text that is not UTF-8: convert it first.") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or 'it is damaged'}.") from None
    except pa.ArrowException as error:
        raise DatasetError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0].rstrip('.')}.") from None
