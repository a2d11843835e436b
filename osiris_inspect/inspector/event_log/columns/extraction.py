"""Reads the values of one field in whole lines of a log with DuckDB.

Lines keep their numbers, because DuckDB receives lines and not a file. Only lines that contain the name of the field are
parsed. A line is left to our reader (``undecided``) if DuckDB cannot parse it, or if it may read it differently:
the name is twice in the line or may be written with an escape, the event may be of the worker's dialect, or the value is
computed from other fields.
"""

from collections.abc import Iterator
from typing import Any, Final

import duckdb
import numpy as np
import pyarrow as pa

from osiris_inspect.inspector.event_log.columns import arrow_buffers
from osiris_inspect.inspector.event_log.columns.field_chunk import FieldChunk, concatenate
from osiris_inspect.inspector.event_log.columns.field_keys import FieldKey
from osiris_inspect.inspector.event_log.columns.json_values import JsonValues, split_values
from osiris_inspect.inspector.event_log.index.blocks import read_into
from osiris_inspect.inspector.event_log.index.line_index import LineIndex
from osiris_inspect.inspector.event_log.index.vectorized import Mask, Numbers
from osiris_inspect.model import jsonl

_BLOCK_BYTES: Final = 8 << 20
_WINDOW_BYTES: Final = 1 << 19
"""Bytes that are compared at once: they fit the processor's cache."""
_MAX_BRACKETS: Final = 2 * jsonl.MAX_DEPTH
_NO_VALUES: Final = (pa.nulls(0, pa.int64()), pa.nulls(0, pa.float64()), pa.nulls(0, pa.string()))
_QUERY: Final = "SELECT CAST(TRY(%s) AS VARCHAR) FROM lines"
"""The value of each line as JSON; null if there is none or the line is not JSON."""


class FieldReader:
    """Reads one field of one log. Not thread-safe."""

    def __init__(self, descriptor: int, index: LineIndex, key: FieldKey) -> None:
        self._descriptor, self._index, self._key = descriptor, index, key
        self._buffer = bytearray(_BLOCK_BYTES)
        self._connection = duckdb.connect(config={"threads": 1, "memory_limit": "256MB"})
        values = ", ".join(f"json_extract(line, '{path}')" for path in key.paths)
        self._query = _QUERY % (f"coalesce({values})" if len(key.paths) > 1 else values)

    def read(self, begin: int, end: int) -> FieldChunk:
        """Return the values in lines from ``begin``, the first of a group, to before ``end``."""
        positions = self._index.positions(begin, end)
        blocks = [
            self._read_block(begin + first, positions[first : last + 1]) for first, last in _blocks(positions)
        ]
        return concatenate(blocks)

    def _read_block(self, first: int, positions: Numbers) -> FieldChunk:
        size = int(positions[-1] - positions[0])
        if len(positions) == 2 and size > jsonl.MAX_LINE:
            return FieldChunk(np.empty(0, np.int64), *_NO_VALUES, np.empty(0, bool))
        raw = self._read_bytes(size, int(positions[0]))
        block = _LineBytes(raw, (positions - positions[0]).astype(np.int32))
        counts = [block.counts(name) for name in self._key.names]
        undecided = block.lines_read_differently(
            self._key, has_worker_lines=self._index.scanner.has_worker_lines
        ) | (np.max(counts, axis=0) > 1)
        rows = np.flatnonzero(((counts[0] > 0) | (counts[-1] > 0)) & ~undecided)
        # a copy of most lines costs more than parsing all of them
        parsed = None if 2 * len(rows) > len(block) else rows
        values = self._values(block if parsed is None else block.take(parsed))
        at = rows if parsed is None else slice(None)
        has_value = np.zeros(len(block), bool)
        has_value[rows] = np.logical_or.reduce([arrow_buffers.valid(column)[at] for column in values[:3]])
        undecided[rows] |= values.is_missing[at]
        undecided |= self._computed(block, ~has_value & ~undecided, first)
        kept = np.flatnonzero(undecided | has_value)
        picks = kept if parsed is None else np.searchsorted(parsed, kept)
        integers, reals, texts = (arrow_buffers.take(column, picks, has_value[kept]) for column in values[:3])
        return FieldChunk(first + kept, integers, reals, texts, undecided[kept])

    def _read_bytes(self, size: int, position: int) -> memoryview:
        """Return bytes of the log, in a buffer that the next block reuses: new memory costs as much as reading."""
        if size > len(self._buffer):
            self._buffer = bytearray(size)
        view = memoryview(self._buffer)[:size]
        count = read_into(self._descriptor, view, position)
        view[count:] = bytes(size - count)  # the log was truncated meanwhile
        return view

    def _values(self, lines: "_LineBytes") -> JsonValues:
        """Return the values of lines; those that are not JSON have none."""
        self._connection.register("lines", pa.Table.from_arrays([lines.strings], ["line"]))
        return split_values(self._connection.sql(self._query).to_arrow_table().column(0).combine_chunks())

    def _computed(self, block: "_LineBytes", is_missing: Mask, first: int) -> Mask:
        """Return the lines without a value that may have a computed one."""
        undecided = np.zeros(len(block), bool)
        missing = np.flatnonzero(is_missing)
        if self._key.fallbacks and len(missing):
            others = block.take(missing)
            for name in self._key.fallbacks:
                undecided[missing] |= others.counts(name) > 0
        if self._key.needs_failures:
            failures = self._index.failure_lines
            begin, end = np.searchsorted(failures, [first, first + len(block)])
            undecided[failures[begin:end].astype(np.int64) - first] = True
        return undecided & is_missing


class _LineBytes:
    """The bytes of lines that follow each other."""

    def __init__(self, raw: memoryview | pa.Buffer, offsets: Any) -> None:
        self._raw, self._bytes, self._offsets = raw, np.frombuffer(raw, np.uint8), offsets
        self.strings = arrow_buffers.text_column(offsets, raw)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def take(self, rows: Numbers) -> "_LineBytes":
        """Return some of the lines."""
        if len(rows) == len(self):
            return self
        taken = self.strings.take(arrow_buffers.number_column(rows))
        _, offsets, raw = taken.buffers()
        return _LineBytes(raw, np.frombuffer(offsets, np.int32)[: len(taken) + 1])

    def counts(self, name: str) -> Numbers:
        """Return how often a name is a JSON string in each line."""
        return self._per_line(self._find(f'"{name}"'.encode()))

    def lines_read_differently(self, key: FieldKey, *, has_worker_lines: bool) -> Mask:
        """Return the lines that DuckDB may read differently than our reader, whatever their value."""
        undecided = np.zeros(len(self), bool)
        if has_worker_lines:
            types = self._find(b'"event"')
            is_value = self._bytes[np.minimum(types + len(b'"event"'), len(self._bytes) - 1)] != ord(":")
            undecided |= self._per_line(types[is_value]) > 0
        if self._has_backslash():
            undecided |= self._per_line(self._hiding_escapes(key)) > 0
        for row in np.flatnonzero(np.diff(self._offsets) > _MAX_BRACKETS).tolist():
            line = self._bytes[self._offsets[row] : self._offsets[row + 1]]
            undecided[row] |= np.count_nonzero((line == ord("{")) | (line == ord("["))) > jsonl.MAX_DEPTH
        return undecided

    def _has_backslash(self) -> bool:
        return any(
            (self._bytes[begin : begin + _WINDOW_BYTES] == ord("\\")).any()
            for begin in range(0, len(self._bytes), _WINDOW_BYTES)
        )

    def _hiding_escapes(self, key: FieldKey) -> Numbers:
        """Return the positions of escapes that may hide a name."""
        if not all(name.isascii() for name in (*key.names, *key.fallbacks)):
            return self._find(b"\\u")
        found = self._find(b"\\u00")
        following = self._bytes[np.minimum(found + len(b"\\u00"), len(self._bytes) - 1)]
        return found[(following >= ord("2")) & (following <= ord("7"))]

    def _find(self, literal: bytes) -> Numbers:
        """Return the positions of a literal of at least two bytes."""
        length = len(literal)
        offsets = list(dict.fromkeys((0, 1, length - 1, *range(length))))
        found = [np.empty(0, np.int64)]
        for begin in range(0, len(self._bytes) - length + 1, _WINDOW_BYTES):
            window = self._bytes[begin : begin + _WINDOW_BYTES + length - 1]
            count = len(window) - length + 1
            matches = window[1 : 1 + count] == literal[1]
            matches &= window[:count] == literal[0]
            matches &= window[length - 1 :] == literal[-1]
            positions = np.flatnonzero(matches)
            for offset in offsets[3:]:
                positions = positions[window[positions + offset] == literal[offset]]
            found.append(positions + begin)
        return np.concatenate(found)

    def _per_line(self, positions: Numbers) -> Numbers:
        lines = np.searchsorted(self._offsets, positions, side="right") - 1
        return np.bincount(lines, minlength=len(self))


def _blocks(positions: Numbers) -> Iterator[tuple[int, int]]:
    """Yield the first line and the end of each block of lines, a line that is too long alone."""
    first, count = 0, len(positions) - 1
    while first < count:
        last = int(np.searchsorted(positions, positions[first] + _BLOCK_BYTES, side="right")) - 1
        last = max(first + 1, min(last, count))
        yield first, last
        first = last
