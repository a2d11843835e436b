"""Puts the SELECT of a subquery or of WITH into the SELECT that reads only it, so that its joins are seen."""

from typing import Any

from osiris_inspect.runtime.drivers.query_checks.tree import Node, Select, as_node

_CHANGES_ROWS = ("group_expressions", "modifiers", "qualify", "having", "sample")


def inline_select(select: Select) -> Select | None:
    """Return the SELECT with the tables and the expressions of the one it reads; None if it reads anything else."""
    inner = _inner(select)
    if inner is None or inner.get("type") != "SELECT_NODE" or any(inner.get(part) for part in _CHANGES_ROWS):
        return None
    expressions: dict[str, Node] = {}
    has_star = False
    for column in map(as_node, inner.get("select_list", ())):
        if column.get("class") == "STAR":
            has_star = True
        elif column.get("class") in ("FUNCTION", "COLUMN_REF", "CAST", "CASE", "OPERATOR"):
            names = column.get("column_names") or [""]
            expressions[str(column.get("alias") or names[-1]).lower()] = {**column, "alias": ""}
    parts = {
        part: _replaced(select.node[part], expressions, keeps_unknown=has_star)
        for part in ("select_list", "group_expressions", "having", "where_clause")
        if part in select.node
    }
    conditions = [part for part in (inner.get("where_clause"), parts.pop("where_clause", None)) if part]
    if conditions:
        parts["where_clause"] = {"class": "CONJUNCTION", "type": "CONJUNCTION_AND", "children": conditions}
    handling = select.node.get("aggregate_handling")
    node = {
        "type": "SELECT_NODE",
        "from_table": inner.get("from_table"),
        "aggregate_handling": handling,
        **parts,
    }
    return Select(node, select.ctes)


def _inner(select: Select) -> Node | None:
    table = select.from_table
    if table.get("type") == "SUBQUERY":
        return as_node(as_node(table.get("subquery")).get("node"))
    name = str(table.get("table_name") or "").lower()
    bodies = (entry for entry in select.ctes if name and str(entry["key"]).lower() == name)
    return next((as_node(as_node(entry["value"]).get("query_node")) for entry in bodies), None)


def _replaced(value: Any, expressions: dict[str, Node], *, keeps_unknown: bool) -> Any:
    """Return a part of the outer SELECT in the terms of the inner one."""
    if isinstance(value, list):
        return [_replaced(part, expressions, keeps_unknown=keeps_unknown) for part in value]
    if not isinstance(value, dict):
        return value
    if value.get("class") == "COLUMN_REF":
        name = str(value["column_names"][-1])
        alias = {"alias": value.get("alias") or name}
        if name.lower() in expressions:
            return {**expressions[name.lower()], **alias}
        return {**value, "column_names": [name if keeps_unknown else "\x01unknown"], **alias}
    return {key: _replaced(part, expressions, keeps_unknown=keeps_unknown) for key, part in value.items()}
