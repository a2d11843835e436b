"""Columns of text that are numbers but for some cells: one ``-`` among amounts makes a whole column text.

Looked for after a step failed, in the first ``MAX_ROWS`` rows of its inputs; the facts of the error name the columns.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from osiris_inspect.model.redaction import is_secret_key
from osiris_inspect.runtime.frames.resolved_input import ResolvedInput

MAX_ROWS: Final = 65_536
MAX_COLUMNS: Final = 5
MAX_CELL: Final = 20
_NUMBER: Final = r"^\s{0,20}[-+]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][-+]?\d{1,3})?\s{0,20}$"
_LOCAL_NUMBER: Final = r"^\s{0,20}[-+]?\d{1,3}(?:[ .\x{00A0}\x{202F}']?\d{3}){0,9},\d{1,30}\s{0,20}$"
"""A number with a decimal comma, as many countries write it."""


def text_numbers(inputs: Iterable[ResolvedInput]) -> list[dict[str, Any]]:
    """Return the step, the column, the row (from 1) and the first cell that is no number, per such column."""
    found = [entry for resolved in inputs for entry in _of_input(resolved)]
    return found[:MAX_COLUMNS]


def _of_input(resolved: ResolvedInput) -> list[dict[str, Any]]:
    names: Mapping[str, str] = resolved.column_names
    with resolved.to_batches(MAX_ROWS) as batches:
        batch = next(iter(batches), None)
    if batch is None:
        return []
    fields = [field for field in batch.schema if _is_text(field.type) and not is_secret_key(field.name)]
    cells = {field.name: _misfit(batch.column(field.name)) for field in fields}
    return [
        {"step": resolved.input_ref.from_step, "column": names.get(name, name), **cell}
        for name, cell in cells.items()
        if cell is not None
    ]


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_))


def _misfit(column: pa.Array) -> dict[str, Any] | None:
    """Return the first cell that is no number, if at least half of the cells are."""
    present = len(column) - column.null_count
    is_number = pc.match_substring_regex(column, _NUMBER)
    is_local = pc.match_substring_regex(column, _LOCAL_NUMBER)
    is_either = pc.or_(is_number, is_local)
    numbers = pc.sum(is_either).as_py() or 0
    if present < 2 or numbers * 2 < present or (pc.sum(is_number).as_py() or 0) == present:
        return None
    position = pc.index(is_number, pa.scalar(value=False)).as_py()
    cell = column[position].as_py()
    if len(cell) > MAX_CELL:
        return None
    comma = bool(is_local[position].as_py())
    return {"row": position + 1, "cell": cell, **({"decimal_comma": True} if comma else {})}
