"""Conversions that lose values: TRY_CAST and try_strptime return NULL, and whole numbers lose fractions."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    call_arguments,
    conjuncts,
    render_query,
    select_from,
    walk,
)

MIN_LOST: Final = 3
MIN_SHARE: Final = 0.2
MAX_CONVERSIONS: Final = 10
_PLACEHOLDERS: Final = ("", "-", "--", ".", "?", "n/a", "na", "null", "none", "nan", "unknown")
_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT"})
_FRACTIONAL: Final = frozenset({"DOUBLE", "FLOAT", "DECIMAL"})
_CHOOSES: Final = frozenset({"CASE_EXPR", "OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL"})


def find_lost_values(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each conversion in the SELECT list that makes NULL of many values; a placeholder is not a value."""
    conditions = conjuncts(as_node(select.node.get("where_clause")))
    found = (pair for column in select.node.get("select_list", ()) for pair in _conversions(column))
    for _, (result, value) in zip(range(MAX_CONVERSIONS), found, strict=False):
        owner = table_of(value, tables)
        if owner is None:
            continue
        filters = [part for part in conditions if table_of(part, tables) == owner]
        query = render_query(
            database.execute, select_from(tables[owner].reference, select.ctes, [value, result], filters)
        )
        ((values, lost),) = database.execute(
            f"SELECT count(*), count(*) - count(k1) FROM ({query}) WHERE NOT list_contains(?, lower(trim(k0::VARCHAR)))",  # noqa: S608  rendered
            [list(_PLACEHOLDERS)],
        )
        if lost >= max(MIN_LOST, MIN_SHARE * values):
            column = next(name for _, name in columns_in(value))
            yield {"check": "values-lost", "column": column, "values": values, "lost": lost}


def find_cut_fractions(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each product or sum of a column with fractions that is converted to whole numbers before."""
    seen: set[str] = set()
    for part in walk(select.node.get("select_list", ())):
        if part.get("function_name") not in ("*", "sum", "avg"):
            continue
        for argument in call_arguments(part):
            column = as_node(argument.get("child"))
            cast_type, type_name = as_node(argument.get("cast_type")), as_node(argument.get("type_expr"))
            kind = str(cast_type.get("id") or type_name.get("type_name")).upper()
            owner = table_of(column, tables)
            if argument.get("type") != "OPERATOR_CAST" or kind not in _WHOLE or owner is None:
                continue
            name = next(name for _, name in columns_in(column))
            number = tables[owner].columns[name].upper().split("(")[0]
            if column.get("class") != "COLUMN_REF" or number not in _FRACTIONAL or name in seen:
                continue
            seen.add(name)
            query = render_query(
                database.execute, select_from(tables[owner].reference, select.ctes, [column], [])
            )
            ((values, cut),) = database.execute(
                f"SELECT count(k0), count(*) FILTER (abs(k0 - round(k0)) > 1e-6) FROM ({query})",  # noqa: S608  rendered
                [],
            )
            if cut >= max(MIN_LOST, MIN_SHARE * values):
                yield {"check": "fractions-cut", "column": name, "type": kind, "values": values, "cut": cut}


def _conversions(expression: Any) -> Iterator[tuple[Node, Node]]:
    """Yield each conversion with the value that it converts; with COALESCE around it, that is the conversion."""
    if isinstance(expression, list):
        for part in expression:
            yield from _conversions(part)
        return
    node = as_node(expression)
    if not node or node.get("type") in _CHOOSES or node.get("class") == "SUBQUERY" or node.get("filter"):
        return
    value = _converted(node)
    if value:
        yield node, value
        return
    inner = (pair for part in node.values() for pair in _conversions(part))
    if node.get("type") == "OPERATOR_COALESCE":
        yield from ((node, value) for _, value in list(inner)[:1])
    else:
        yield from inner


def _converted(node: Node) -> Node:
    """Return the value that a conversion converts; empty for another node."""
    if node.get("type") == "OPERATOR_CAST" and node.get("try_cast"):
        return as_node(node.get("child"))
    if node.get("function_name") == "try_strptime":
        return next(iter(call_arguments(node)), {})
    return {}
