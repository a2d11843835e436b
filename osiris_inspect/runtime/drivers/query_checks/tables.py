"""The tables that one SELECT reads, and which of their columns a condition names."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

import pyarrow as pa

from osiris_inspect.runtime.drivers.query_checks.tree import (
    STAR,
    Execute,
    Node,
    Select,
    as_node,
    render_query,
    select_from,
    walk,
)

MAX_ROWS: Final = 100_000
"""Rows of an input above which it is not read again."""
T = TypeVar("T")
Check = dict[str, Any]
"""One mistake: ``check`` is its kind, and the rest its facts."""
Columns = Mapping[str, str]
"""The type of each column by its name in lower case."""


class Attempt(Protocol):
    """Returns what a check yields; nothing if a part of the query cannot run alone."""

    def __call__(self, values: Iterable[T], /) -> list[T]:
        """Collect the values."""


@dataclass(frozen=True, slots=True)
class Database:
    """The connection on which the query ran, and its inputs.

    Attributes:
        execute: runs a statement and returns its rows.
        describe: returns the names and types of the columns of a query.
        read: returns the rows of a query.
        read_columns: returns columns of an input.
        input_columns: the columns of each input in memory by its table names in lower case.
        rows: the rows of each input by its table names in lower case.
        attempt: returns what a check yields; nothing if a part of the query cannot run alone.
    """

    execute: Execute
    describe: Callable[[str], list[tuple[str, str]]]
    read: Callable[[str], pa.Table]
    read_columns: Callable[[str, Sequence[str]], pa.Table]
    input_columns: Mapping[str, Columns]
    rows: Mapping[str, int]
    attempt: Attempt


@dataclass(frozen=True, slots=True)
class QueryTable:
    """One table in FROM.

    Attributes:
        name: its alias, else its name, in lower case.
        label: its name as the query has it.
        reference: its node.
        columns: its columns in order.
        is_input: it is an input of the step, not a subquery or an expression of WITH.
    """

    name: str
    label: str
    reference: Node
    columns: Columns
    is_input: bool


def read_table(database: Database, reference: Node, select: Select) -> QueryTable | None:
    """Return a table in FROM; None if it cannot be read again at a low cost."""
    if not _is_cheap(database, reference, select):
        return None
    label = str(reference.get("alias") or reference.get("table_name") or "")
    source = str(reference.get("table_name") or "").lower()
    is_input = bool(source) and source not in _bodies(select)
    if is_input and source in database.input_columns:
        columns = database.input_columns[source]
    else:
        query = render_query(database.execute, select_from(reference, select.ctes, [STAR], []))
        columns = {name.lower(): kind for name, kind in database.describe(query)}
    return QueryTable(label.lower(), label, reference, columns, is_input)


def _bodies(select: Select) -> dict[str, Node]:
    return {
        str(entry["key"]).lower(): as_node(as_node(entry["value"]).get("query_node")) for entry in select.ctes
    }


def _is_cheap(database: Database, reference: Node, select: Select) -> bool:
    """Return True if a table reads inputs of moderate size, without a join."""
    bodies = _bodies(select)
    open_names: list[Node] = [reference]
    for _ in range(20):
        if not open_names:
            return True
        for node in list(walk(open_names.pop())):
            kind = node.get("type")
            if kind in ("JOIN", "TABLE_FUNCTION", "RECURSIVE_CTE_NODE", "WINDOW_AGGREGATE"):
                return False
            if kind != "BASE_TABLE":
                continue
            name = str(node.get("table_name") or "").lower()
            if name in bodies:
                open_names.append(bodies.pop(name))
            elif name not in database.rows or database.rows[name] > MAX_ROWS:
                return False
    return False


def columns_in(node: Node) -> Iterator[tuple[str, str]]:
    """Yield the columns that an expression names: the table in lower case or nothing, and the name."""
    for part in walk(node):
        if part.get("class") == "COLUMN_REF":
            names = [str(name).lower() for name in part.get("column_names", ())]
            yield (names[-2] if len(names) > 1 else "", names[-1])


def table_of(node: Node, tables: Mapping[str, QueryTable]) -> str | None:
    """Return the only table whose columns an expression names; None if there are several, none or unknown ones."""
    found = set()
    for part in walk(node):
        if part.get("class") in ("SUBQUERY", "STAR", "WINDOW", "LAMBDA"):
            return None
    for table, column in columns_in(node):
        owners = [name for name, one in tables.items() if column in one.columns and table in ("", name)]
        if len(owners) != 1:
            return None
        found.add(owners[0])
    return found.pop() if len(found) == 1 else None
