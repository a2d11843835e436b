"""The joins of a query: which tables, which keys, and counts of their rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, read_table, table_of
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
MAX_SAMPLE: Final = 1_000
"""Keys without a partner that are compared in other forms."""
_BLANKS: Final = r"[\s\x{a0}\x{feff}\x{200b}]+"
_DATE: Final = "CAST(CAST(try_cast({} AS TIMESTAMP) AS DATE) AS VARCHAR)"
_WITHOUT_MIDNIGHT: Final = "regexp_replace({}, ' 00:00:00$', '')"
_FORMS: Final = {
    "case": ("lower({})",) * 2,
    "spaces": (f"regexp_replace({{}}, '^{_BLANKS}|{_BLANKS}$', '', 'g')",) * 2,
    "leading zeros": ("ltrim({}, '0')",) * 2,
    "form of the numbers": ("CAST(try_cast({} AS DOUBLE) AS VARCHAR)",) * 2,
    "time of day": (_DATE, _WITHOUT_MIDNIGHT),
    "time of day of the partner": (_WITHOUT_MIDNIGHT, _DATE),
    "punctuation": (r"nullif(regexp_replace({}, '[^\pL\pN]+', '', 'g'), '')",) * 2,
    "accents": ("strip_accents(lower({}))",) * 2,
    "case, spaces and zeros": ("ltrim(lower(trim({})), '0')",) * 2,
}
"""Forms in which a key and those of the other side are compared, the narrowest first."""


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


@dataclass(frozen=True, slots=True)
class JoinCounts:
    """Counts of the rows of a join; ``repeated`` rows have several partners."""

    left_rows: int
    right_rows: int
    matched: int
    right_matched: int
    left_duplicates: int
    right_duplicates: int
    left_repeated: int
    right_repeated: int


def read_tables(database: Database, select: Select) -> dict[str, QueryTable]:
    """Return the tables of a SELECT in order, by name; nothing if any of them cannot be read again."""
    references: list[Node] = []
    if not _flatten(select.from_table, references, []) or len(references) > MAX_TABLES:
        return {}
    tables: dict[str, QueryTable] = {}
    for reference in references:
        table = read_table(database, reference, select)
        if table is None or table.name in tables or not table.name:
            return {}
        tables[table.name] = table
    return tables


def find_joins(database: Database, select: Select) -> tuple[dict[str, QueryTable], list[Join]]:
    """Return the tables of a SELECT and its first joins; nothing if any part of FROM or WHERE is not understood."""
    steps: list[Node] = []
    if not _flatten(select.from_table, [], steps) or not steps:
        return {}, []
    tables = read_tables(database, select)
    if not tables:
        return {}, []
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
        return tables, []
    return tables, joins


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


def count_rows(database: Database, select: Select, join: Join) -> JoinCounts:
    """Return the counts of a join."""
    query, keys = _sides(database, select, join)
    not_null = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    columns = ", ".join(keys)
    (row,) = database.execute(
        f"""{query},
        lg AS MATERIALIZED (SELECT {columns}, count(*) n FROM left_side WHERE {not_null} GROUP BY ALL),
        rg AS MATERIALIZED (SELECT {columns}, count(*) n FROM right_side WHERE {not_null} GROUP BY ALL),
        both_sides AS MATERIALIZED (SELECT lg.n ln, rg.n rn FROM lg JOIN rg USING ({columns}))
        SELECT (SELECT count(*) FROM left_side), (SELECT count(*) FROM right_side),
          (SELECT coalesce(sum(ln), 0) FROM both_sides), (SELECT coalesce(sum(rn), 0) FROM both_sides),
          (SELECT coalesce(sum(n - 1), 0) FROM lg), (SELECT coalesce(sum(n - 1), 0) FROM rg),
          (SELECT coalesce(sum(ln), 0) FROM both_sides WHERE rn > 1),
          (SELECT coalesce(sum(rn), 0) FROM both_sides WHERE ln > 1)""",  # noqa: S608  rendered from the query's own tree
        [],
    )
    return JoinCounts(*map(int, row))


def count_other_forms(
    database: Database, select: Select, join: Join, *, of_right: bool = False
) -> dict[str, Any]:
    """Return how many keys without a partner would have one in another form: ``keys``, and a number by form."""
    query, keys = _sides(database, select, join)
    one, other = ("right_side", "left_side") if of_right else ("left_side", "right_side")
    columns = ", ".join(keys)
    texts = ", ".join(f"CAST({key} AS VARCHAR) {key}" for key in keys)
    not_null = " AND ".join(f"{key} IS NOT NULL" for key in keys)
    counts = [_count_form(keys, *forms) for forms in _FORMS.values()]
    (row,) = database.execute(
        f"""{query},
        unmatched AS MATERIALIZED (SELECT DISTINCT {texts} FROM {one} ANTI JOIN {other} USING ({columns})
          WHERE {not_null} LIMIT {MAX_SAMPLE}),
        partners AS MATERIALIZED (SELECT DISTINCT {texts} FROM {other})
        SELECT (SELECT count(*) FROM unmatched), {", ".join(counts)}""",  # noqa: S608  rendered from the query's own tree
        [],
    )
    return {"keys": int(row[0]), **{name: int(count) for name, count in zip(_FORMS, row[1:], strict=True)}}


def _count_form(keys: Sequence[str], form: str, partner_form: str) -> str:
    """Return the SQL that counts keys without a partner that have one in this form."""
    own, partner = (
        " || chr(1) || ".join(one.replace("{}", key) for key in keys) for one in (form, partner_form)
    )
    return f"(SELECT count(*) FROM unmatched WHERE {own} IN (SELECT {partner} p FROM partners WHERE p IS NOT NULL))"  # noqa: S608  the forms are constants


def _sides(database: Database, select: Select, join: Join) -> tuple[str, list[str]]:
    """Return the start of a query that has both sides of a join as tables, and the names of their keys."""
    left, right = (
        render_query(
            database.execute,
            select_from(table.reference, select.ctes, [pair[side] for pair in join.keys], filters),
        )
        for side, (table, filters) in enumerate(
            ((join.left, join.left_filters), (join.right, join.right_filters))
        )
    )
    names = [f"k{number}" for number in range(len(join.keys))]
    return f"WITH left_side AS MATERIALIZED ({left}), right_side AS MATERIALIZED ({right})", names


def is_null_tolerant(condition: Node) -> bool:
    """Return True if a condition can hold for a row whose columns have no value."""
    kinds = {str(part.get("type")) for part in walk(condition)}
    calls = {str(part.get("function_name")) for part in walk(condition)}
    tolerant = {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE", "CASE_EXPR"}
    tolerant |= {"COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM"}
    return bool(kinds & tolerant) or bool(calls & {"ifnull", "nvl", "if", "concat", "concat_ws"})
