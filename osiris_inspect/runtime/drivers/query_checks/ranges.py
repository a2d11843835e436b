"""Joins by ranges that include both ends: a value at the end of one range is also at the start of the next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    conjuncts,
    render_query,
    select_from,
)

_AT_LEAST: Final = {
    "COMPARE_GREATERTHANOREQUALTO": ("left", "right"),
    "COMPARE_LESSTHANOREQUALTO": ("right", "left"),
}
_TABLES: Final = 2


class _RangeJoin(NamedTuple):
    """A value of one table that is compared with the ends of the ranges of the other one."""

    table: QueryTable
    ranges: QueryTable
    value: Node
    low: Node
    high: Node
    keys: tuple[tuple[Node, Node], ...]
    filters: tuple[Node, ...]
    range_filters: tuple[Node, ...]


def find_shared_bounds(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield a join by ranges that follow each other, of which rows fall into two; ranges that overlap do not count."""
    join = _find_range_join(select, tables)
    if join is None or _keeps_one(select):
        return
    keys = range(len(join.keys))
    rows = _render(database, select, join.table, [join.value, *(key[0] for key in join.keys)], join.filters)
    ends = [join.low, join.high, *(key[1] for key in join.keys)]
    ranges = _render(database, select, join.ranges, ends, join.range_filters)
    partition = "".join(f", r.k{number + 2} AS p{number}" for number in keys)
    over = ", ".join(f"r.k{number + 2}" for number in keys)
    same = "".join(f" AND l.k{number + 1} = b.p{number}" for number in keys)
    ((total, repeated, overlaps),) = database.execute(
        f"""WITH bounds AS (
          SELECT r.k0 AS low{partition}, max(r.k1) OVER ({f"PARTITION BY {over} " if over else ""}ORDER BY r.k0
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before FROM ({ranges}) AS r WHERE r.k0 < r.k1)
        SELECT (SELECT count(*) FROM ({rows})),
          (SELECT count(*) FROM ({rows}) AS l JOIN bounds AS b ON l.k0 = b.low{same} WHERE b.before = b.low),
          (SELECT count(*) FROM bounds WHERE before > low)""",  # noqa: S608  rendered from the query's own tree
        [],
    )
    if repeated and not overlaps:
        yield {
            "check": "ranges-share-bounds",
            "table": join.table.label,
            "partner": join.ranges.label,
            "rows": int(total),
            "repeated": int(repeated),
        }


def _keeps_one(select: Select) -> bool:
    """Return True if the query leaves out rows that are repeated."""
    modifiers = {str(as_node(part).get("type")) for part in select.node.get("modifiers", ())}
    return "DISTINCT_MODIFIER" in modifiers or bool(select.node.get("qualify"))


def _render(
    database: Database, select: Select, table: QueryTable, columns: Sequence[Node], filters: Sequence[Node]
) -> str:
    return render_query(database.execute, select_from(table.reference, select.ctes, columns, filters))


def _find_range_join(select: Select, tables: Mapping[str, QueryTable]) -> _RangeJoin | None:
    """Return the join of two tables by a range; None if there is none, or a condition is not understood."""
    step = select.from_table
    if len(tables) != _TABLES or step.get("type") != "JOIN" or step.get("join_type") not in ("INNER", "LEFT"):
        return None
    parts = conjuncts(as_node(step.get("condition"))) + conjuncts(as_node(select.node.get("where_clause")))
    names = list(tables)
    for name, other in (names, names[::-1]):
        join = _range_join(parts, tables, name, other)
        if join is not None:
            return join
    return None


def _range_join(
    parts: Sequence[Node], tables: Mapping[str, QueryTable], name: str, other: str
) -> _RangeJoin | None:
    """Return the join if ``other`` has the ranges."""
    keys: list[tuple[Node, Node]] = []
    filters: dict[str, list[Node]] = {name: [], other: []}
    bounds: dict[str, tuple[Node, Node]] = {}
    for part in parts:
        owner = table_of(part, tables)
        if owner is not None:
            filters[owner].append(part)
        elif part.get("type") == "COMPARE_EQUAL":
            one, two = as_node(part.get("left")), as_node(part.get("right"))
            pair = (one, two) if table_of(one, tables) == name else (two, one)
            if (table_of(pair[0], tables), table_of(pair[1], tables)) != (name, other):
                return None
            keys.append(pair)
        else:
            found = [_bound(entry, tables, name, other) for entry in _inclusive_bounds(part)]
            if not found or None in found:
                return None
            bounds |= {side: (value, bound) for side, value, bound in filter(None, found)}
    if bounds.keys() != {"low", "high"} or _text(bounds["low"][0]) != _text(bounds["high"][0]):
        return None
    value, low = bounds["low"]
    return _RangeJoin(
        tables[name], tables[other], value, low, bounds["high"][1], tuple(keys), tuple(filters[name]), tuple(filters[other])
    )  # fmt: skip


def _bound(
    entry: tuple[str, Node, Node], tables: Mapping[str, QueryTable], name: str, other: str
) -> tuple[str, Node, Node] | None:
    """Return the bound with the value of ``name`` first; None if it compares other tables."""
    side, value, bound = entry
    owners = table_of(value, tables), table_of(bound, tables)
    if owners == (name, other):
        return entry
    return ("high" if side == "low" else "low", bound, value) if owners == (other, name) else None


def _inclusive_bounds(part: Node) -> Iterator[tuple[str, Node, Node]]:
    """Yield ``low`` or ``high``, the value and its bound, of BETWEEN, ``>=`` and ``<=``."""
    if part.get("type") == "COMPARE_BETWEEN":
        value = as_node(part.get("input"))
        yield "low", value, as_node(part.get("lower"))
        yield "high", value, as_node(part.get("upper"))
    elif part.get("type") in _AT_LEAST:
        greater, smaller = _AT_LEAST[str(part["type"])]
        yield "low", as_node(part.get(greater)), as_node(part.get(smaller))


def _text(node: Any) -> Any:
    """Return a tree without the tables of its columns and the places of its parts in the query."""
    if isinstance(node, Mapping):
        if node.get("class") == "COLUMN_REF":
            return [name for _, name in columns_in(node)]
        return {key: _text(value) for key, value in node.items() if key != "query_location"}
    return [_text(part) for part in node] if isinstance(node, list) else node
