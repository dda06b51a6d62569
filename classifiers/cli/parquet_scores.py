"""Read the texts in Parquet files, and copy such a file with the models' scores as further columns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.cli.parallel import map_in_order
from classifiers.cli.scoring import Scorer
from classifiers.files import open_atomically
from classifiers.training.parquet_files import opened_parquet, texts_in
from classifiers.training.tables import column_index

ROWS = 4096
"""The number of rows that are read, scored and written at once; they become one row group."""


def parquet_texts(path: Path, column: str) -> Iterator[list[str]]:
    """Yield the texts in a column of a file, some at a time, with empty texts for nulls.

    Raises:
        DatasetError: the file cannot be read, is not Parquet, or has no such column of texts.
    """
    place = column_index(path, _schema(path).names, column)
    return (texts_in(batch.column(place)) for batch in _chunks(path, place))


def copy_parquet(source: Path, target: Path, column: str, scorer: Scorer) -> int:
    """Copy a file with the models' scores in further columns, null where the text is, and return how many rows it has.

    Raises:
        DatasetError: as in `parquet_texts`, or there is already a column with such a name.
        ClassifiersError: the target cannot be written.
    """
    schema = _schema(source)
    place = column_index(source, schema.names, column)
    for name in scorer.columns(source, schema.names):
        schema = schema.append(pa.field(name, pa.float32()))
    count = 0
    answers = map_in_order(ScoredBatch(scorer, place, schema), _chunks(source, place))
    with open_atomically(target) as file, pq.ParquetWriter(file, schema) as writer, closing(answers) as batches:
        for batch in batches:
            writer.write_batch(batch)
            count += len(batch)
    return count


@dataclass(frozen=True, slots=True)
class ScoredBatch:
    """Adds the scores of the text in a column to a batch of rows."""

    scorer: Scorer
    text: int
    schema: pa.Schema

    def __call__(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return the batch with the further columns of the schema."""
        texts = batch.column(self.text)
        scores = self.scorer.scores(texts_in(texts)).astype(np.float32)
        missing = np.asarray(texts.is_null())
        new = [pa.array(column, mask=missing) for column in scores.T]
        return pa.RecordBatch.from_arrays([*batch.columns, *new], schema=self.schema)


def _schema(path: Path) -> pa.Schema:
    with opened_parquet(path) as file:
        return file.schema_arrow


def _chunks(path: Path, text: int) -> Iterator[pa.RecordBatch]:
    """Yield a file's rows, `ROWS` at a time, after checking that column number `text` holds texts."""
    with opened_parquet(path) as file:
        for batch in file.iter_batches(ROWS):
            texts_in(batch.column(text))
            yield batch
