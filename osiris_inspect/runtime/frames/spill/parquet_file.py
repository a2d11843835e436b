"""Writer and reader of a frame's Parquet file.

Uses lz4 as the cheapest codec, no compression where lz4 gains nothing, dictionaries only for repetitive text
(they dominate the cost of a plain ``to_parquet``), and a checksum per page to detect flipped bits.
"""

from contextlib import suppress
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from osiris_inspect.runtime.files.hashed_file import HashedFile

_SAMPLE = 4096
_DICTIONARY_RATIO = 0.3
_DELTA_RANGE = 2**32
_CODEC = "lz4"
_MIN_COMPRESSION_GAIN = 0.9
_NUMBER_BYTES = 8
_WRITE_BATCH_CELLS = 8192
_PAGE_BYTES = 256 * 1024
_SMALL_ROWS = 4096
_SMALL_BYTES = 65_536
"""Bytes up to which a slice is too small for sampling to pay."""


class ParquetTableWriter:
    """Parquet file written to the open ``file``."""

    def __init__(self, file: HashedFile, schema: pa.Schema) -> None:
        self.file = file
        self.rows = 0
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._small: pa.BufferOutputStream | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Write a slice as one row group."""
        writer = self._writer or self._open_writer(batch)
        writer.write_batch(batch)
        self.rows += len(batch)

    def _open_writer(self, first: pa.RecordBatch | None) -> pq.ParquetWriter:
        sample = first if first is not None and first.nbytes > _SMALL_BYTES else None
        if first is not None and sample is None:
            self._small = pa.BufferOutputStream()  # one write instead of many small ones from Arrow
        repeated = _with_dictionary(self._schema, sample)
        delta = _delta_columns(self._schema, sample)
        self._writer = pq.ParquetWriter(
            self._small or self.file,
            self._schema,
            version="2.6",
            compression=_compression(self._schema, sample, delta),
            use_dictionary=repeated,
            column_encoding=dict.fromkeys(delta, "DELTA_BINARY_PACKED") or None,
            write_statistics=_with_statistics(self._schema, repeated),
            write_batch_size=_WRITE_BATCH_CELLS,
            data_page_size=_PAGE_BYTES,
            write_page_checksum=True,
            use_compliant_nested_type=False,  # keeps the name of list items
        )
        return self._writer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        try:
            if error is None:
                (self._writer or self._open_writer(None)).close()
                if self._small is not None:
                    self.file.write(self._small.getvalue())
                self.file.flush()
        finally:
            self.file.discard()
            self._discard_writer()

    def _discard_writer(self) -> None:
        """Close a writer whose file will not be used, or it would write when garbage-collected."""
        if self._writer is None:
            return
        with suppress(OSError, pa.ArrowException):  # the first error is already being raised
            self._writer.close()
        self._writer.is_open = False


def _with_statistics(schema: pa.Schema, repeated: list[str]) -> list[str]:
    """Return the columns with statistics: all but text without repetition, where no query uses them."""
    return [
        field_.name
        for field_ in schema
        if field_.name in repeated or not pa.types.is_large_string(field_.type)
    ]


def _with_dictionary(schema: pa.Schema, sample: pa.RecordBatch | None) -> list[str]:
    """Return the categorical columns and the text columns with few distinct cells in the sample."""
    chosen = []
    for position, field_ in enumerate(schema):
        if pa.types.is_dictionary(field_.type):
            chosen.append(field_.name)
        elif sample is not None and pa.types.is_large_string(field_.type):
            cells = sample.column(position).slice(0, _SAMPLE)
            if len(cells.unique()) < _DICTIONARY_RATIO * len(cells):
                chosen.append(field_.name)
    return chosen


def _delta_columns(schema: pa.Schema, sample: pa.RecordBatch | None) -> list[str]:
    """Return the integer columns whose sampled cells are close: deltas are smaller and faster than lz4."""
    if sample is None:
        return []
    is_nested = any(
        pa.types.is_nested(field_.type) for field_ in schema
    )  # a dot may then address a nested field
    return [
        field_.name
        for position, field_ in enumerate(schema)
        if pa.types.is_integer(field_.type)
        and not (is_nested and "." in field_.name)
        and _spread(sample.column(position).slice(0, _SAMPLE)) < _DELTA_RANGE
    ]


def _compression(schema: pa.Schema, sample: pa.RecordBatch | None, delta: list[str]) -> str | dict[str, str]:
    """Return lz4, except for numeric columns that it does not shrink: reading those would cost 10 % more."""
    if sample is None or len(sample) < _SAMPLE or any(pa.types.is_nested(field_.type) for field_ in schema):
        return _CODEC
    codecs = dict.fromkeys(schema.names, _CODEC)
    for position, field_ in enumerate(schema):
        if field_.name not in delta and _is_incompressible(sample.column(position).slice(0, _SAMPLE)):
            codecs[field_.name] = "none"
    return codecs


def _is_incompressible(cells: pa.Array) -> bool:
    """Return True if 8-byte cells, such as floats and timestamps, hardly shrink."""
    if not pa.types.is_primitive(cells.type) or cells.type.bit_width != _NUMBER_BYTES * 8:
        return False
    values = cells.buffers()[1].slice(cells.offset * _NUMBER_BYTES, len(cells) * _NUMBER_BYTES)
    return bool(pa.compress(values, _CODEC).size > _MIN_COMPRESSION_GAIN * values.size)


def _spread(cells: pa.Array) -> int:
    ends = pc.min_max(cells).as_py()
    return 0 if ends["min"] is None else int(ends["max"] - ends["min"])


class ParquetTableReader:
    """Parquet file that is opened when the first column is read; a small file is read at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetFile | None = None
        self._content: pa.Table | None = None

    def column(self, name: str) -> pa.ChunkedArray:
        """Return a whole column with verified checksums."""
        if self._file is None:
            self._file = pq.ParquetFile(self._path, memory_map=True, page_checksum_verification=True)
            if self._file.metadata.num_rows <= _SMALL_ROWS:
                self._content = self._file.read(use_threads=False)
        if self._content is not None:
            return self._content.column(name)
        return self._file.read(columns=[name]).column(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
