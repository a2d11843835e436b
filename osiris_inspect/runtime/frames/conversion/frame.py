"""Conversion of a whole frame to its normal form, slice by slice, and back.

A frame becomes one or two tables of the same length: the named levels of its index and its columns under their SQL
names, and the hidden columns, if any: unnamed levels of an index that is not a range, and what columns store for
pandas only.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.frames.conversion import arrow_types, cell_json, columns, extension_columns
from osiris_inspect.runtime.frames.conversion.column_names import unique_sql_names
from osiris_inspect.runtime.frames.conversion.column_plan import ColumnPlan
from osiris_inspect.runtime.frames.conversion.frame_plan import (
    FramePlan,
    PlannedColumn,
    field_metadata,
    hidden_column,
)
from osiris_inspect.runtime.frames.conversion.index import (
    frequency,
    index_from_json,
    index_from_levels,
    index_levels,
    index_to_json,
)

ROW_COUNT_COLUMN = "_no_columns"
"""Only column of a frame with rows but no columns, so that SQL can count its rows."""

ReadColumn = Callable[[str], pa.ChunkedArray]


def plan_pandas(frame: pd.DataFrame) -> FramePlan:
    """Return the plan of a pandas frame."""
    series = [column for _, column in frame.items()]
    labels = tuple(frame.columns)
    names, lost_names = index_to_json(frame.columns, columns.plan)
    index_names = [name for name in frame.index.names if name is not None]
    sql_names = unique_sql_names((*labels, *index_names))
    index, lost_attrs = _IndexPlan.build(frame.index, sql_names[len(labels) :]), set[str]()
    attrs = cell_json.cell_to_json(dict(frame.attrs), lost_attrs)
    lost = [f"column names: {loss}" for loss in sorted(lost_names)]
    lost += [f"index: {loss}" for loss in sorted(index.not_restorable)]
    lost += [f"attrs: {loss}" for loss in sorted(lost_attrs)]
    if type(frame) is not pd.DataFrame:
        lost.append(f"class {type(frame).__module__}.{type(frame).__qualname__}; restored as a DataFrame")
    info = {
        "kind": "pandas",
        "columns": names,
        "index": index.info,
        "attrs": attrs,
        "duplicate_labels": bool(frame.flags.allows_duplicate_labels),
    }
    planned_columns = tuple(
        PlannedColumn(name, columns.plan(values), values)
        for name, values in zip(sql_names[: len(labels)], map(_values, series), strict=True)
    )
    fields = (
        *index.fields,
        *(
            field_metadata(planned.name, planned.column, label, planned.values.dtype)
            for planned, label in zip(planned_columns, labels, strict=True)
        ),
    )
    return FramePlan(
        rows=len(frame),
        planned_columns=(*index.named_columns, *planned_columns) or (_row_count_column(len(frame)),),
        index_columns=(*_hidden_columns(planned_columns), *index.columns),
        restore_info=info,
        fields=fields,
        not_restorable=tuple(("", loss) for loss in lost),
        metadata=partial(_pandas_metadata, frame, (*index_names, *labels), fields),
    )


def _pandas_metadata(
    frame: pd.DataFrame, labels: tuple[Any, ...], fields: Sequence[Mapping[str, Any]]
) -> Mapping[bytes, bytes] | None:
    """Return the types for ``pandas.read_parquet``; None if they would be wrong for the normal form."""
    if not fields or any(
        not isinstance(label, str) or label != field_["physical"] or not _is_read_by_pandas(field_["facts"])
        for label, field_ in zip(labels, fields, strict=True)
    ):
        return None
    empty = frame.iloc[:0]
    is_named = None not in frame.index.names
    empty = empty if is_named else empty.reset_index(level=_unnamed_levels(frame.index), drop=True)
    empty.attrs = {}
    preserve = any("index" in field_ for field_ in fields)
    return {b"pandas": pa.Schema.from_pandas(empty, preserve_index=preserve).metadata[b"pandas"]}


def _is_read_by_pandas(info: Mapping[str, Any]) -> bool:
    if info["form"] == "category":
        levels = info["categories"].get("levels")  # an integer range has none
        return bool(levels) and _is_text(levels[0]["facts"])
    return _is_text(info) or info["form"] in ("numpy", "datetime", "masked")


def _is_text(info: Mapping[str, Any]) -> bool:
    return info["form"] == "string" or info.get("cells") == "str"


def plan_table(table: pa.Table) -> FramePlan:
    """Return the plan of an Arrow table, which is never converted to pandas."""
    return _plan_arrow(table.schema, table.columns, table.num_rows)


def plan_stream(schema: pa.Schema, tables: Iterator[pa.Table]) -> FramePlan:
    """Return the plan of consecutive Arrow tables, each of the size of a slice."""
    return replace(_plan_arrow(schema, [None] * len(schema), 0), rows=None, stream=tables)


def _plan_arrow(schema: pa.Schema, values: Sequence[Any], rows: int) -> FramePlan:
    planned_columns = tuple(
        PlannedColumn(name, plan_arrow_column(field_.type), column)
        for name, field_, column in zip(unique_sql_names(schema.names), schema, values, strict=True)
    )
    fields = tuple(
        field_metadata(planned.name, planned.column, field_.name, field_.type)
        for planned, field_ in zip(planned_columns, schema, strict=True)
    )
    hidden = tuple(_hidden_columns(planned_columns))
    return FramePlan(rows, planned_columns or (_row_count_column(rows),), hidden, {"kind": "arrow"}, fields)


def plan_arrow_column(kind: pa.DataType) -> ColumnPlan:
    """Return the plan of a column of a driver's Arrow table."""
    info = {"form": "arrow", "type": arrow_types.type_to_text(kind)}
    return extension_columns.plan_arrow(kind, info, arrow_types.single_array)


def restore_pandas(
    document: Mapping[str, Any], rows: int, read: ReadColumn, read_hidden: ReadColumn
) -> pd.DataFrame:
    """Return the frame described by the ``restore`` entry of ``schema.json``; reads one column at a time."""
    info, fields = document["facts"], document["fields"]
    if info["kind"] == "arrow":
        return arrow_types.table_to_pandas(restore_arrow(document, rows, read, read_hidden))
    index = _IndexPlan.restore(info["index"], read, read_hidden)
    fields = [field_ for field_ in fields if "index" not in field_]
    series = {}
    for position, field_ in enumerate(fields):
        values = _restore_column(field_, read, read_hidden)
        series[position] = pd.Series(values, index=index, dtype=getattr(values, "dtype", None), copy=False)
    frame = pd.DataFrame(series, index=index, copy=False)
    frame.columns = index_from_json(info["columns"], columns.restore)
    frame.attrs = cell_json.cell_from_json(info["attrs"])
    return frame if info["duplicate_labels"] else frame.set_flags(allows_duplicate_labels=False)


def _restore_column(field_: Mapping[str, Any], read: ReadColumn, read_hidden: ReadColumn) -> Any:
    hidden = {key: read_hidden(name) for key, name in field_["beside"].items()}
    return columns.restore(read(field_["physical"]), field_["facts"], hidden)


def restore_arrow(
    document: Mapping[str, Any], rows: int, read: ReadColumn, read_hidden: ReadColumn
) -> pa.Table:
    """Return the driver's Arrow table in its original types.

    Raises:
        DriverError: Arrow cannot restore a type; the message names the column.
    """
    arrays = [_restore_arrow_column(field_, read, read_hidden) for field_ in document["fields"]]
    if not arrays:
        return pa.table({ROW_COUNT_COLUMN: pa.nulls(rows)}).select([])
    return pa.table(arrays, names=[cell_json.cell_from_json(field_["name"]) for field_ in document["fields"]])


def _restore_arrow_column(
    field_: Mapping[str, Any], read: ReadColumn, read_hidden: ReadColumn
) -> pa.ChunkedArray:
    exact = field_["beside"].get("exact")
    array = read_hidden(exact) if exact else read(field_["physical"])
    try:
        return extension_columns.arrow_values(array, field_["facts"])
    except pa.ArrowNotImplementedError as error:
        raise DriverError(
            f"cannot restore column {field_['physical']!r} of type {field_['dtype']} from disk: {error}",
            kind="value-not-convertible",
            fix="cast the column to text or leave it out",
            column=field_["physical"],
            type=field_["dtype"],
        ) from error


def _values(series: Any) -> Any:
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _row_count_column(rows: int) -> PlannedColumn:
    column = ColumnPlan(pa.bool_(), {}, lambda chunk: pa.nulls(len(chunk), pa.bool_()))
    return PlannedColumn(ROW_COUNT_COLUMN, column, range(rows))


def _hidden_columns(planned_columns: Iterable[PlannedColumn]) -> Iterator[PlannedColumn]:
    return (hidden_column(planned, key) for planned in planned_columns for key in planned.column.hidden)


@dataclass(frozen=True, slots=True)
class _IndexPlan:
    """Plan of the row labels: named levels are columns for SQL, unnamed ones hidden columns, or JSON for a range.

    Attributes:
        columns: the hidden columns.
        named_columns: the named levels, and ``fields`` what ``schema.json`` has of them.
    """

    info: Mapping[str, Any]
    columns: tuple[PlannedColumn, ...]
    not_restorable: set[str]
    named_columns: tuple[PlannedColumn, ...] = ()
    fields: tuple[Mapping[str, Any], ...] = ()

    @classmethod
    def build(cls, index: pd.Index, sql_names: Sequence[str]) -> "_IndexPlan":
        """Return the plan of an index whose named levels have these SQL names."""
        if isinstance(index, pd.RangeIndex):
            info, not_restorable = index_to_json(index, columns.plan)
            values = np.arange(index.start, index.stop, index.step)
            named = [PlannedColumn(name, columns.plan(values), values) for name in sql_names]
            fields = [_index_field(planned, 0, index.name, index.dtype) for planned in named]
            return cls(info, (), not_restorable, tuple(named), tuple(fields))
        not_restorable = set[str]()
        hidden, named, levels, fields = [], [], [], []
        unused_names = iter(sql_names)
        for position, level in enumerate(index_levels(index)):
            values = _values(level)
            is_named = index.names[position] is not None
            name = next(unused_names) if is_named else f"index.{position}"
            planned = PlannedColumn(name, columns.plan(values), values)
            hidden += [*([] if is_named else [planned]), *_hidden_columns([planned])]
            levels.append(field_metadata(name, planned.column, None, level.dtype) | {"is_named": is_named})
            if is_named:
                named.append(planned)
                fields.append(_index_field(planned, position, index.names[position], level.dtype))
        info = {
            "kind": "multi" if isinstance(index, pd.MultiIndex) else "flat",
            "names": [cell_json.cell_to_json(name, not_restorable) for name in index.names],
            "levels": levels,
            "freq": frequency(index, not_restorable),
        }
        return cls(info, tuple(hidden), not_restorable, tuple(named), tuple(fields))

    @staticmethod
    def restore(info: Mapping[str, Any], read: ReadColumn, read_hidden: ReadColumn) -> pd.Index:
        if info["kind"] == "range":
            return index_from_json(info, columns.restore)
        levels = [
            _restore_column(level, read if level.get("is_named") else read_hidden, read_hidden)
            for level in info["levels"]
        ]
        names = [cell_json.cell_from_json(name) for name in info["names"]]
        return index_from_levels(levels, names, info)


def _index_field(planned: PlannedColumn, level: int, name: Any, dtype: Any) -> dict[str, Any]:
    return field_metadata(planned.name, planned.column, name, dtype) | {"index": level}


def _unnamed_levels(index: pd.Index) -> list[int]:
    return [position for position, name in enumerate(index.names) if name is None]


def plan_frame(frame: pd.DataFrame | pa.Table) -> FramePlan:
    """Return the plan of a pandas or Arrow frame."""
    return plan_table(frame) if isinstance(frame, pa.Table) else plan_pandas(frame)


def type_downgrades(plan: FramePlan) -> list[dict[str, Any]]:
    """Return the columns that SQL sees in another type, and whether pandas restores them exactly."""
    lost = {item["column"] for item in plan.fidelity_report()}
    return [
        {
            "column": field_["physical"],
            "from": field_["dtype"],
            "to": field_["arrow"],
            "lossless": field_["physical"] not in lost,
        }
        for field_ in plan.fields
        if _is_downgraded(field_) or field_["physical"] in lost
    ]


def _is_downgraded(field_: Mapping[str, Any]) -> bool:
    info = field_["facts"]
    return (
        info["form"] in _OTHER_IN_SQL
        or info.get("cells") in ("json", "exact", "decimal text")
        or field_["dtype"] == "float16"
    )


_OTHER_IN_SQL = frozenset(
    {
        "datetime ticks",
        "zoned ticks",
        "complex",
        "complex text",
        "text number",
        "period",
        "string objects",
    }
)
