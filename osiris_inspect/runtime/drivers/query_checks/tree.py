"""The tree of a query, as DuckDB parses it."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

Node = Mapping[str, Any]
Execute = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a statement with its parameters and returns its rows."""

COMPARISONS: Final = frozenset(
    {
        "COMPARE_EQUAL",
        "COMPARE_NOTEQUAL",
        "COMPARE_LESSTHAN",
        "COMPARE_GREATERTHAN",
        "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_GREATERTHANOREQUALTO",
    }
)
_MAX_QUERY: Final = 20_000


@dataclass(frozen=True, slots=True)
class Select:
    """One SELECT of a query, with the common table expressions that it can read."""

    node: Node
    ctes: tuple[Node, ...]

    @property
    def from_table(self) -> Node:
        """The table, the join or the subquery that it reads; empty if there is none."""
        return as_node(self.node.get("from_table"))


def parse_query(execute: Execute, query: str) -> Node:
    """Return the tree of a statement; empty if DuckDB cannot describe it."""
    if len(query) > _MAX_QUERY:
        return {}
    ((text,),) = execute("SELECT json_serialize_sql(?, skip_null := true, skip_empty := true)", [query])
    statements = json.loads(text).get("statements") or [{}]
    return as_node(statements[-1].get("node"))


def render_query(execute: Execute, node: Node) -> str:
    """Return the SQL of a tree."""
    text = json.dumps({"error": False, "statements": [{"node": node}]})
    return str(execute("SELECT json_deserialize_sql(?)", [text])[0][0])


def select_from(
    table: Node, ctes: Sequence[Node], columns: Sequence[Node], conditions: Sequence[Node]
) -> Node:
    """Return the tree of ``WITH ctes SELECT columns AS k0, k1 … FROM table WHERE conditions``."""
    node: dict[str, Any] = {
        "type": "SELECT_NODE",
        "cte_map": {"map": list(ctes)},
        "select_list": [
            column if column is STAR else {**column, "alias": f"k{number}"}
            for number, column in enumerate(columns)
        ],
        "from_table": table,
        "aggregate_handling": "STANDARD_HANDLING",
    }
    if conditions:
        node["where_clause"] = {
            "class": "CONJUNCTION",
            "type": "CONJUNCTION_AND",
            "children": list(conditions),
        }
    return node


STAR: Final[Node] = {"class": "STAR", "type": "STAR", "columns": False}


def as_node(value: Any) -> Node:
    """Return the value if it is a node, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def ctes_of(node: Node) -> list[Node]:
    """Return the common table expressions that a query defines: ``key`` and ``value``."""
    return list(as_node(node.get("cte_map")).get("map") or ())


def iter_selects(node: Node, ctes: tuple[Node, ...] = ()) -> Iterator[Select]:
    """Yield each SELECT whose rows the query reads: in its expressions WITH, its unions and its subqueries in FROM."""
    for entry in ctes_of(node):
        yield from iter_selects(as_node(as_node(entry["value"]).get("query_node")), ctes)
        ctes = (*ctes, entry)
    if node.get("type") == "SET_OPERATION_NODE":
        for child in node.get("children", ()):
            yield from iter_selects(child, ctes)
    if node.get("type") == "SELECT_NODE":
        yield Select(node, ctes)
        for table in _subqueries(as_node(node.get("from_table"))):
            yield from iter_selects(as_node(as_node(table["subquery"]).get("node")), ctes)


def _subqueries(table: Node) -> Iterator[Node]:
    if table.get("type") == "SUBQUERY":
        yield table
    for side in ("left", "right"):
        if table.get("type") == "JOIN":
            yield from _subqueries(as_node(table.get(side)))


def walk(value: Any) -> Iterator[Node]:
    """Yield all nodes of a tree, subqueries included."""
    if isinstance(value, Mapping):
        yield value
        value = [
            part for key, part in value.items() if key != "sample_size"
        ]  # a value, whose type is no text
    if isinstance(value, list):
        for part in value:
            yield from walk(part)


def conjuncts(condition: Node) -> list[Node]:
    """Return the conditions that must all hold."""
    if condition.get("type") == "CONJUNCTION_AND":
        return [part for child in condition.get("children", ()) for part in conjuncts(child)]
    return [condition] if condition else []


def call_arguments(call: Node) -> list[Node]:
    """Return the arguments of a function."""
    return [as_node(as_node(argument).get("expression")) for argument in call.get("arguments", ())]


def is_literal(node: Node) -> bool:
    """Return True for a constant, negated or converted if need be."""
    if node.get("type") == "OPERATOR_CAST":
        return is_literal(as_node(node.get("child")))
    return node.get("type") == "VALUE_CONSTANT"


def literal_text(node: Node) -> str | None:
    """Return the text of a constant that is text or was converted from it; None for another node."""
    if node.get("type") == "OPERATOR_CAST":
        return literal_text(as_node(node.get("child")))
    literal = as_node(node.get("literal"))
    return str(literal["text"]) if literal.get("kind") == "STRING" and "text" in literal else None


def is_null(node: Node) -> bool:
    """Return True for the constant NULL."""
    return as_node(node.get("literal")).get("kind") == "NULL_LITERAL"
