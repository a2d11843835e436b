"""Unions that put values into the wrong columns: they join by position, and the names are in another order."""

from collections.abc import Iterator
from typing import Any

from osiris_inspect.runtime.drivers.query_checks.tables import Database
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    as_node,
    ctes_of,
    render_query,
    walk,
)


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
