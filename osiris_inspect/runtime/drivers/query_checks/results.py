"""Columns of the result that have one value in all rows although their definition has several, or lose values."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    call_arguments,
    is_literal,
    render_query,
    select_from,
    walk,
)

MIN_ROWS: Final = 20
MIN_CASE_ROWS: Final = 100
MIN_LOST: Final = 3
MIN_LOST_SHARE: Final = 0.05
MAX_OPERANDS: Final = 8
_READ_ROWS: Final = 100_000
_DEDUCTION: Final = re.compile(
    r"discount|rebate|refund|tax|vat|fee|voucher|coupon|deduction|commission|shipping|credit|sleva"
)
"""A value without which the difference is the first operand; of other values the difference is unknown."""
MAX_UNMATCHED_SHARE: Final = 0.5
_FACTOR: Final = re.compile(
    r"rate|price|cost|tax|vat|fx|factor|coef|multipl|exchange|conversion|tariff|kurz|cena|sazba|dph|preis|satz|taux|prix"
)
_DIVISOR: Final = re.compile(r"fx|factor|exchange|conversion|(?:^|_)rate$|kurz")
"""Names of a column of a lookup table by which amounts are multiplied or divided."""
_OPTIONAL: Final = re.compile(
    r"bonus|rebate|discount|promo|commission|saving|surcharge|points|ratio|share|pct|percent"
)
"""Results that a row without a partner need not have."""


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


def find_missing_operands(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each sum, difference, product in a SUM, or joined text that is NULL because one operand has no value."""
    tested = {
        name
        for part in walk([select.node.get("where_clause"), select.node.get("having")])
        if str(part.get("type")).startswith("OPERATOR_IS_")
        for _, name in columns_in(part)
    }
    if set(tables) != set(_table_names(select.from_table)):
        return
    for column in map(as_node, select.node.get("select_list", ())):
        alias, has_loss = str(column.get("alias") or ""), False
        for operator, operands in _operations(column, in_sum=False):
            names = [name for _, name in columns_in({"children": operands})]
            if len(operands) > MAX_OPERANDS or tested & set(names) or len(set(names)) < len(operands):
                continue
            for loss in _lost_operations(database, select, alias, operator, operands):
                has_loss = True
                yield loss
        if not has_loss:
            yield from _unmatched_factor(database, select, tables, column, tested)


def _unmatched_factor(
    database: Database, select: Select, tables: Mapping[str, QueryTable], column: Node, tested: set[str]
) -> Iterator[dict[str, Any]]:
    """Yield a product that is NULL in rows for which a left join found no partner with the factor."""
    partners = set(_optional_tables(select.from_table))
    operands, operators = _arithmetic(column)
    factors = [one for one in operands if table_of(one, tables) in partners]
    alias = str(column.get("alias") or "")
    if not factors or len(factors) == len(operands) or len(operands) > MAX_OPERANDS:
        return
    if not operators & {"*", "/"} or tested & {name for _, name in columns_in({"children": factors})}:
        return
    adds_literal = _adds_literal(column, factors)
    named = _FACTOR if "*" in operators else _DIVISOR
    if not adds_literal and _OPTIONAL.search(alias.lower()):
        return
    for factor in factors:
        name = next(name for _, name in columns_in(factor))
        if not adds_literal and not named.search(name):
            continue
        for loss in _lost_operations(database, select, alias, "*", [factor, *_others(operands, factors)]):
            if loss["operand"] == name and loss["lost"] <= MAX_UNMATCHED_SHARE * loss["rows"]:
                yield {**loss, "partner": tables[str(table_of(factor, tables))].label}
                return


def _others(operands: list[Node], factors: list[Node]) -> list[Node]:
    return [one for one in operands if one not in factors]


def _optional_tables(table: Node) -> Iterator[str]:
    """Yield the names of the tables on the right of a left join."""
    if table.get("type") == "JOIN":
        yield from _optional_tables(as_node(table.get("left")))
        if table.get("join_type") == "LEFT":
            yield from _table_names(as_node(table.get("right")))


def _arithmetic(node: Node) -> tuple[list[Node], set[str]]:
    """Return the columns and the operators of an expression; any other function ends it, as it may replace NULL."""
    name = str(node.get("function_name"))
    if node.get("class") == "COLUMN_REF":
        return [node], set()
    if node.get("type") == "OPERATOR_CAST":
        return _arithmetic(as_node(node.get("child")))
    if node.get("class") != "FUNCTION" or name not in ("+", "-", "*", "/", "round", "sum"):
        return [], set()
    parts = [_arithmetic(argument) for argument in call_arguments(node)]
    operators = {name} if name in ("+", "-", "*", "/") else set()
    return [one for columns, _ in parts for one in columns], operators.union(*(found for _, found in parts))


def _adds_literal(node: Node, factors: list[Node]) -> bool:
    """Return True for ``1 + factor`` or ``1 - factor``: without the factor the value stays as it is."""
    for part in walk(node):
        arguments = call_arguments(part)
        if part.get("function_name") in ("+", "-") and any(map(is_literal, arguments)):
            columns, _ = _arithmetic(part)
            if any(one in factors for one in columns):
                return True
    return False


def _table_names(table: Node) -> Iterator[str]:
    """Yield the names of the tables in FROM."""
    if table.get("type") == "JOIN":
        yield from _table_names(as_node(table.get("left")))
        yield from _table_names(as_node(table.get("right")))
    else:
        yield str(table.get("alias") or table.get("table_name") or "").lower()


def _operations(node: Node, *, in_sum: bool) -> Iterator[tuple[str, list[Node]]]:
    """Yield the operator and the columns of each chain of operations; a function may replace NULL, and ends it."""
    name = str(node.get("function_name"))
    if node.get("class") != "FUNCTION":
        if node.get("type") == "OPERATOR_CAST":
            yield from _operations(as_node(node.get("child")), in_sum=in_sum)
        return
    arguments = call_arguments(node)
    if name in ("sum", "round"):
        for argument in arguments:
            yield from _operations(argument, in_sum=in_sum or name == "sum")
    elif name in ("+", "-", "||") or (name == "*" and in_sum):
        operands = [operand for argument in arguments for operand in _operands(argument, name)]
        columns = [operand for operand in operands if operand.get("class") == "COLUMN_REF"]
        if len(columns) > 1 and all(is_literal(one) for one in operands if one not in columns):
            yield name, columns


def _operands(node: Node, name: str) -> Iterator[Node]:
    """Yield the operands of a chain of one operator."""
    if node.get("function_name") == name:
        for argument in call_arguments(node):
            yield from _operands(argument, name)
    elif node.get("type") == "OPERATOR_CAST" and not is_literal(node):
        yield from _operands(as_node(node.get("child")), name)
    else:
        yield node


def _lost_operations(
    database: Database, select: Select, alias: str, operator: str, operands: list[Node]
) -> Iterator[dict[str, Any]]:
    where = as_node(select.node.get("where_clause"))
    query = render_query(
        database.execute, select_from(select.from_table, select.ctes, operands, [where] if where else [])
    )
    if operator != "||" and not all(map(_is_number, (kind for _, kind in database.describe(query)))):
        return
    missing = [f"count(*) FILTER (k{number} IS NULL)" for number in range(len(operands))]
    every = " AND ".join(f"k{number} IS NULL" for number in range(len(operands)))
    (counts,) = database.execute(
        f"SELECT count(*), count(*) FILTER ({every}), {', '.join(missing)} FROM (SELECT * FROM ({query}) LIMIT {_READ_ROWS})",  # noqa: S608  rendered from the query's own tree
        [],
    )
    rows, empty, *nulls = map(int, counts)
    lost, name = max(
        (lost - empty, next(name for _, name in columns_in(operand)))
        for operand, lost in zip(operands, nulls, strict=True)
    )
    if operator == "-" and not _DEDUCTION.search(name):
        return
    if max(MIN_LOST, MIN_LOST_SHARE * rows) <= lost < rows:
        yield {
            "check": "operand-without-value",
            "column": alias or name,
            "operand": name,
            "operator": operator,
            "lost": lost,
            "rows": rows,
        }


def _is_number(kind: str) -> bool:
    return (
        kind.upper().startswith(("DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "NUMBER"))
        or "INT" in kind.upper().split("(")[0]
    )
