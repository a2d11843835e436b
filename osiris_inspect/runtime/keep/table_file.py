"""A Parquet file of a frame, while it is written and while it is read.

lz4, because it costs the least; dictionaries only where text repeats itself, since building one for text that does not is
most of the cost of a plain ``to_parquet``; a checksum a page, because a flipped bit is otherwise handed out as a value.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from osiris_inspect.runtime.keep.disk import Disk

TEMPORARY: Final = ".tmp"
"""Ends the name of a file that is not complete."""
_SAMPLE = 4096
_FEW = 0.3
_CELLS_AT_ONCE = 8192


class TableWriter:
    """A Parquet file being written under its temporary name; synced when all went well."""

    def __init__(self, disk: Disk, path: Path, schema: pa.Schema) -> None:
        self.file = disk.create(path.with_name(path.name + TEMPORARY))
        self.rows = 0
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Writes a slice as one row group."""
        writer = self._writer or self._begin(batch)
        writer.write_batch(batch)
        self.rows += len(batch)

    def _begin(self, sample: pa.RecordBatch | None) -> pq.ParquetWriter:
        repeated = _with_dictionary(self._schema, sample)
        self._writer = pq.ParquetWriter(
            self.file,
            self._schema,
            version="2.6",
            compression="lz4",
            use_dictionary=repeated,
            write_statistics=_with_statistics(self._schema, repeated),
            write_batch_size=_CELLS_AT_ONCE,
            write_page_checksum=True,
            use_compliant_nested_type=False,  # else the items of a list come back under another name
        )
        return self._writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                (self._writer or self._begin(None)).close()
                self.file.sync()
        finally:
            self.file.abandon()
            self._end()
            self.file.close()

    def _end(self) -> None:
        """Ends a writer whose file will not be used; else it tries to write when it is forgotten."""
        if self._writer is None:
            return
        with suppress(OSError, pa.ArrowException):  # what went wrong is on its way already
            self._writer.close()
        self._writer.is_open = False


def _with_statistics(schema: pa.Schema, repeated: list[str]) -> list[str]:
    """All columns but text that does not repeat: finding its extremes costs much, and no query skips rows by them."""
    return [
        field_.name
        for field_ in schema
        if field_.name in repeated or not pa.types.is_large_string(field_.type)
    ]


def _with_dictionary(schema: pa.Schema, sample: pa.RecordBatch | None) -> list[str]:
    """Categoricals, and text of which fewer than 30 % of the sampled cells are different."""
    chosen = []
    for place, field_ in enumerate(schema):
        if pa.types.is_dictionary(field_.type):
            chosen.append(field_.name)
        elif sample is not None and pa.types.is_large_string(field_.type):
            cells = sample.column(place).slice(0, _SAMPLE)
            if len(cells.unique()) < _FEW * len(cells):
                chosen.append(field_.name)
    return chosen


class TableReader:
    """One Parquet file, read a column at a time; opened when a column is asked for."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetFile | None = None

    def column(self, name: str) -> pa.ChunkedArray:
        """A whole column, its checksums tested."""
        if self._file is None:
            self._file = pq.ParquetFile(self._path, memory_map=True, page_checksum_verification=True)
        return self._file.read(columns=[name]).column(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
