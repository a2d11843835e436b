"""A whole frame in normal form, slice by slice, and back.

Two tables come of a frame: the one SQL sees (the columns, under names SQL can tell apart) and, where there is a need, the one
beside it, of the same length: the levels of an index that is more than a range, and what columns keep for pandas alone.
"""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from osiris_inspect.runtime import arrow_form, cells, columns, index_form
from osiris_inspect.runtime.arrow_form import ROWS_PER_SLICE
from osiris_inspect.runtime.column import Column

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
        rows: of the frame.
        parts: the columns SQL sees.
        besides: the columns beside them: name, type, encoder and values.
        facts: what restores the frame, as JSON; the facts of its columns are in ``fields``.
        fields: per column its name, types and restoring facts.
        lost: what is known beforehand to be lost, by column.
    """

    rows: int
    parts: tuple[Part, ...]
    besides: tuple[Part, ...]
    facts: Mapping[str, Any]
    fields: tuple[Mapping[str, Any], ...]
    lost: tuple[tuple[str, str], ...] = ()

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
        for start in range(0, self.rows, rows):
            stop = min(start + rows, self.rows)
            beside = _batch(self.besides, self.beside_schema, start, stop) if self.besides else None
            yield _batch(self.parts, self.schema, start, stop), beside

    def fidelity(self) -> list[dict[str, str]]:
        """What cannot be restored. Complete once every slice was taken."""
        found = list(self.lost)
        for part in (*self.parts, *self.besides):
            found += [(part.name, what) for what in sorted(part.column.lost)]
        return [{"column": column, "lost": what} for column, what in dict.fromkeys(found)]


def _batch(parts: Sequence[Part], schema: pa.Schema, start: int, stop: int) -> pa.RecordBatch:
    arrays = [part.column.encode(part.values[start:stop]) for part in parts]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def plan(frame: pd.DataFrame) -> Form:
    """How a pandas frame is kept."""
    names = sql_names(list(frame.columns))
    parts = [
        Part(name, columns.plan(values), values)
        for name, values in zip(names, (_values(frame.iloc[:, place]) for place in range(frame.shape[1])), strict=True)
    ]
    besides = [_beside(part, key) for part in parts for key in part.column.beside]
    index = _Index.of(frame.index)
    labels = index_form.pack(frame.columns)
    attrs, lost_attrs = _attrs(frame.attrs)
    lost = [("", f"names of columns: {what}") for what in labels.lost] + list(index.lost) + lost_attrs
    if type(frame) is not pd.DataFrame:
        lost.append(("", f"the class {type(frame).__module__}.{type(frame).__qualname__}; it is a DataFrame again"))
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
    )


def plan_table(table: pa.Table) -> Form:
    """How an Arrow table is kept: it never becomes a pandas frame on the way."""
    parts, fields = [], []
    for name, field_, column in zip(sql_names(table.column_names), table.schema, table.columns, strict=True):
        part = Part(name, arrow_column(field_.type), column)
        parts.append(part)
        fields.append(_field(part, field_.name, field_.type))
    facts = {"kind": "arrow"}
    return Form(table.num_rows, tuple(parts) or (_no_columns(table.num_rows),), (), facts, tuple(fields))


def arrow_column(kind: pa.DataType) -> Column:
    """How a column of a driver's Arrow table is kept."""
    facts = {"form": "arrow", "type": arrow_form.write_type(kind)}
    return columns.plan_arrow(kind, facts, arrow_form.one_array)


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
    frame.columns = index_form.unpack(facts["columns"])
    frame.attrs = cells.from_json(facts["attrs"])
    return frame if facts["duplicate_labels"] else frame.set_flags(allows_duplicate_labels=False)


def restore_table(form: Mapping[str, Any], rows: int, read: Read) -> pa.Table:
    """The Arrow table a driver gave, in the types it had."""
    arrays = [columns.arrow_values(read(field_["physical"]), field_["facts"]) for field_ in form["fields"]]
    if not arrays:
        return pa.table({NO_COLUMNS: pa.nulls(rows)}).select([])
    return pa.table(arrays, names=[cells.from_json(field_["name"]) for field_ in form["fields"]])


def sql_names(labels: Sequence[Any]) -> list[str]:
    """A name for each column that SQL can tell from the others.

    Text that is no name of an earlier column (SQL does not tell ``a`` from ``A``) stays; anything else is ``c<place>``.
    """
    taken = {label.lower() for label in labels if _is_sql_name(label)}
    seen: set[str] = set()
    names = []
    for place, label in enumerate(labels):
        name = label if _is_sql_name(label) and label.lower() not in seen else _free_name(place, taken)
        seen.add(name.lower())
        taken.add(name.lower())
        names.append(str(name))
    return names


def _is_sql_name(label: Any) -> bool:
    return type(label) is str and bool(label) and label.isprintable() and _is_utf8(label)


def _is_utf8(text: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _free_name(place: int, taken: set[str]) -> str:
    name = f"c{place}"
    while name in taken:
        name += "_"
    return name


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
            packed = index_form.pack(index)
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
            return index_form.unpack(facts)
        levels = []
        for level in facts["levels"]:
            beside = {key: read(name) for key, name in level["beside"].items()}
            levels.append(columns.restore(read(level["physical"]), level["facts"], beside))
        return index_form.join(levels, [cells.from_json(name) for name in facts["names"]], facts)


def plan_any(frame: pd.DataFrame | pa.Table) -> Form:
    """How a frame of pandas or of Arrow is kept."""
    return plan_table(frame) if isinstance(frame, pa.Table) else plan(frame)


def own(frame: pd.DataFrame | pa.Table) -> pd.DataFrame | pa.Table:
    """The frame as the store keeps it: what its driver writes to it later does not reach the store."""
    if isinstance(frame, pa.Table):
        return frame
    return frame.copy(deep=not _COPY_ON_WRITE)


def lend(frame: pd.DataFrame | pa.Table | None) -> pd.DataFrame:
    """The frame for one consumer: what it writes, no other consumer sees."""
    if isinstance(frame, pa.Table):
        return arrow_form.to_frame(frame)
    assert frame is not None  # noqa: S101 - a frame in memory is there
    lent = frame.copy(deep=not _COPY_ON_WRITE)
    for place, dtype in enumerate(frame.dtypes):
        if dtype == object and _has_mutable_cells(frame.iloc[:, place]):
            cells_of = frame.iloc[:, place]
            lent.isetitem(place, pd.Series(_deep_copy(cells_of), index=cells_of.index, dtype=object))
    return lent


def _has_mutable_cells(column: Any) -> bool:
    return not set(map(type, column.array)).isdisjoint(_MUTABLE)


def _deep_copy(column: Any) -> np.ndarray[Any, Any]:
    found = np.empty(len(column), dtype=object)
    found[:] = [copy.deepcopy(cell) if type(cell) in _MUTABLE else cell for cell in column.array]
    return found


_COPY_ON_WRITE = int(pd.__version__.partition(".")[0]) >= 3
_MUTABLE = frozenset({list, dict, set, bytearray, np.ndarray})


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
    return facts["form"] in _OTHER_IN_SQL or facts.get("cells") in ("json", "timedelta") or field_["dtype"] == "float16"


_OTHER_IN_SQL = frozenset(
    {"datetime ticks", "timedelta", "zoned ticks", "complex", "complex text", "text number", "period", "string objects"}
)
