"""Unions that put values into the wrong columns, because they join by position, or that leave out rows."""

import re
from collections.abc import Iterator
from typing import Any, Final

from osiris_inspect.base.sql_literals import quote_name
from osiris_inspect.runtime.drivers.query_checks.joins import read_tables
from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    ctes_of,
    render_query,
    walk,
)

MIN_COLUMNS: Final = 4
"""A shorter list of columns may be meant as a list of different values."""
MIN_SHARED: Final = 3
MAX_KEYS: Final = 3
_KEY: Final = re.compile(r"(?:.{1,40}_)?(?:id|no|nr|number|key|uuid|guid|code)")
_IDS: Final = frozenset({"id", "uuid", "guid", "pk", "row_id"})


def find_swapped_columns(database: Database, tree: Node) -> Iterator[dict[str, Any]]:
    """Yield each union, difference or intersection of queries with the same columns in another order."""
    for union in walk(tree):
        if union.get("type") != "SET_OPERATION_NODE" or union.get("setop_type") == "UNION_BY_NAME":
            continue
        children = [as_node(child) for child in union.get("children", ())]
        first, *others = [_names(database, tree, union, child) for child in children]
        for names in others:
            swapped = [
                (one, other) for one, other in zip(first, names, strict=False) if one.lower() != other.lower()
            ]
            if swapped and sorted(map(str.lower, first)) == sorted(map(str.lower, names)):
                yield {
                    "check": "union-columns-swapped",
                    "into": [one for one, _ in swapped],
                    "values_of": [other for _, other in swapped],
                }
                break


def _names(database: Database, tree: Node, union: Node, child: Node) -> list[str]:
    """Return the names of the columns of one part of a union."""
    columns = [as_node(column) for column in child.get("select_list", ())]
    if columns and all(column.get("alias") or column.get("class") == "COLUMN_REF" for column in columns):
        return [str(column.get("alias") or column["column_names"][-1]) for column in columns]
    outer = ctes_of(tree) if tree is not union else []
    ctes = [*outer, *ctes_of(union), *ctes_of(child)]
    query = render_query(database.execute, {**child, "cte_map": {"map": ctes}})
    return [name for name, _ in database.describe(query)]


def find_removed_rows(database: Database, tree: Node) -> Iterator[dict[str, Any]]:
    """Yield each UNION without ALL that leaves out equal rows of one input of which it takes all columns.

    Equal rows with an id of their own are the same record.
    """
    for union in walk(tree):
        if union.get("type") != "SET_OPERATION_NODE" or union.get("setop_type") != "UNION":
            continue
        if union.get("setop_all"):
            continue
        outer = ctes_of(tree) if tree is not union else []
        for child in map(as_node, union.get("children", ())):
            select = Select(child, (*outer, *ctes_of(union), *ctes_of(child)))
            tables = list(read_tables(database, select)) if child.get("type") == "SELECT_NODE" else []
            if (
                len(tables) != 1
                or not _takes_all_columns(child, tables[0])
                or tables[0].columns.keys() & _IDS
            ):
                continue
            query = render_query(database.execute, {**child, "cte_map": {"map": list(select.ctes)}})
            ((rows, kept),) = database.execute(
                f"SELECT (SELECT count(*) FROM ({query})), (SELECT count(*) FROM (SELECT DISTINCT * FROM ({query})))",  # noqa: S608  rendered
                [],
            )
            if kept < rows:
                label = tables[0].label
                yield {"check": "union-removes-rows", "table": label, "rows": rows, "removed": rows - kept}
                break


def find_shared_keys(database: Database, tree: Node) -> Iterator[dict[str, Any]]:
    """Yield each UNION ALL of two inputs with equal rows, if a column is different in each row of both inputs."""
    for union in walk(tree):
        if union.get("type") != "SET_OPERATION_NODE" or union.get("setop_type") != "UNION":
            continue
        children = [as_node(child) for child in union.get("children", ())]
        if not union.get("setop_all") or len(children) != 2 or tree is not union:
            continue
        selects = [Select(child, (*ctes_of(union), *ctes_of(child))) for child in children]
        tables = [
            list(read_tables(database, one)) for one in selects if one.node.get("type") == "SELECT_NODE"
        ]
        if len(tables) != 2 or any(len(one) != 1 or not one[0].is_input for one in tables):
            continue
        if not all(_takes_all_columns(child, one[0]) for child, one in zip(children, tables, strict=True)):
            continue
        first, second = (
            render_query(database.execute, {**one.node, "cte_map": {"map": list(one.ctes)}})
            for one in selects
        )
        for key in [name for name in tables[0][0].columns if _KEY.fullmatch(name)][:MAX_KEYS]:
            quoted = quote_name(key)
            ((left, left_keys), (right, right_keys)) = (
                database.execute(f"SELECT count(*), count(DISTINCT {quoted}) FROM ({query})", [])[0]  # noqa: S608  rendered
                for query in (first, second)
            )
            if (left, right) != (left_keys, right_keys):
                continue
            ((shared,),) = database.execute(
                f"SELECT count(*) FROM (SELECT * FROM ({first}) INTERSECT SELECT * FROM ({second}))",  # noqa: S608  rendered
                [],
            )
            if MIN_SHARED <= shared < min(left, right):
                labels = [one[0].label for one in tables]
                rows = left + right
                yield {
                    "check": "union-repeats-rows", "table": labels[0], "partner": labels[1], "column": key,
                    "repeated": shared, "rows": rows,
                }  # fmt: skip
                break


def _takes_all_columns(child: Node, table: QueryTable) -> bool:
    """Return True for ``SELECT *`` of several columns, and for a list of all columns of a wide table."""
    if any(child.get(part) for part in ("group_expressions", "having", "qualify", "modifiers", "sample")):
        return False
    columns = [as_node(column) for column in child.get("select_list", ())]
    if len(columns) == 1 and columns[0].get("class") == "STAR":
        return len(table.columns) > 1
    names = {
        name for column in columns if column.get("class") == "COLUMN_REF" for _, name in columns_in(column)
    }
    return len(names) >= MIN_COLUMNS and names == table.columns.keys()
