"""Cells of the table ``events`` from the columns of a long log; lines that have no plain value there are decoded."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import compute

from osiris_inspect.inspector.event_log.columns import arrow_buffers
from osiris_inspect.inspector.event_log.columns.column_store import CHUNK_LINES, ColumnStore
from osiris_inspect.inspector.event_log.columns.field_chunk import FieldChunk, decode_text
from osiris_inspect.inspector.event_log.columns.field_keys import TABLE_KEYS
from osiris_inspect.inspector.event_log.index.large_log import LargeLog
from osiris_inspect.inspector.event_log.index.vectorized import Mask, Numbers
from osiris_inspect.inspector.tables import table_rows
from osiris_inspect.inspector.text import json_line
from osiris_inspect.model.errors import InvalidLine
from osiris_inspect.model.redaction import mask_by_key

MIN_LINES: Final = 20_000
"""Lines that are decoded in less time than it takes to read a column."""
COLUMNS: Final = frozenset({*TABLE_KEYS, "error"})
"""Columns of the table that need not be decoded."""


def column_cells(log: LargeLog, store: ColumnStore, name: str, lines: Numbers) -> pa.Array:
    """Return the cells of lines, which are of one chunk."""
    if name == "error":
        return _merged(
            log, name, lines, pa.nulls(len(lines), pa.string()), np.isin(lines, log.line_index.failure_lines)
        )
    chunk = store.chunk(TABLE_KEYS[name], int(lines[0]) // CHUNK_LINES)
    positions, has_row = _positions(chunk, lines)
    cells, is_known = _CELLS[name](chunk)
    taken = arrow_buffers.take(cells, positions, has_row)
    unknown = has_row & ~is_known[positions] if len(is_known) else has_row
    return _merged(log, name, lines, taken, unknown)


def field_cells(log: LargeLog, store: ColumnStore, names: Sequence[str], lines: Numbers) -> pa.Array:
    """Return JSON objects with some fields of lines, which are of one chunk, secrets masked."""
    pieces, unknown = [], np.zeros(len(lines), bool)
    ends = ("{", "}") if len(names) == 1 else ("", ",")
    for name in names:
        chunk = store.chunk(name, int(lines[0]) // CHUNK_LINES)
        positions, has_row = _positions(chunk, lines)
        texts, is_known = _json_pieces(name, chunk, ends)
        is_whole = len(positions) == len(texts) and bool(has_row.all())  # then each line has its row
        pieces.append(texts if is_whole else arrow_buffers.take(texts, positions, has_row))
        unknown |= has_row & ~is_known[positions] if len(is_known) else has_row
    if len(names) == 1:
        cells = pieces[0].fill_null("{}")
    else:
        joined = compute.binary_join_element_wise(*(piece.fill_null("") for piece in pieces), "")
        cells = compute.binary_join_element_wise("{", compute.utf8_rtrim(joined, ","), "}", "")
    if not unknown.any():
        return cells
    events = log.events(lines[unknown])
    decoded = [
        _object({name: event.fields[name] for name in names if name in event.fields}) for event in events
    ]
    return merge(cells, pa.array(decoded, pa.string()), ~unknown)


def _json_pieces(name: str, chunk: FieldChunk, ends: tuple[str, str]) -> tuple[pa.Array, Mask]:
    """Return the members of JSON objects for the values of a chunk, each between ``ends``, and which are known."""
    begin, end = ends
    integers = compute.binary_join_element_wise(f'{begin}"{name}":', chunk.integers.cast("string"), end, "")
    others = []
    known = ~chunk.undecided
    for column in (chunk.reals, chunk.texts):
        if column.null_count == len(column):
            continue
        distinct = column.dictionary_encode()
        found = [_member(name, value) for value in distinct.dictionary.to_pylist()]
        values = [None if member is None else f"{begin}{member}{end}" for member in found]
        members = pa.array(values, pa.string()).take(distinct.indices)
        known &= ~arrow_buffers.valid(column) | arrow_buffers.valid(members)
        others.append(members)
    return compute.coalesce(integers, *others), known


def _member(name: str, value: float | str) -> str | None:
    """Return the member for a float or a JSON text; None if only our reader can parse it."""
    try:
        return _object({name: decode_text(value) if isinstance(value, str) else value})[1:-1]
    except InvalidLine:
        return None


def _object(fields: dict[str, Any]) -> str:
    return json_line.to_json_line(mask_by_key(fields)).decode()


def _positions(chunk: FieldChunk, lines: Numbers) -> tuple[Numbers, Mask]:
    """Return the rows of a chunk for lines, and which lines have one."""
    if not len(chunk.lines):
        return np.zeros(len(lines), np.int64), np.zeros(len(lines), bool)
    positions = np.minimum(np.searchsorted(chunk.lines, lines), len(chunk.lines) - 1)
    return positions, chunk.lines[positions] == lines


def _rows(chunk: FieldChunk) -> tuple[pa.Array, Mask]:
    is_integer, is_real = arrow_buffers.valid(chunk.integers), arrow_buffers.valid(chunk.reals)
    if not is_real.any():
        return chunk.integers, is_integer
    reals = arrow_buffers.numbers(chunk.reals)
    is_real &= np.abs(reals) < 2**53
    truncated = np.trunc(np.where(is_real, reals, 0)).astype(np.int64)
    values = np.where(is_integer, arrow_buffers.numbers(chunk.integers) if is_integer.any() else 0, truncated)
    return arrow_buffers.number_column(values, is_integer | is_real), is_integer | is_real


def _integers(chunk: FieldChunk) -> tuple[pa.Array, Mask]:
    return chunk.integers, arrow_buffers.valid(chunk.integers)


def _seconds(chunk: FieldChunk) -> tuple[pa.Array, Mask]:
    """Return seconds for milliseconds; a negative duration is null."""
    is_integer, is_real = arrow_buffers.valid(chunk.integers), arrow_buffers.valid(chunk.reals)
    values = np.zeros(len(chunk.lines))
    if is_integer.any():
        values[is_integer] = arrow_buffers.numbers(chunk.integers)[is_integer]
    if is_real.any():
        values[is_real] = arrow_buffers.numbers(chunk.reals)[is_real]
    is_known = (is_integer | is_real) & (np.abs(values) < 1e300)
    return arrow_buffers.number_column(values / 1000, is_known & (values >= 0)), is_known


_CELLS: Final[dict[str, Any]] = {"rows": _rows, "seq": _integers, "duration_s": _seconds}


def _merged(log: LargeLog, name: str, lines: Numbers, cells: pa.Array, unknown: Mask) -> pa.Array:
    """Return cells of which those that are unknown are decoded."""
    if not unknown.any():
        return cells
    decoded = table_rows.event_column(name, list(log.events(lines[unknown])))
    return merge(cells, decoded, ~unknown)


def merge(fast: pa.Array, slow: pa.Array, is_fast: Mask) -> pa.Array:
    """Return the fast values where they are valid, else the slow ones in order."""
    indices = np.where(is_fast, np.arange(len(fast)), len(fast) + np.cumsum(~is_fast) - 1)
    return pa.concat_arrays([fast, slow]).take(arrow_buffers.number_column(indices))
