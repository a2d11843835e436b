"""The columns of one log: kept ones are used, others are read and kept."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from osiris_inspect.inspector.event_log.columns.field_keys import FieldKey, field_key

if TYPE_CHECKING:
    from osiris_inspect.inspector.event_log.columns.column_file import ColumnWriter
    from osiris_inspect.inspector.event_log.columns.extraction import FieldReader
    from osiris_inspect.inspector.event_log.columns.field_chunk import FieldChunk
    from osiris_inspect.inspector.event_log.index.line_index import LineIndex

CHUNK_LINES: Final = 1 << 17
"""Lines of a chunk of a column, which is a row group of its file."""
FOLDER: Final = "columns"


class ColumnStore:
    """The columns of a log, for one question. Not thread-safe; ``close`` keeps the chunks that were read."""

    def __init__(self, descriptor: int, index: "LineIndex", cache: Path | None) -> None:
        self._descriptor, self._index = descriptor, index
        self._folder = cache / FOLDER if cache is not None else None
        self._columns: dict[str, _Column] = {}

    def chunk(self, key: str, number: int) -> "FieldChunk":
        """Return the values of a key in a chunk of lines; chunks must be read in order.

        Raises:
            KeyError: the key has no column.
        """
        return self._column(key).chunk(number)

    def are_kept(self, keys: Iterable[str]) -> bool:
        """Return True if the whole columns of keys were kept."""
        return all(self._column(key).is_kept for key in keys)

    def close(self) -> None:
        """Keep the columns."""
        for column in self._columns.values():
            column.close()
        self._columns.clear()

    def _column(self, key: str) -> "_Column":
        if key not in self._columns:
            parsed = field_key(key)
            if parsed is None:
                raise KeyError(key)
            self._columns[key] = _Column(self._descriptor, self._index, parsed, self._folder)
        return self._columns[key]


class _Column:
    """One column of a log."""

    def __init__(self, descriptor: int, index: "LineIndex", key: FieldKey, folder: Path | None) -> None:
        from osiris_inspect.inspector.event_log.columns import column_file

        self._descriptor, self._index, self._key, self._folder = descriptor, index, key, folder
        self._kept = (
            column_file.load(folder, descriptor, key.key, CHUNK_LINES) if folder is not None else None
        )
        self._reader: FieldReader | None = None
        self._writer: ColumnWriter | None = None
        self._last: tuple[int, FieldChunk] | None = None

    @property
    def is_kept(self) -> bool:
        """True if each chunk was kept."""
        return all(map(self._has, range(-(-len(self._index) // CHUNK_LINES))))

    def chunk(self, number: int) -> "FieldChunk":
        if self._last is None or self._last[0] != number:
            self._last = number, self._new_chunk(number)
        return self._last[1]

    def _new_chunk(self, number: int) -> "FieldChunk":
        kept = self._kept_chunk(number)
        if kept is not None:
            return kept
        if self._reader is None:
            from osiris_inspect.inspector.event_log.columns.extraction import FieldReader

            self._reader = FieldReader(self._descriptor, self._index, self._key)
            self._begin_writing()
        begin = number * CHUNK_LINES
        chunk = self._reader.read(begin, min(begin + CHUNK_LINES, len(self._index)))
        self._write(number, chunk)
        return chunk

    def close(self) -> None:
        """Keep the column if a chunk of it is new."""
        writer = self._writer
        if writer is None:
            return
        try:
            self._copy_until(writer, -(-len(self._index) // CHUNK_LINES))
            writer.commit(self._index, CHUNK_LINES)
        except (OSError, ValueError):  # a full disk, or an old file that is damaged: the column is read again
            return
        finally:
            writer.discard()

    def _has(self, number: int) -> bool:
        return self._kept is not None and self._kept.has(number, len(self._index))

    def _kept_chunk(self, number: int) -> "FieldChunk | None":
        if self._kept is not None and self._has(number):
            with suppress(OSError, ValueError):  # damaged: the chunk is read from the log
                return self._kept.chunk(number)
        return None

    def _begin_writing(self) -> None:
        from osiris_inspect.inspector.event_log.columns.column_file import ColumnWriter

        if self._folder is not None:
            with suppress(OSError):  # a read-only or full disk: the column is not kept
                self._writer = ColumnWriter(self._folder, self._descriptor, self._key.key)

    def _write(self, number: int, chunk: "FieldChunk") -> None:
        if self._writer is None or number < self._writer.next_chunk:
            return
        try:
            self._copy_until(self._writer, number)
            self._writer.write(chunk)
        except OSError:
            self._writer.discard()
            self._writer = None

    def _copy_until(self, writer: "ColumnWriter", end: int) -> None:
        """Copy the kept chunks before ``end`` to the new file."""
        for number in range(writer.next_chunk, end):
            chunk = self._kept_chunk(number)
            if chunk is None:
                writer.skip()
            else:
                writer.write(chunk)
