import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from classifiers.training.parquet_files import opened_parquet


class _Counted(io.BytesIO):
    """A file that counts the bytes read from it."""

    count = 0

    def read(self, size: int | None = -1, /) -> bytes:
        content = super().read(size)
        self.count += len(content)
        return content


def test_only_the_requested_rows_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    texts = [f"{number:0100}" for number in range(5000)]
    pq.write_table(pa.table({"text": texts}), written, row_group_size=100, compression="none", use_dictionary=False)
    file = _Counted(written.getvalue())
    monkeypatch.setattr(Path, "open", lambda _path, _mode: file)
    with opened_parquet(Path("chat.parquet")) as opened:
        first = next(opened.iter_batches(100))
        assert first.column(0).to_pylist() == texts[:100]
        assert file.count < len(written.getvalue()) / 5
