"""Read Parquet files; needs PyArrow."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from classifiers.errors import DatasetError

pa.set_memory_pool(pa.system_memory_pool())  # Arrow's own pool would keep 20 MB of data that was read


@contextmanager
def opened_parquet(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a file for reading, and turn errors in the block that come from its content into a `DatasetError`.

    Raises:
        DatasetError: the file cannot be read, is not Parquet, or has texts that are not UTF-8.
    """
    try:
        with path.open("rb") as file:
            # Read piece by piece: `pre_buffer` would read the columns of all row groups, however large the file.
            yield pq.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
    except UnicodeDecodeError:
        raise DatasetError(f"{path} has a text that is not UTF-8: convert it first.") from None
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror or 'it is damaged'}.") from None
    except pa.ArrowException as error:
        raise DatasetError(f"{path} cannot be read as Parquet: {str(error).splitlines()[0].rstrip('.')}.") from None


def texts_in(column: pa.Array) -> list[str]:
    """Return the texts in a column, with empty texts for nulls."""
    return [text or "" for text in column.cast(pa.string()).to_pylist()]
