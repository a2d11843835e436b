"""Counts of the keys of a join of two inputs, so that a reader of the run sees whether it multiplied or lost rows.

Only a query with one join of two inputs by equal columns, and without a filter, is counted; others are left out.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

MAX_ROWS: Final = 20_000
"""Rows of an input above which nothing is counted: counting would take as long as the join."""
_JOIN_TYPES: Final = frozenset({"INNER", "LEFT", "RIGHT", "OUTER", "FULL"})


@dataclass(frozen=True, slots=True)
class JoinKeys:
    """Two tables and the pairs of columns that must be equal."""

    left: str
    right: str
    pairs: tuple[tuple[str, str], ...]


def count_join(connection: Any, query: str, rows: Mapping[str, int]) -> dict[str, int] | None:
    """Return the counts of the join of a query; None if it has no such join or its inputs are too large.

    ``rows`` holds the rows of each input by its table names in lower case.
    """
    if max(rows.values(), default=0) > MAX_ROWS or len(rows) < 2:
        return None
    (tree,) = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    keys = find_join(json.loads(tree))
    if keys is None or keys.left not in rows or keys.right not in rows:
        return None
    left_duplicates, right_duplicates, matched, right_matched = connection.execute(
        _statement(keys)
    ).fetchone()
    return {
        "left_rows": rows[keys.left],
        "right_rows": rows[keys.right],
        "matched": int(matched or 0),
        "right_matched": int(right_matched or 0),
        "left_duplicates": int(left_duplicates or 0),
        "right_duplicates": int(right_duplicates or 0),
    }


def find_join(tree: Mapping[str, Any]) -> JoinKeys | None:
    """Return the only join in DuckDB's tree of a query; None if there is none that can be counted."""
    nodes = list(_nodes(tree))
    joins = [node for node in nodes if node.get("type") == "JOIN"]
    has_filter = any(node.get("where_clause") or node.get("qualify") for node in nodes)
    if len(joins) != 1 or has_filter:
        return None
    join = joins[0]
    is_plain = join.get("ref_type") == "REGULAR" and join.get("join_type") in _JOIN_TYPES
    left, right = (join.get(side) or {} for side in ("left", "right"))
    if not is_plain or left.get("type") != "BASE_TABLE" or right.get("type") != "BASE_TABLE":
        return None
    pairs = _pairs(join, left, right)
    names = [str(table["table_name"]).lower() for table in (left, right)]
    return JoinKeys(names[0], names[1], pairs) if pairs and names[0] != names[1] else None


def _nodes(node: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(node, list):
        for item in node:
            yield from _nodes(item)
    elif isinstance(node, Mapping):
        yield node
        for item in node.values():
            yield from _nodes(item)


def _pairs(
    join: Mapping[str, Any], left: Mapping[str, Any], right: Mapping[str, Any]
) -> tuple[tuple[str, str], ...]:
    """Return the columns that must be equal; empty if the condition has anything else."""
    if join.get("using_columns"):
        return tuple((str(name), str(name)) for name in join["using_columns"])
    condition = join.get("condition") or {}
    is_conjunction = condition.get("type") == "CONJUNCTION_AND"
    pairs = [_pair(part, left, right) for part in (condition["children"] if is_conjunction else [condition])]
    return tuple(pair for pair in pairs if pair is not None) if None not in pairs else ()


def _pair(
    comparison: Mapping[str, Any], left: Mapping[str, Any], right: Mapping[str, Any]
) -> tuple[str, str] | None:
    if comparison.get("type") != "COMPARE_EQUAL":
        return None
    columns: dict[str, str] = {}
    for side in ("left", "right"):
        names = list(map(str, (comparison.get(side) or {}).get("column_names") or ()))
        if len(names) != 2:
            return None
        for table, node in (("left", left), ("right", right)):
            if names[0].lower() == str(node.get("alias") or node["table_name"]).lower():
                columns[table] = names[1]
    return (columns["left"], columns["right"]) if len(columns) == 2 else None


def _statement(keys: JoinKeys) -> str:
    left = [_identifier(pair[0]) for pair in keys.pairs]
    right = [_identifier(pair[1]) for pair in keys.pairs]
    names = [f"k{number}" for number in range(len(keys.pairs))]
    equal = " AND ".join(f"l.{name} = r.{name}" for name in names)
    return (
        "SELECT sum(l.n - 1), sum(r.n - 1), sum(l.n) FILTER (r.n > 0), sum(r.n) FILTER (l.n > 0) "  # noqa: S608  all are quoted
        f"FROM ({_grouped(keys.left, left, names)}) l FULL JOIN ({_grouped(keys.right, right, names)}) r ON {equal}"
    )


def _grouped(table: str, columns: list[str], names: list[str]) -> str:
    selected = ", ".join(f"{column} AS {name}" for column, name in zip(columns, names, strict=True))
    known = " AND ".join(f"{column} IS NOT NULL" for column in columns)
    return f"SELECT {selected}, count(*) AS n FROM {_identifier(table)} WHERE {known} GROUP BY ALL"  # noqa: S608  all are quoted


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
