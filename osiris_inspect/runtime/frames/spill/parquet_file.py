"""A Parquet file of a frame, while it is written and while it is read.

lz4, because it costs the least, and nothing where even that gains nothing; dictionaries only where text repeats itself, since building one for text that does not is
most of the cost of a plain ``to_parquet``; a checksum a page, because a flipped bit is otherwise handed out as a value.
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
_BYTES_OF_A_NUMBER = 8
_CELLS_AT_ONCE = 8192
_BYTES_OF_A_PAGE = 256 * 1024
_FEW_ROWS = 4096
_SMALL = 65_536
"""Bytes of a slice up to which nothing is gained by looking at its cells first."""


class ParquetTableWriter:
    """A Parquet file being written to ``file``, which stays open."""

    def __init__(self, file: HashedFile, schema: pa.Schema) -> None:
        self.file = file
        self.rows = 0
        self._schema = schema
        self._writer: pq.ParquetWriter | None = None
        self._small: pa.BufferOutputStream | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Writes a slice as one row group."""
        writer = self._writer or self._open_writer(batch)
        writer.write_batch(batch)
        self.rows += len(batch)

    def _open_writer(self, first: pa.RecordBatch | None) -> pq.ParquetWriter:
        sample = first if first is not None and first.nbytes > _SMALL else None
        if (
            first is not None and sample is None
        ):  # made in memory: Arrow would ask Python for each of its pieces
            self._small = pa.BufferOutputStream()
        repeated = _with_dictionary(self._schema, sample)
        close = _delta_columns(self._schema, sample)
        self._writer = pq.ParquetWriter(
            self._small or self.file,
            self._schema,
            version="2.6",
            compression=_compression(self._schema, sample, close),
            use_dictionary=repeated,
            column_encoding=dict.fromkeys(close, "DELTA_BINARY_PACKED") or None,
            write_statistics=_with_statistics(self._schema, repeated),
            write_batch_size=_CELLS_AT_ONCE,
            data_page_size=_BYTES_OF_A_PAGE,
            write_page_checksum=True,
            use_compliant_nested_type=False,  # else the items of a list come back under another name
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
            if len(cells.unique()) < _DICTIONARY_RATIO * len(cells):
                chosen.append(field_.name)
    return chosen


def _delta_columns(schema: pa.Schema, sample: pa.RecordBatch | None) -> list[str]:
    """Whole numbers whose sampled cells lie close together: as differences they take less room, and less time than to compress."""
    if sample is None:
        return []
    is_nested = any(
        pa.types.is_nested(field_.type) for field_ in schema
    )  # then a dot may be a way into a column
    return [
        field_.name
        for place, field_ in enumerate(schema)
        if pa.types.is_integer(field_.type)
        and not (is_nested and "." in field_.name)
        and _spread(sample.column(place).slice(0, _SAMPLE)) < _DELTA_RANGE
    ]


def _compression(schema: pa.Schema, sample: pa.RecordBatch | None, close: list[str]) -> str | dict[str, str]:
    """lz4, but for columns of numbers that it would not make smaller: to unpack those costs every reader a tenth."""
    if sample is None or len(sample) < _SAMPLE or any(pa.types.is_nested(field_.type) for field_ in schema):
        return _CODEC
    codecs = dict.fromkeys(schema.names, _CODEC)
    for place, field_ in enumerate(schema):
        if field_.name not in close and _is_incompressible(sample.column(place).slice(0, _SAMPLE)):
            codecs[field_.name] = "none"
    return codecs


def _is_incompressible(cells: pa.Array) -> bool:
    """Whether cells of eight bytes each, as floats and times are, hardly become smaller."""
    if not pa.types.is_primitive(cells.type) or cells.type.bit_width != _BYTES_OF_A_NUMBER * 8:
        return False
    values = cells.buffers()[1].slice(cells.offset * _BYTES_OF_A_NUMBER, len(cells) * _BYTES_OF_A_NUMBER)
    return bool(pa.compress(values, _CODEC).size > _MIN_COMPRESSION_GAIN * values.size)


def _spread(cells: pa.Array) -> int:
    ends = pc.min_max(cells).as_py()
    return 0 if ends["min"] is None else int(ends["max"] - ends["min"])


class ParquetTableReader:
    """One Parquet file, opened when a column is asked for; read a column at a time unless it is small."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetFile | None = None
        self._whole: pa.Table | None = None

    def column(self, name: str) -> pa.ChunkedArray:
        """A whole column, its checksums tested."""
        if self._file is None:
            self._file = pq.ParquetFile(self._path, memory_map=True, page_checksum_verification=True)
            if self._file.metadata.num_rows <= _FEW_ROWS:
                self._whole = self._file.read(use_threads=False)
        if self._whole is not None:
            return self._whole.column(name)
        return self._file.read(columns=[name]).column(name)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
