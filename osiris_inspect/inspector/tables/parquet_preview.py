"""Preview of a spilled frame: schema and statistics from the Parquet footer, and rows page by page.

Opening a frame and reading a page does not depend on its size.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from osiris_inspect.inspector.files import remote_registry
from osiris_inspect.inspector.files.run_files import RunFiles, parse_json, reason_of
from osiris_inspect.inspector.run.frame_info import Cell, FrameColumn, FrameInfo
from osiris_inspect.inspector.tables.parquet_budget import BATCH_BYTES, group_bytes, oversized_column
from osiris_inspect.inspector.text.sanitize import shorten
from osiris_inspect.model.errors import RunNotReadable, SpillCorrupt

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

WHOLE_GROUP = 200_000
"""Maximum rows of a row group that is read at once; a larger one is read in batches."""

_BATCH_ROWS = 65_536
_MAX_STATISTICS = 200_000
_MAX_CELL = 2_000


class ParquetFrameReader:
    """An open frame; a context manager. Not thread-safe."""

    def __init__(self, path: Path) -> None:
        disk = RunFiles(path.parent)
        with _readable_errors(path), disk.opened_path(path.name) as opened:
            from pyarrow.parquet import ParquetFile

            size = disk.size(path.name) or 0
            if size == 0:
                raise SpillCorrupt(f"{path.name} is empty: 0 bytes")
            self._file: ParquetFile = ParquetFile(opened)
            if (reason := oversized_column(self._file.metadata)) is not None:
                raise SpillCorrupt(f"{path.name} is too large to show: {reason}")
            texts = _flat_texts(self._file)
            if texts:  # a text that many rows share is in memory once
                self._file = ParquetFile(opened, metadata=self._file.metadata, read_dictionary=texts)
            self.info = _frame_info(path, size, self._file)
        self._chunk: pa.Table | None = None
        self._chunk_begin = 0
        self._chunk_columns: Sequence[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read_page(
        self, begin: int, count: int, columns: Sequence[str] | None = None
    ) -> list[tuple[Cell, ...]]:
        """Return at most ``count`` rows from ``begin``, counted from 0, as text.

        Only the named columns are read, in the order of the frame; all of them by default.

        Raises:
            SpillCorrupt: this part of the file cannot be read.
        """
        rows: list[tuple[Cell, ...]] = []
        with _readable_errors(self.info.path):
            while count > 0 and begin < self.info.rows:
                chunk, start = self._chunk_at(begin, columns)
                page = chunk.slice(begin - start, count)
                if not page.num_rows:
                    raise SpillCorrupt(f"{self.info.path.name} ends before row {begin + 1:,}")
                rows += zip(*(_texts(column) for column in page.columns), strict=True)
                begin, count = begin + page.num_rows, count - page.num_rows
        return rows

    def _chunk_at(self, row: int, columns: Sequence[str] | None) -> tuple["pa.Table", int]:
        """Return the chunk that contains a row and the number of its first row; cache it for the next page."""
        chunk = self._chunk
        is_cached = chunk is not None and self._chunk_begin <= row < self._chunk_begin + chunk.num_rows
        if not is_cached or columns != self._chunk_columns:
            self._chunk, self._chunk_begin = self._read(row, columns)
            self._chunk_columns = columns
        if self._chunk is None:
            raise SpillCorrupt(f"{self.info.path.name} ends before row {row + 1:,}")
        return self._chunk, self._chunk_begin

    def _read(self, row: int, columns: Sequence[str] | None) -> tuple["pa.Table | None", int]:
        import pyarrow as pa

        begin, names = 0, None if columns is None else list(columns)
        for number in range(self._file.metadata.num_row_groups):
            rows = self._file.metadata.row_group(number).num_rows
            if begin <= row < begin + rows:
                self._fetch_row_group(number, names)
                size = group_bytes(
                    self._file.metadata.row_group(number), None if names is None else frozenset(names)
                )
                if rows <= WHOLE_GROUP and size <= BATCH_BYTES:
                    return self._file.read_row_group(number, columns=names), begin
                count = max(1, min(_BATCH_ROWS, rows * BATCH_BYTES // max(1, size)))
                for batch in self._file.iter_batches(count, row_groups=[number], columns=names):
                    if row < begin + batch.num_rows:
                        return pa.Table.from_batches([batch]), begin
                    begin += batch.num_rows
                return None, begin
            begin += rows
        return None, begin

    def _fetch_row_group(self, group: int, names: Sequence[str] | None) -> None:
        """Download the bytes of a row group of a remote frame."""
        remote = remote_registry.for_file(self.info.path)
        if remote is None:
            return
        mirror, file = remote
        chunks = self._file.metadata.row_group(group)
        columns = (chunks.column(number) for number in range(chunks.num_columns))
        requested = (
            column for column in columns if names is None or column.path_in_schema.partition(".")[0] in names
        )
        mirror.fetch_all(file, [_span(column) for column in requested])


def _span(chunk: Any) -> tuple[int, int]:
    """Return the byte range of a column of a row group, with its dictionary."""
    begin = chunk.dictionary_page_offset or chunk.data_page_offset
    return begin, begin + chunk.total_compressed_size


class _readable_errors:  # noqa: N801  reads as a phrase where it is used
    """Raises errors of pyarrow and of the disk as ``SpillCorrupt``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, SpillCorrupt):
            return
        if isinstance(error, RunNotReadable):
            raise SpillCorrupt(f"{self._path.name} cannot be downloaded: {error}") from error
        if isinstance(error, FileNotFoundError):
            raise SpillCorrupt(f"{self._path.name} is not there") from error
        if isinstance(error, OSError) and error.strerror:
            raise SpillCorrupt(f"{self._path.name} cannot be read: {reason_of(error)}") from error
        if _is_file_error(error):
            raise SpillCorrupt(f"{self._path.name} cannot be read: {_first_line(error)}") from error


def _is_file_error(error: BaseException) -> bool:
    import pyarrow as pa

    return isinstance(error, pa.ArrowException | OSError | ValueError | OverflowError | MemoryError)


def _first_line(error: BaseException) -> str:
    text = str(error).strip().partition("\n")[0].rstrip(".")
    return text or type(error).__name__


def _frame_info(path: Path, size: int, file: "ParquetFile") -> FrameInfo:
    recorded = _read_schema_json(path.parent)
    dtypes = recorded.get("dtypes")
    columns = tuple(
        replace(column, dtype=_dtype(dtypes, column.name, number))
        for number, column in enumerate(_columns(file))
    )
    rows = recorded.get("row_count")
    return FrameInfo(
        path=path,
        rows=file.metadata.num_rows,
        bytes=size,
        row_groups=file.metadata.num_row_groups,
        columns=columns,
        recorded_rows=rows if isinstance(rows, int) else None,
    )


def _read_schema_json(folder: Path) -> dict[str, Any]:
    """Return ``schema.json``; empty if it is missing or broken, which the rules report."""
    document: dict[str, Any] = RunFiles(folder).read_document("schema.json", parse_json) or {}
    # the worker of the original Osiris writes only the columns and their types
    return document if "dtypes" in document or "row_count" in document else {"dtypes": document}


def _dtype(dtypes: Any, name: str, number: int) -> str | None:
    if isinstance(dtypes, dict):
        value = dtypes.get(name)
    else:
        value = dtypes[number] if isinstance(dtypes, list) and number < len(dtypes) else None
    return value if isinstance(value, str) else None


def _columns(file: "ParquetFile") -> Iterator[FrameColumn]:
    leaves = [file.schema.column(number).path for number in range(len(file.schema))]
    positions, counts = {leaf: number for number, leaf in enumerate(leaves)}, Counter(leaves)
    metadata = file.metadata
    groups = metadata.num_row_groups
    is_affordable = groups * len(leaves) <= _MAX_STATISTICS
    for field in file.schema_arrow:
        plain = FrameColumn(field.name, str(field.type))
        # a nested column has several leaves with other names
        if is_affordable and counts[field.name] == 1 and groups:
            leaf = positions[field.name]
            chunks = [metadata.row_group(group).column(leaf).statistics for group in range(groups)]
            yield _with_statistics(plain, chunks)
        else:
            yield plain


def _with_statistics(column: FrameColumn, chunks: Sequence[Any]) -> FrameColumn:
    has_nulls = all(chunk is not None and chunk.has_null_count for chunk in chunks)
    nulls = sum(chunk.null_count for chunk in chunks) if has_nulls else None
    try:
        bounds = [(chunk.min, chunk.max) for chunk in chunks if chunk is not None and chunk.has_min_max]
        low, high = (
            min((low for low, _ in bounds), default=None),
            max((high for _, high in bounds), default=None),
        )
    except (TypeError, ValueError, OverflowError, NotImplementedError):
        low = high = None  # Python cannot order or represent values of this type
    return replace(column, nulls=nulls, low=_text(low), high=_text(high))


def _texts(column: "pa.ChunkedArray") -> list[Cell]:
    import pyarrow as pa

    kinds = pa.types
    if kinds.is_dictionary(column.type):
        return [text for chunk in column.chunks for text in _dictionary_texts(chunk)]
    if kinds.is_temporal(column.type):
        # not Python's own dates, which end at the year 9999 and have no nanoseconds
        return list(column.cast(pa.string()).to_pylist())
    if kinds.is_string(column.type) or kinds.is_large_string(column.type):
        return [_text(value) for value in column.to_pylist()]
    return [_text(value) for value in chain.from_iterable(map(_values, column.chunks))]


def _dictionary_texts(chunk: "pa.DictionaryArray") -> list[Cell]:
    """Return the texts of an array; each value of its dictionary is converted once."""
    texts: dict[int, Cell] = {}
    for index in chunk.indices.unique().to_pylist():
        if index is not None:
            texts[index] = _text(chunk.dictionary[index].as_py())
    return [None if index is None else texts[index] for index in chunk.indices.to_pylist()]


def _flat_texts(file: "ParquetFile") -> list[str]:
    """Return the columns of text that are not nested."""
    import pyarrow as pa

    kinds = pa.types
    return [
        field.name
        for field in file.schema_arrow
        if kinds.is_string(field.type) or kinds.is_large_string(field.type) or kinds.is_binary(field.type)
    ]


def _values(chunk: "pa.Array") -> list[Any]:
    try:
        return list(chunk.to_pylist())
    except (ValueError, OverflowError):  # Python cannot represent a value
        return [str(value) if value.is_valid else None for value in chunk]


def _text(value: Any) -> Cell:
    if value is None:
        return None
    if isinstance(value, str):
        return value if len(value) <= _MAX_CELL else shorten(value, _MAX_CELL)
    if isinstance(value, bytes):
        return f"{len(value):,} bytes: {value[:64].hex(' ')}"
    if isinstance(value, dict | list):
        return _text(json.dumps(value, ensure_ascii=False, default=str))
    return str(value)
