"""Tables of a run and results of queries, as pandas, Arrow and in a notebook."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING, Generic, TypeVar, overload

from osiris_inspect.inspector.text.sanitize import one_line

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    from osiris_inspect.inspector.run.report import Report


Item_co = TypeVar("Item_co", covariant=True)


MAX_SHOWN_ROWS = 20
_MAX_SHOWN_CELL = 200
_SHOWN_COLUMNS = {
    "steps": ("step", "driver", "status", "rows_in", "rows_out", "duration_s", "storage"),
    "findings": ("severity", "confidence", "rule", "step", "message", "fix", "file", "line"),
    "events": ("line", "ts", "event", "step", "rows", "duration_s", "error", "fields"),
}
"""The columns that a notebook shows of a table; ``to_pandas`` returns all."""
_LEFT = 'style="text-align:left;vertical-align:top"'
_RIGHT = 'style="text-align:right;vertical-align:top;white-space:nowrap"'
_ANYWHERE = 'style="text-align:left;vertical-align:top;overflow-wrap:anywhere"'
PRE = '<pre style="font-family:monospace">'


class Table(Sequence[Item_co], Generic[Item_co]):
    """Rows of a run: a sequence of its items that also converts to pandas and Arrow."""

    def __init__(self, name: str, items: Sequence[Item_co], report: "Report") -> None:
        self._name, self._items, self._report = name, items, report

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> Item_co: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item_co]: ...
    def __getitem__(self, index: int | slice) -> Item_co | Sequence[Item_co]:
        return self._items[index]

    def to_arrow(self) -> "pa.Table":
        """Return one row an item, with the columns that ``sql`` has; times are UTC, nested fields JSON text."""
        import pyarrow as pa

        from osiris_inspect.inspector.tables.table_rows import schema, table_rows, to_arrow_batches

        batches = to_arrow_batches(self._name, table_rows(self._report, self._name))
        return pa.concat_tables([schema(self._name).empty_table(), *batches])

    def to_pandas(self) -> "pd.DataFrame":
        """Return ``to_arrow()`` as a DataFrame."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"<{self._name}: {len(self):,} rows>"

    def _repr_html_(self) -> str:
        shown = self.to_arrow().slice(0, MAX_SHOWN_ROWS)
        columns = _SHOWN_COLUMNS.get(self._name)
        if columns is not None:
            shown = shown.select([name for name in columns if shown[name].null_count < shown.num_rows])
        return html_table(shown, len(self))


class QueryResult:
    """The rows that a query returned, with the masked cells that ``osiris-inspect sql`` prints."""

    def __init__(self, table: "pa.Table") -> None:
        self._table = table

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._table.column_names)

    def to_arrow(self) -> "pa.Table":
        """Return the rows as an Arrow table."""
        return self._table

    def to_pandas(self) -> "pd.DataFrame":
        """Return the rows as a DataFrame."""
        frame: pd.DataFrame = self._table.to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"<query result: {len(self):,} rows, {len(self.columns)} columns>"

    def _repr_html_(self) -> str:
        return html_table(self._table.slice(0, MAX_SHOWN_ROWS), len(self))


def html_table(table: "pa.Table", total: int) -> str:
    """Return rows as escaped HTML; ``total`` is the number of all rows."""
    styles = [_style(field) for field in table.schema]
    head = "".join(
        f"<th {style}>{escape(one_line(name))}</th>"
        for name, style in zip(table.column_names, styles, strict=True)
    )
    cells = [
        [f"<td {style}>{escape(_cell(name, value))}</td>" for value in table[number].to_pylist()]
        for number, (name, style) in enumerate(zip(table.column_names, styles, strict=True))
    ]
    body = "".join(f"<tr>{''.join(row)}</tr>" for row in zip(*cells, strict=True))
    more = f"<p>{table.num_rows} of {total:,} rows</p>" if total > table.num_rows else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"


def _style(field: "pa.Field") -> str:
    from pyarrow import types

    if types.is_integer(field.type) or types.is_floating(field.type) or types.is_decimal(field.type):
        return _RIGHT
    return _ANYWHERE if field.name in ("fields", "error") else _LEFT


def _cell(name: str, value: object) -> str:
    from osiris_inspect.model.redaction import MASK, is_secret_key

    if value is None:
        return ""
    if is_secret_key(name):
        return MASK
    if name == "duration_s" and isinstance(value, float):
        return f"{value:.3f}"
    if isinstance(value, datetime) and value.microsecond % 1000 == 0:
        return value.isoformat(" ", "milliseconds")
    text = one_line(str(value))
    return text if len(text) <= _MAX_SHOWN_CELL else f"{text[:_MAX_SHOWN_CELL]}…"
