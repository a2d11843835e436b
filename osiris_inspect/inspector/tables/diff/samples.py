"""Samples of the rows that differ, secrets masked."""

from collections.abc import Sequence
from typing import Literal

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.inspector.run.comparison.frame_changes import RowChange
from osiris_inspect.inspector.tables.diff.expressions import DIFFERS, SharedColumn, row_hash
from osiris_inspect.inspector.tables.diff.frame_pair import FramePair, Side, texts


def changed_rows(pair: FramePair, query: str, key: Sequence[SharedColumn]) -> list[RowChange]:
    """Return the pairs of rows of a query, whose columns are ``__n``, the codes of the cells, and the values of both sides.

    Without a key a row is named by its position.
    """
    columns = pair.columns
    table = pair.table(query)
    width = len(columns)
    numbers = table.column(0).to_pylist()
    flags = [table.column(1 + at).to_pylist() for at in range(width)]
    before, after = (
        [texts(column.name, table.column(1 + width * part + at)) for at, column in enumerate(columns)]
        for part in (1, 2)
    )
    return [
        RowChange(
            "changed",
            0 if key else numbers[row] + 1,
            {column.name: before[at][row] for at, column in enumerate(columns) if column in key},
            {
                column.name: (before[at][row], after[at][row])
                for at, column in enumerate(columns)
                if flags[at][row] == DIFFERS
            },
        )
        for row in range(table.num_rows)
    ]


def one_sided_rows(
    pair: FramePair, kind: Literal["added", "removed"], side: Side, key: Sequence[SharedColumn], limit: int
) -> list[RowChange]:
    """Return the first rows of the table ``found`` that only one frame has, or has more often."""
    if limit <= 0:
        return []
    number = 1 if kind == "added" else 2
    names = ", ".join(quote_name(name) for name in pair.types[side])
    table = pair.table(
        f"SELECT times, * EXCLUDE (times, __at, __k) FROM (SELECT found.times, file_row_number AS __at, {row_hash(key, side)} AS __k, "
        f"{names} FROM {side}_rows AS {side} JOIN (SELECT * FROM found WHERE kind = {number}) AS found ON found.k = {row_hash(key, side)}) "
        f"QUALIFY row_number() OVER (PARTITION BY __k ORDER BY __at) = 1 ORDER BY __at LIMIT {limit}"
    )
    times = table.column(0).to_pylist()
    columns = {name: texts(name, table.column(1 + at)) for at, name in enumerate(pair.types[side])}
    return [
        RowChange(kind, key={name: cells[row] for name, cells in columns.items()}, count=times[row])
        for row in range(table.num_rows)
    ]
