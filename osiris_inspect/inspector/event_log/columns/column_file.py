"""Cache files of columns: Parquet with a row group for each chunk of lines, beside the index of the log.

A column is used if the size and times of the log, its head and its last bytes in the column are unchanged, as an index is;
pages carry checksums. A log that grew gets row groups for its new lines; the others are copied.
"""

import json
import mmap
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

import pyarrow as pa
from pyarrow import parquet

from osiris_inspect.base import bounded_json
from osiris_inspect.inspector.event_log.columns import arrow_buffers
from osiris_inspect.inspector.event_log.columns.field_chunk import FieldChunk
from osiris_inspect.inspector.event_log.index.index_file import file_state, was_rewritten
from osiris_inspect.inspector.event_log.index.line_index import LineIndex, end_digests
from osiris_inspect.inspector.files import cache_file

VERSION: Final = 1
"""Increased whenever the column of the same log changes."""
SUFFIX: Final = ".parquet"
MAX_FILE_BYTES: Final = 256 << 20
"""A column that takes more is not kept."""
MAX_FOLDER_BYTES: Final = 1 << 30
"""Size of all kept columns; the least recently used are deleted."""
_METADATA: Final = b"osiris-inspect"
_SCHEMA: Final = pa.schema(
    [("line", pa.int64()), ("integer", pa.int64()), ("real", pa.float64()), ("text", pa.string()), ("undecided", pa.bool_())]
)  # fmt: skip
_READ_SCHEMA: Final = _SCHEMA.set(3, pa.field("text", pa.dictionary(pa.int32(), pa.string())))
"""As read back: few distinct texts are not repeated in memory."""

UNREAD: Final = -1
"""Instead of the number of a row group: the chunk was not read."""


@dataclass(frozen=True, slots=True)
class KeptColumn:
    """A column that was kept.

    Attributes:
        file: its file.
        groups: for each chunk the number of its row group, None if no line of it has a value, or ``UNREAD``.
        line_count: lines of the log when it was written; the last chunk ends with them.
    """

    file: parquet.ParquetFile
    groups: tuple[int | None, ...]
    line_count: int

    def has(self, number: int, line_count: int) -> bool:
        """Return True if a chunk was kept whole; ``line_count`` is the number of lines now."""
        if number >= len(self.groups) or self.groups[number] == UNREAD:
            return False
        return number < len(self.groups) - 1 or self.line_count == line_count

    def chunk(self, number: int) -> FieldChunk:
        """Return a chunk.

        Raises:
            OSError, ValueError: the file is damaged.
        """
        group = self.groups[number]
        table = _SCHEMA.empty_table() if group is None else self.file.read_row_group(group, use_threads=False)
        columns = {name: table.column(name).combine_chunks() for name in _SCHEMA.names}
        lines, undecided = (
            arrow_buffers.numbers(columns["line"]),
            arrow_buffers.booleans(columns["undecided"]),
        )
        return FieldChunk(lines, columns["integer"], columns["real"], columns["text"], undecided)


def load(folder: Path, descriptor: int, key: str, chunk_lines: int) -> KeptColumn | None:
    """Return the kept column of a key, which may end before the log does; None if there is no valid one."""
    path = _path(folder, descriptor, key)
    try:
        with os.fdopen(cache_file.open_trusted(path), "rb") as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        os.utime(path)  # recently used
        file = parquet.ParquetFile(
            pa.BufferReader(content), page_checksum_verification=True, read_dictionary=["text"]
        )
        header = bounded_json.loads(file.metadata.metadata[_METADATA])
        is_valid = header["key"] == key and header["version"] == [VERSION, chunk_lines]
        is_valid = is_valid and not was_rewritten(header["log"], os.fstat(descriptor))
        ends = (header["head"], header["last"])
        if not is_valid or end_digests(descriptor, int(header["size"])) != ends:
            return None
        groups = tuple(None if group is None else int(group) for group in header["groups"])
        return (
            KeptColumn(file, groups, int(header["lines"])) if file.schema_arrow.equals(_READ_SCHEMA) else None
        )
    except (OSError, ValueError, KeyError, TypeError):  # missing, damaged, or writable by another user
        return None


class ColumnWriter:
    """Writes the chunks of a column in order; ``commit`` makes it the kept one."""

    def __init__(self, folder: Path, descriptor: int, key: str) -> None:
        """Begin a file.

        Raises:
            OSError: it cannot be created.
        """
        self._folder, self._descriptor, self._key = folder, descriptor, key
        self._log = file_state(os.fstat(descriptor))
        self._file = cache_file.NewFile(_path(folder, descriptor, key))
        self._writer = parquet.ParquetWriter(
            self._file.stream,
            _SCHEMA,
            compression="lz4",
            write_page_checksum=True,
            use_dictionary=["text"],
            column_encoding=dict.fromkeys(("line", "integer"), "DELTA_BINARY_PACKED"),
        )
        self._groups: list[int | None] = []
        self._group_count = 0

    @property
    def next_chunk(self) -> int:
        """The number of the chunk that follows."""
        return len(self._groups)

    def skip(self) -> None:
        """Leave out a chunk that was not read."""
        self._groups.append(UNREAD)

    def write(self, chunk: FieldChunk) -> None:
        """Write the next chunk.

        Raises:
            OSError: the disk is full, or the column is too large to be kept.
        """
        if not len(chunk.lines):
            self._groups.append(None)
            return
        texts = chunk.texts
        arrays = [
            arrow_buffers.number_column(chunk.lines),
            chunk.integers,
            chunk.reals,
            texts.dictionary_decode() if isinstance(texts, pa.DictionaryArray) else texts,
            arrow_buffers.boolean_column(chunk.undecided),
        ]
        self._writer.write_table(
            pa.Table.from_arrays(arrays, schema=_SCHEMA), row_group_size=len(chunk.lines)
        )
        self._groups.append(self._group_count)
        self._group_count += 1
        if self._file.stream.tell() > MAX_FILE_BYTES:
            raise OSError("the column is too large")

    def commit(self, index: LineIndex, chunk_lines: int) -> None:
        """Replace the kept column.

        Raises:
            OSError: the disk is full.
        """
        head, last = end_digests(self._descriptor, index.size)
        header = {"version": [VERSION, chunk_lines], "key": self._key, "log": self._log, "size": index.size,
                  "head": head, "last": last, "lines": len(index), "groups": self._groups}  # fmt: skip
        self._writer.add_key_value_metadata({_METADATA: json.dumps(header).encode()})
        self._writer.close()
        self._file.commit()
        cache_file.evict(self._folder, SUFFIX, MAX_FOLDER_BYTES)

    def discard(self) -> None:
        """Remove what was written unless it was committed."""
        with suppress(OSError):  # the end of a file on a full disk
            self._writer.close()
        self._file.discard()


def _path(folder: Path, descriptor: int, key: str) -> Path:
    name = blake2b(key.encode(), digest_size=8).hexdigest()
    return cache_file.path_for(folder, descriptor, f"-{name}{SUFFIX}")
