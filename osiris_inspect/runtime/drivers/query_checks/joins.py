"""The joins of a query: which tables, which keys, and counts of their rows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.join_counts import CountedKeys, count_keys
from osiris_inspect.runtime.drivers.query_checks.tables import (
    Database,
    QueryTable,
    columns_in,
    read_table,
    table_of,
)
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    conjuncts,
    render_query,
    select_from,
    walk,
)

MAX_JOINS: Final = 2
MAX_TABLES: Final = 5


@dataclass(frozen=True, slots=True)
class Join:
    """One join by equal keys.

    Attributes:
        kind: INNER, LEFT, RIGHT or OUTER.
        left: the table whose keys are compared with those of ``right``.
        before: the names of all tables that were joined before.
        keys: pairs of expressions.
        left_filters, right_filters: conditions on one side that hold before the rows are joined.
        late_filters: conditions of WHERE on the side that the join may leave empty.
    """

    kind: str
    left: QueryTable
    right: QueryTable
    before: tuple[str, ...]
    keys: tuple[tuple[Node, Node], ...]
    left_filters: tuple[Node, ...] = ()
    right_filters: tuple[Node, ...] = ()
    late_filters: tuple[Node, ...] = ()

    @property
    def is_filtered(self) -> bool:
        """True if not all rows of both inputs are joined."""
        has_filter = self.left_filters or self.right_filters or self.late_filters
        return bool(has_filter) or not (self.left.is_input and self.right.is_input)


def read_tables(database: Database, select: Select) -> Iterator[QueryTable]:
    """Yield the tables of a SELECT in order; nothing if any of them cannot be read again at a low cost."""
    references: list[Node] = []
    if not _flatten(select.from_table, references, []) or len(references) > MAX_TABLES:
        return
    tables = [read_table(database, reference, select) for reference in references]
    names = {table.name for table in tables if table is not None and table.name}
    if len(names) == len(tables):
        yield from (table for table in tables if table is not None)


def find_joins(select: Select, tables: Mapping[str, QueryTable]) -> list[Join]:
    """Return the first joins of a SELECT; nothing if any part of FROM or WHERE is not understood."""
    steps: list[Node] = []
    if not tables or not _flatten(select.from_table, [], steps):
        return []
    where = [(part, table_of(part, tables)) for part in conjuncts(as_node(select.node.get("where_clause")))]
    names = list(tables)
    joins = []
    for number, step in enumerate(steps[:MAX_JOINS], start=1):
        join = _join(step, tables, names[:number], names[number], where)
        if join is None:
            break
        joins.append(join)
    used = {id(node) for join in joins for pair in join.keys for node in pair}
    if any(table is None and not _is_join_condition(part, used) for part, table in where):
        return []
    return joins


def _is_join_condition(part: Node, used: set[int]) -> bool:
    return part.get("type") == "COMPARE_EQUAL" and {id(part["left"]), id(part["right"])} <= used


def _flatten(table: Node, references: list[Node], steps: list[Node]) -> bool:
    """Collect the tables and the joins of FROM in order; return False if a join has a join on its right."""
    if table.get("type") == "JOIN":
        left, right = as_node(table.get("left")), as_node(table.get("right"))
        if right.get("type") == "JOIN" or not _flatten(left, references, steps):
            return False
        steps.append(table)
        return _flatten(right, references, steps)
    references.append(table)
    return table.get("type") in ("BASE_TABLE", "SUBQUERY") and not table.get("sample")


def _join(
    step: Node,
    tables: Mapping[str, QueryTable],
    before: Sequence[str],
    right: str,
    where: Sequence[tuple[Node, str | None]],
) -> Join | None:
    kind = str(step.get("join_type"))
    is_implicit = step.get("ref_type") == "CROSS" and bool(step.get("is_implicit"))
    if kind not in ("INNER", "LEFT", "RIGHT", "OUTER") or not (
        step.get("ref_type") == "REGULAR" or is_implicit
    ):
        return None
    seen = {name: tables[name] for name in (*before, right)}
    parts = [part for part, _ in where] if is_implicit else conjuncts(as_node(step.get("condition")))
    pairs: list[tuple[Node, Node]] = []
    filters: dict[str, list[Node]] = {name: [] for name in tables}
    lefts: set[str] = set()
    for name in step.get("using_columns", ()):
        owners = [one for one in before if str(name).lower() in tables[one].columns]
        if not owners:
            return None
        lefts.add(owners[0])
        pairs.append((_column(owners[0], name), _column(right, name)))
    for part in parts:
        sides = [table_of(as_node(part.get(side)), seen) for side in ("left", "right")]
        if (
            part.get("type") == "COMPARE_EQUAL"
            and right in sides
            and None not in sides
            and sides[0] != sides[1]
        ):
            left, other = (
                (part["left"], part["right"]) if sides[1] == right else (part["right"], part["left"])
            )
            lefts.add(str(sides[0] if sides[1] == right else sides[1]))
            pairs.append((left, other))
        elif not is_implicit:
            owner = table_of(part, seen)
            if (
                owner is None
                or (owner != right and kind != "INNER")
                or (owner == right and kind in ("RIGHT", "OUTER"))
            ):
                return None
            filters[owner].append(part)
    if len(lefts) != 1 or not pairs:
        return None
    left_name = lefts.pop()
    late: list[Node] = []
    for part, owner in where:
        if owner is None:
            continue
        if (owner == right and kind in ("LEFT", "OUTER")) or (
            owner == left_name and kind in ("RIGHT", "OUTER")
        ):
            late.append(part)
        else:
            filters[owner].append(part)
    return Join(
        kind,
        tables[left_name],
        tables[right],
        tuple(before),
        tuple(pairs),
        tuple(filters[left_name]),
        tuple(filters[right]),
        tuple(late),
    )


def _column(table: str, name: str) -> Node:
    return {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": [table, name]}


def without_late_filters(join: Join) -> Join:
    """Return the join with the conditions of WHERE on its right side applied before it."""
    return replace(join, right_filters=(*join.right_filters, *join.late_filters), late_filters=())


def count_rows(database: Database, select: Select, join: Join) -> CountedKeys | None:
    """Return the counts of a join; None if there are too many rows."""
    left = _read_side(database, select, join.left, [pair[0] for pair in join.keys], join.left_filters)
    right = _read_side(database, select, join.right, [pair[1] for pair in join.keys], join.right_filters)
    return count_keys(left, right)


def _read_side(
    database: Database, select: Select, table: QueryTable, keys: Sequence[Node], filters: Sequence[Node]
) -> pa.Table:
    if table.is_input and not filters and all(key.get("class") == "COLUMN_REF" for key in keys):
        names = [name for key in keys for _, name in columns_in(key)]
        return database.read_columns(str(table.reference["table_name"]).lower(), names)
    return database.read(
        render_query(database.execute, select_from(table.reference, select.ctes, keys, filters))
    )


def sides_used(select: Select, join: Join) -> str:
    """Return the sides whose columns beside the keys are in the result: ``left``, ``right``, ``both`` or nothing."""
    used = set()
    for number, side in enumerate((join.left, join.right)):
        keys = {name for pair in join.keys for _, name in columns_in(pair[number])}
        others = side.columns.keys() - keys
        for part in walk(select.node.get("select_list", [])):
            is_star = part.get("class") == "STAR"
            if is_star and others and str(part.get("relation_name") or side.name).lower() == side.name:
                used.add(side.name)
        for table, name in columns_in(select.node.get("select_list", [])):
            if name in others and table in ("", side.name):
                used.add(side.name)
    if used == {join.left.name, join.right.name}:
        return "both"
    return "left" if join.left.name in used else "right" if used else ""


def is_null_tolerant(condition: Node) -> bool:
    """Return True if a condition can hold for a row whose columns have no value."""
    kinds = {str(part.get("type")) for part in walk(condition)}
    calls = {str(part.get("function_name")) for part in walk(condition)}
    tolerant = {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "CASE_EXPR"}
    tolerant |= {"COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM"}
    return bool(kinds & tolerant) or bool(calls & {"ifnull", "nvl", "if", "concat", "concat_ws"})
