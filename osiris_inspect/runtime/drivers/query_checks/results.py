"""Columns of the result that have one value in all rows, although their definition has several."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    is_literal,
    render_query,
    select_from,
    walk,
)

MIN_ROWS: Final = 20
MIN_CASE_ROWS: Final = 100


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """The frame that a query made.

    Attributes:
        only_value: returns the value that all rows of a column have; None if they have several.
    """

    rows: int
    only_value: Callable[[str], Any]


def restricts_rows(select: Select) -> bool:
    """Return True if a SELECT chooses or groups rows, so that one value may be what is left."""
    restricting = ("where_clause", "having", "qualify", "group_expressions", "sample", "modifiers")
    return any(select.node.get(part) for part in restricting)


def find_constant_results(
    database: Database, select: Select, tables: Mapping[str, QueryTable], result: ResultColumns
) -> Iterator[dict[str, Any]]:
    """Yield each column with a fallback value that is the same in all rows, and each CASE that returned one value."""
    if result.rows < MIN_ROWS:
        return
    for column in map(as_node, select.node.get("select_list", ())):
        name, values = str(column.get("alias") or ""), _values_before_fallback(column)
        if _is_case_of_literals(column) and result.rows >= MIN_CASE_ROWS:
            kind, values = "case-has-one-result", [column]
        elif values:
            kind = "fallback-in-all-rows"
        else:
            continue
        if result.only_value(name) is not None and _vary(database, select, tables, values):
            yield {"check": kind, "column": name, "rows": result.rows}


def find_zero_quotients(
    database: Database, select: Select, tables: Mapping[str, QueryTable], result: ResultColumns
) -> Iterator[dict[str, Any]]:
    """Yield each column made by a division of whole numbers that is 0 in all rows."""
    if result.rows < MIN_ROWS:
        return
    for column in map(as_node, select.node.get("select_list", ())):
        name = str(column.get("alias") or "")
        divides = any(part.get("function_name") == "//" for part in walk(column))
        if divides and result.only_value(name) == 0 and _vary(database, select, tables, [column]):
            yield {"check": "quotient-is-zero", "column": name, "rows": result.rows}


def _values_before_fallback(column: Node) -> list[Node]:
    """Return the expressions that a constant replaces if they are NULL, by COALESCE or CASE WHEN … IS NULL."""
    for part in walk(column):
        children = [as_node(child) for child in part.get("children", ())]
        if part.get("type") == "OPERATOR_COALESCE" and is_literal(children[-1]):
            return children[:-1]
        checks = [as_node(check) for check in part.get("case_checks", ())]
        if len(checks) == 1 and is_literal(as_node(checks[0].get("then_expr"))):
            condition, otherwise = as_node(checks[0].get("when_expr")), as_node(part.get("else_expr"))
            if condition.get("type") == "OPERATOR_IS_NULL" and not is_literal(otherwise):
                return [otherwise]
    return []


def _is_case_of_literals(node: Node) -> bool:
    if node.get("type") != "CASE_EXPR":
        return False
    results = [as_node(check.get("then_expr")) for check in node.get("case_checks", ())]
    results.append(as_node(node.get("else_expr")))
    texts = {str(as_node(result.get("literal"))) for result in results}
    return all(map(is_literal, results)) and len(texts) > 1


def _vary(database: Database, select: Select, tables: Mapping[str, QueryTable], used: list[Node]) -> bool:
    """Return True if the tables have several values of a column that the expressions name, and all can be read."""
    references = [part for part in walk(used) if part.get("class") == "COLUMN_REF"]
    owners = [table_of(part, tables) for part in references]
    if not references or None in owners:
        return False
    for part, owner in dict.fromkeys((columns[-1], owner) for columns, owner in _named(references, owners)):
        node = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": [part]}
        query = render_query(database.execute, select_from(tables[owner].reference, select.ctes, [node], []))
        ((count,),) = database.execute(f"SELECT count(DISTINCT k0) FROM ({query})", [])  # noqa: S608  rendered
        if count > 1:
            return True
    return False


def _named(references: list[Node], owners: list[str | None]) -> Iterator[tuple[list[str], str]]:
    for reference, owner in zip(references, owners, strict=True):
        yield [name for _, name in columns_in(reference)], owner or ""
