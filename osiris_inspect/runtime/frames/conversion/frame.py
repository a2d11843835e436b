"""A whole frame in normal form, slice by slice, and back.

Two tables come of a frame: the one SQL sees (the columns, under names SQL can tell apart) and, where there is a need, the one
beside it, of the same length: the levels of an index that is more than a range, and what columns keep for pandas alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion import arrow_types as arrow_form
from osiris_inspect.runtime.frames.conversion import cell_json as cells
from osiris_inspect.runtime.frames.conversion import columns, extension_columns
from osiris_inspect.runtime.frames.conversion import index as index_form
from osiris_inspect.runtime.frames.conversion.column_names import unique_sql_names
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan
from osiris_inspect.runtime.frames.conversion.frame_plan import (
    FramePlan,
    PlannedColumn,
    field_metadata,
    hidden_column,
)

ROW_COUNT_COLUMN = "_no_columns"
"""The one column of a frame that has rows and no columns, so that its rows can be counted in SQL."""

ReadColumn = Callable[[str], pa.ChunkedArray]


def plan_pandas(frame: pd.DataFrame) -> FramePlan:
    """How a pandas frame is kept."""
    values = [_values(series) for _, series in frame.items()]
    labels, packed = tuple(frame.columns), index_form.index_to_json(frame.columns, columns.plan)
    index, (attrs, lost_attrs) = _IndexPlan.of(frame.index), _attrs(frame.attrs)
    lost = [("", f"names of columns: {what}") for what in packed.lost] + list(index.lost) + lost_attrs
    if type(frame) is not pd.DataFrame:
        lost.append(
            ("", f"the class {type(frame).__module__}.{type(frame).__qualname__}; it is a DataFrame again")
        )
    facts = {
        "kind": "pandas",
        "columns": packed.facts,
        "index": index.facts,
        "attrs": attrs,
        "duplicate_labels": bool(frame.flags.allows_duplicate_labels),
    }
    parts = tuple(
        PlannedColumn(name, columns.plan(some), some)
        for name, some in zip(unique_sql_names(labels), values, strict=True)
    )
    fields = tuple(
        field_metadata(part.name, part.column, label, part.values.dtype)
        for part, label in zip(parts, labels, strict=True)
    )
    return FramePlan(
        rows=len(frame),
        planned_columns=parts or (_no_columns(len(frame)),),
        index_columns=(
            *(hidden_column(part, key) for part in parts for key in part.column.hidden),
            *index.parts,
        ),
        restore_info=facts,
        fields=fields,
        not_restorable=tuple(lost),
        metadata=partial(_pandas_metadata, frame, labels, fields),
    )


def _pandas_metadata(
    frame: pd.DataFrame, labels: tuple[Any, ...], fields: Sequence[Mapping[str, Any]]
) -> Mapping[bytes, bytes] | None:
    """What ``pandas.read_parquet`` reads the types of such a frame from; None where our form would mislead it."""
    if not fields or any(
        label != field_["physical"] or not _is_read_by_pandas(field_["facts"])
        for label, field_ in zip(labels, fields, strict=True)
    ):
        return None
    empty = frame.iloc[:0].reset_index(drop=True)
    empty.attrs = {}
    return {b"pandas": pa.Schema.from_pandas(empty, preserve_index=False).metadata[b"pandas"]}


def _is_read_by_pandas(facts: Mapping[str, Any]) -> bool:
    if facts["form"] == "category":
        levels = facts["categories"].get("levels")  # a range of numbers has none
        return bool(levels) and _is_text(levels[0]["facts"])
    return _is_text(facts) or facts["form"] in ("numpy", "datetime", "masked")


def _is_text(facts: Mapping[str, Any]) -> bool:
    return facts["form"] == "string" or facts.get("cells") == "str"


def plan_table(table: pa.Table) -> FramePlan:
    """How an Arrow table is kept: it never becomes a pandas frame on the way."""
    return _plan_arrow(table.schema, table.columns, table.num_rows)


def plan_stream(schema: pa.Schema, tables: Iterator[pa.Table]) -> FramePlan:
    """How Arrow tables that come one after the other are kept; all but the last hold ``ROWS_PER_SLICE`` rows."""
    return replace(_plan_arrow(schema, [None] * len(schema), 0), rows=None, stream=tables)


def _plan_arrow(schema: pa.Schema, values: Sequence[Any], rows: int) -> FramePlan:
    parts = tuple(
        PlannedColumn(name, plan_arrow_column(field_.type), some)
        for name, field_, some in zip(unique_sql_names(schema.names), schema, values, strict=True)
    )
    fields = tuple(
        field_metadata(part.name, part.column, field_.name, field_.type)
        for part, field_ in zip(parts, schema, strict=True)
    )
    return FramePlan(rows, parts or (_no_columns(rows),), (), {"kind": "arrow"}, fields)


def plan_arrow_column(kind: pa.DataType) -> ColumnPlan:
    """How a column of a driver's Arrow table is kept."""
    facts = {"form": "arrow", "type": arrow_form.type_to_text(kind)}
    return extension_columns.plan_arrow(kind, facts, arrow_form.single_array)


def restore_pandas(
    form: Mapping[str, Any], rows: int, read: ReadColumn, read_beside: ReadColumn
) -> pd.DataFrame:
    """The frame of which ``form`` holds ``facts`` and ``fields``; columns are read one at a time."""
    facts, fields = form["facts"], form["fields"]
    if facts["kind"] == "arrow":
        return arrow_form.table_to_pandas(restore_arrow(form, rows, read))
    index = _IndexPlan.restore_pandas(facts["index"], read_beside)
    series = {}
    for place, field_ in enumerate(fields):
        kept = {key: read_beside(name) for key, name in field_["beside"].items()}
        values = columns.restore(read(field_["physical"]), field_["facts"], kept)
        series[place] = pd.Series(values, index=index, dtype=getattr(values, "dtype", None), copy=False)
    frame = pd.DataFrame(series, index=index, copy=False)
    frame.columns = index_form.index_from_json(facts["columns"], columns.restore)
    frame.attrs = cells.cell_from_json(facts["attrs"])
    return frame if facts["duplicate_labels"] else frame.set_flags(allows_duplicate_labels=False)


def restore_arrow(form: Mapping[str, Any], rows: int, read: ReadColumn) -> pa.Table:
    """The Arrow table a driver gave, in the types it had.

    Raises:
        DriverError: Arrow cannot make values of a type anew; the message names the column.
    """
    arrays = [_restored(field_, read) for field_ in form["fields"]]
    if not arrays:
        return pa.table({ROW_COUNT_COLUMN: pa.nulls(rows)}).select([])
    return pa.table(arrays, names=[cells.cell_from_json(field_["name"]) for field_ in form["fields"]])


def _restored(field_: Mapping[str, Any], read: ReadColumn) -> pa.ChunkedArray:
    kept = read(field_["physical"])
    try:
        return extension_columns.arrow_values(kept, field_["facts"])
    except pa.ArrowNotImplementedError as error:
        held = f"column {field_['physical']!r} of type {field_['dtype']} cannot be made anew from disk"
        raise DriverError(f"{held} ({error}): cast it to text, or leave it out") from error


def _values(series: Any) -> Any:
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _no_columns(rows: int) -> PlannedColumn:
    return PlannedColumn(
        ROW_COUNT_COLUMN,
        ColumnPlan(pa.bool_(), {}, lambda part: pa.nulls(len(part), pa.bool_())),
        range(rows),
    )


def _attrs(attrs: Mapping[Any, Any]) -> tuple[Any, list[tuple[str, str]]]:
    lost: set[str] = set()
    kept = cells.cell_to_json(dict(attrs), lost)
    return kept, [("", f"attrs: {what}") for what in sorted(lost)]


@dataclass(frozen=True, slots=True)
class _IndexPlan:
    """The rows' labels: a range is a fact, anything else is kept beside the columns."""

    facts: Mapping[str, Any]
    parts: tuple[PlannedColumn, ...] = ()
    lost: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, index: pd.Index) -> "_IndexPlan":
        if isinstance(index, pd.RangeIndex):
            packed = index_form.index_to_json(index, columns.plan)
            return cls(packed.facts, lost=tuple(("", f"index: {what}") for what in packed.lost))
        lost: set[str] = set()
        parts, levels = [], []
        for place, level in enumerate(index_form.index_levels(index)):
            values = _values(level)
            part = PlannedColumn(f"index.{place}", columns.plan(values), values)
            parts += [part, *(hidden_column(part, key) for key in part.column.hidden)]
            levels.append(field_metadata(part.name, part.column, None, level.dtype))
        facts = {
            "kind": "multi" if isinstance(index, pd.MultiIndex) else "flat",
            "names": [cells.cell_to_json(name, lost) for name in index.names],
            "levels": levels,
            "freq": index_form.frequency(index, lost),
        }
        return cls(facts, tuple(parts), tuple(("", f"index: {what}") for what in sorted(lost)))

    @staticmethod
    def restore_pandas(facts: Mapping[str, Any], read: ReadColumn) -> pd.Index:
        if facts["kind"] == "range":
            return index_form.index_from_json(facts, columns.restore)
        levels = []
        for level in facts["levels"]:
            kept = {key: read(name) for key, name in level["beside"].items()}
            levels.append(columns.restore(read(level["physical"]), level["facts"], kept))
        return index_form.index_from_levels(
            levels, [cells.cell_from_json(name) for name in facts["names"]], facts
        )


def plan_frame(frame: pd.DataFrame | pa.Table) -> FramePlan:
    """How a frame of pandas or of Arrow is kept."""
    return plan_table(frame) if isinstance(frame, pa.Table) else plan_pandas(frame)


def type_downgrades(form: FramePlan) -> list[dict[str, Any]]:
    """The columns SQL sees in another type than pandas, and whether pandas gets them back exactly."""
    lost = {item["column"] for item in form.fidelity_report()}
    return [
        {
            "column": field_["physical"],
            "from": field_["dtype"],
            "to": field_["arrow"],
            "lossless": field_["physical"] not in lost,
        }
        for field_ in form.fields
        if _is_downgraded(field_) or field_["physical"] in lost
    ]


def _is_downgraded(field_: Mapping[str, Any]) -> bool:
    facts = field_["facts"]
    return (
        facts["form"] in _OTHER_IN_SQL
        or facts.get("cells") in ("json", "timedelta", "decimal text")
        or field_["dtype"] == "float16"
    )


_OTHER_IN_SQL = frozenset(
    {
        "datetime ticks",
        "timedelta",
        "zoned ticks",
        "complex",
        "complex text",
        "text number",
        "period",
        "string objects",
    }
)
