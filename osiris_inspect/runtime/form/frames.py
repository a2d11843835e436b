"""A whole frame in normal form, slice by slice, and back.

Two tables come of a frame: the one SQL sees (the columns, under names SQL can tell apart) and, where there is a need, the one
beside it, of the same length: the levels of an index that is more than a range, and what columns keep for pandas alone.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime.form import arrow_form, cells, columns, extension_columns, index_form
from osiris_inspect.runtime.form.arrow_form import ROWS_PER_SLICE
from osiris_inspect.runtime.form.column import Column
from osiris_inspect.runtime.form.sql_names import sql_names

NO_COLUMNS = "_no_columns"
"""The one column of a frame that has rows and no columns, so that its rows can be counted in SQL."""

Read = Callable[[str], pa.ChunkedArray]


@dataclass(frozen=True, slots=True)
class Part:
    """A column under the name it has in a table, and the values it is taken from."""

    name: str
    column: Column
    values: Any


@dataclass(frozen=True, slots=True)
class Form:
    """How a frame is kept.

    Attributes:
        rows: of the frame; None for a stream, whose end is not known.
        parts: the columns SQL sees.
        besides: the columns beside them: name, type, encoder and values.
        facts: what restores the frame, as JSON; the facts of its columns are in ``fields``.
        fields: per column its name, types and restoring facts.
        lost: what is known beforehand to be lost, by column.
        stream: where the slices come from, once, if there is no frame to cut.
        metadata: what ``pandas.read_parquet`` reads the types from; None where our form would mislead it.
    """

    rows: int | None
    parts: tuple[Part, ...]
    besides: tuple[Part, ...]
    facts: Mapping[str, Any]
    fields: tuple[Mapping[str, Any], ...]
    lost: tuple[tuple[str, str], ...] = ()
    stream: Iterator[pa.Table] | None = None
    metadata: Mapping[bytes, bytes] | None = None

    @property
    def schema(self) -> pa.Schema:
        """The columns SQL sees."""
        return pa.schema([pa.field(part.name, part.column.type) for part in self.parts])

    @property
    def beside_schema(self) -> pa.Schema:
        """The columns beside them; empty for most frames."""
        return pa.schema([pa.field(part.name, part.column.type) for part in self.besides])

    def slices(self, rows: int = ROWS_PER_SLICE) -> Iterator[tuple[pa.RecordBatch, pa.RecordBatch | None]]:
        """The frame in normal form, ``rows`` at a time; the second of each pair is None where nothing is beside."""
        if self.stream is not None:
            for table in self.stream:
                yield _batch(self.parts, self.schema, table.columns or [range(table.num_rows)]), None
            return
        for start in range(0, self.rows or 0, rows):
            cut = slice(start, min(start + rows, self.rows or 0))
            beside = _cut(self.besides, self.beside_schema, cut) if self.besides else None
            yield _cut(self.parts, self.schema, cut), beside

    def fidelity(self) -> list[dict[str, str]]:
        """What cannot be restored. Complete once every slice was taken."""
        found = list(self.lost)
        for part in (*self.parts, *self.besides):
            found += [(part.name, what) for what in sorted(part.column.lost)]
        return [{"column": column, "lost": what} for column, what in dict.fromkeys(found)]


def _cut(parts: Sequence[Part], schema: pa.Schema, cut: slice) -> pa.RecordBatch:
    return _batch(parts, schema, [part.values[cut] for part in parts])


def _batch(parts: Sequence[Part], schema: pa.Schema, values: Sequence[Any]) -> pa.RecordBatch:
    arrays = [part.column.encode(some) for part, some in zip(parts, values, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def plan(frame: pd.DataFrame) -> Form:
    """How a pandas frame is kept."""
    names = sql_names(list(frame.columns))
    parts = [
        Part(name, columns.plan(values), values)
        for name, values in zip(
            names, (_values(frame.iloc[:, place]) for place in range(frame.shape[1])), strict=True
        )
    ]
    besides = [_beside(part, key) for part in parts for key in part.column.beside]
    index = _Index.of(frame.index)
    labels = index_form.pack(frame.columns, columns.plan)
    attrs, lost_attrs = _attrs(frame.attrs)
    lost = [("", f"names of columns: {what}") for what in labels.lost] + list(index.lost) + lost_attrs
    if type(frame) is not pd.DataFrame:
        lost.append(
            ("", f"the class {type(frame).__module__}.{type(frame).__qualname__}; it is a DataFrame again")
        )
    facts = {
        "kind": "pandas",
        "columns": labels.facts,
        "index": index.facts,
        "attrs": attrs,
        "duplicate_labels": bool(frame.flags.allows_duplicate_labels),
    }
    fields = [
        _field(part, label, frame.dtypes.iloc[place])
        for place, (part, label) in enumerate(zip(parts, frame.columns, strict=True))
    ]
    return Form(
        rows=len(frame),
        parts=tuple(parts) or (_no_columns(len(frame)),),
        besides=(*besides, *index.parts),
        facts=facts,
        fields=tuple(fields),
        lost=tuple(lost),
        metadata=_metadata(frame, parts),
    )


def _metadata(frame: pd.DataFrame, parts: Sequence[Part]) -> Mapping[bytes, bytes] | None:
    is_plain = all(_is_read_by_pandas(part.column.facts) for part in parts)
    if not (is_plain and parts and [part.name for part in parts] == list(frame.columns)):
        return None
    empty = frame.iloc[:0].reset_index(drop=True)
    empty.attrs = {}
    found: Mapping[bytes, bytes] = pa.Schema.from_pandas(empty, preserve_index=False).metadata
    return {b"pandas": found[b"pandas"]}


def _is_read_by_pandas(facts: Mapping[str, Any]) -> bool:
    if facts["form"] == "category":
        levels = facts["categories"].get("levels")  # a range of numbers has none
        return bool(levels) and _is_text(levels[0]["facts"])
    return _is_text(facts) or facts["form"] in ("numpy", "datetime", "masked")


def _is_text(facts: Mapping[str, Any]) -> bool:
    return facts["form"] == "string" or facts.get("cells") == "str"


def plan_table(table: pa.Table) -> Form:
    """How an Arrow table is kept: it never becomes a pandas frame on the way."""
    return _plan_arrow(table.schema, table.columns, table.num_rows)


def plan_stream(schema: pa.Schema, tables: Iterator[pa.Table]) -> Form:
    """How Arrow tables that come one after the other are kept; all but the last hold ``ROWS_PER_SLICE`` rows."""
    return replace(_plan_arrow(schema, [None] * len(schema), 0), rows=None, stream=tables)


def _plan_arrow(schema: pa.Schema, values: Sequence[Any], rows: int) -> Form:
    parts = tuple(
        Part(name, arrow_column(field_.type), some)
        for name, field_, some in zip(sql_names(schema.names), schema, values, strict=True)
    )
    fields = tuple(_field(part, field_.name, field_.type) for part, field_ in zip(parts, schema, strict=True))
    return Form(rows, parts or (_no_columns(rows),), (), {"kind": "arrow"}, fields)


def arrow_column(kind: pa.DataType) -> Column:
    """How a column of a driver's Arrow table is kept."""
    facts = {"form": "arrow", "type": arrow_form.write_type(kind)}
    return extension_columns.plan_arrow(kind, facts, arrow_form.one_array)


def restore(form: Mapping[str, Any], rows: int, read: Read, read_beside: Read) -> pd.DataFrame:
    """The frame of which ``form`` holds ``facts`` and ``fields``; columns are read one at a time."""
    facts, fields = form["facts"], form["fields"]
    if facts["kind"] == "arrow":
        return arrow_form.to_frame(restore_table(form, rows, read))
    index = _Index.restore(facts["index"], read_beside)
    series = {}
    for place, field_ in enumerate(fields):
        beside = {key: read_beside(name) for key, name in field_["beside"].items()}
        values = columns.restore(read(field_["physical"]), field_["facts"], beside)
        series[place] = pd.Series(values, index=index, dtype=getattr(values, "dtype", None), copy=False)
    frame = pd.DataFrame(series, index=index, copy=False)
    frame.columns = index_form.unpack(facts["columns"], columns.restore)
    frame.attrs = cells.from_json(facts["attrs"])
    return frame if facts["duplicate_labels"] else frame.set_flags(allows_duplicate_labels=False)


def restore_table(form: Mapping[str, Any], rows: int, read: Read) -> pa.Table:
    """The Arrow table a driver gave, in the types it had."""
    arrays = [
        extension_columns.arrow_values(read(field_["physical"]), field_["facts"]) for field_ in form["fields"]
    ]
    if not arrays:
        return pa.table({NO_COLUMNS: pa.nulls(rows)}).select([])
    return pa.table(arrays, names=[cells.from_json(field_["name"]) for field_ in form["fields"]])


def _values(series: Any) -> Any:
    return series.to_numpy() if isinstance(series.dtype, np.dtype) else series.array


def _field(part: Part, label: Any, dtype: Any) -> dict[str, Any]:
    return {
        "name": cells.to_json(label, set()),
        "name_type": type(label).__name__,
        "physical": part.name,
        "dtype": str(dtype),
        "arrow": str(part.column.type),
        "facts": dict(part.column.facts),
        "beside": {key: f"{part.name}.{key}" for key in part.column.beside},
    }


def _beside(part: Part, key: str) -> Part:
    kind, encode = part.column.beside[key]
    return Part(f"{part.name}.{key}", Column(kind, {}, encode), part.values)


def _no_columns(rows: int) -> Part:
    return Part(NO_COLUMNS, Column(pa.bool_(), {}, lambda part: pa.nulls(len(part), pa.bool_())), range(rows))


def _attrs(attrs: Mapping[Any, Any]) -> tuple[Any, list[tuple[str, str]]]:
    lost: set[str] = set()
    kept = cells.to_json(dict(attrs), lost)
    return kept, [("", f"attrs: {what}") for what in sorted(lost)]


@dataclass(frozen=True, slots=True)
class _Index:
    """The rows' labels: a range is a fact, anything else is kept beside the columns."""

    facts: Mapping[str, Any]
    parts: tuple[Part, ...] = ()
    lost: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(cls, index: pd.Index) -> "_Index":
        if isinstance(index, pd.RangeIndex):
            packed = index_form.pack(index, columns.plan)
            return cls(packed.facts, lost=tuple(("", f"index: {what}") for what in packed.lost))
        lost: set[str] = set()
        parts, levels = [], []
        for place, level in enumerate(index_form.levels_of(index)):
            values = _values(level)
            part = Part(f"index.{place}", columns.plan(values), values)
            parts += [part, *(_beside(part, key) for key in part.column.beside)]
            levels.append(_field(part, None, level.dtype))
        facts = {
            "kind": "multi" if isinstance(index, pd.MultiIndex) else "flat",
            "names": [cells.to_json(name, lost) for name in index.names],
            "levels": levels,
            "freq": index_form.frequency(index, lost),
        }
        return cls(facts, tuple(parts), tuple(("", f"index: {what}") for what in sorted(lost)))

    @staticmethod
    def restore(facts: Mapping[str, Any], read: Read) -> pd.Index:
        if facts["kind"] == "range":
            return index_form.unpack(facts, columns.restore)
        levels = []
        for level in facts["levels"]:
            beside = {key: read(name) for key, name in level["beside"].items()}
            levels.append(columns.restore(read(level["physical"]), level["facts"], beside))
        return index_form.join(levels, [cells.from_json(name) for name in facts["names"]], facts)


def plan_any(frame: pd.DataFrame | pa.Table) -> Form:
    """How a frame of pandas or of Arrow is kept."""
    return plan_table(frame) if isinstance(frame, pa.Table) else plan(frame)


def downgrades(form: Form) -> list[dict[str, Any]]:
    """The columns SQL sees in another type than pandas, and whether pandas gets them back exactly."""
    lost = {item["column"] for item in form.fidelity()}
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
        or facts.get("cells") in ("json", "timedelta")
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
