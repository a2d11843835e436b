"""Aggregates that count rows several times, because a join repeats them, or leave out rows without a value."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from osiris_inspect.runtime.drivers.interface.join_counts import JoinCounts
from osiris_inspect.runtime.drivers.query_checks.joins import Join
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

_COUNTING: Final = frozenset({"sum", "avg", "mean", "count"})
_PER_UNIT: Final = re.compile(r"price|rate|per_|_per|unit|quantity|qty|weight|factor|cena|kurz")
"""A sum of such a value over the rows of a join is meant: the price of each item sold."""
_ALL_ROWS: Final = re.compile(
    r"(?:n|cnt|count|rows|total|records|(?:n|num|no|total|count)_(?:of_)?\w{1,30}|\w{1,30}_count)"
    r"|(?:customer|order|user|client|people|person|employee|product|visit|session|event|transaction|payment|item)s?"
)
"""Names of a count of all rows."""
MIN_NULL_SHARE: Final = 0.05
MAX_UNITS: Final = 20
_READ_ROWS: Final = 10_000
_CURRENCY: Final = re.compile(
    r"(?:[a-z]{1,20}_)?(?:currency|ccy|curr|mena|waehrung|währung|devise|valuta)(?:_(?:code|iso|id|key))?"
)
_CURRENCY_VALUE: Final = r"[A-Za-z]{3}|[€$£¥₹₽]|K[čČ]|zł|Ft"
_MONEY: Final = re.compile(
    r"amount|amt|price|total|value|net|gross|cost|fee|sales|revenue|paid|payment|balance|turnover|charge|salary|budget"
    r"|spend|sum|betrag|castka|umsatz|montant"
)
_CONVERTED: Final = re.compile(
    r"(?:^|_)(?:eur|euro|usd|dollar|czk|gbp|huf|pln|chf|sek|nok|dkk|jpy|base|home|report|reporting|converted|conv|norm|std|main|group)s?(?:_|$)"
)
"""A name that says in which currency or unit all values are."""
_UNIT: Final = re.compile(
    r"(?:[a-z]{1,20}_)?(?:unit|uom|units|unit_of_measure|measure_unit|einheit|jednotka|unite)(?:_code)?"
)
_UNIT_VALUE: Final = (
    r"(?i:kg|g|mg|t|tons?|lbs?|oz|l|ml|cl|hl|gal|m|cm|mm|km|in|ft|yd|mi|m2|m3|kwh|mwh|wh|gj|pcs?|ks|st|stk|pieces?|each|ea"
    r"|box(?:es)?|pal(?:let)?s?|cartons?|ctn|packs?|h|hrs?|hours?|min|minutes?|s|sec|seconds?|days?|ms|kb|mb|gb|tb|bytes?)"
)
_QUANTITY: Final = re.compile(
    r"qty|quantity|amount|weight|volume|length|stock|consumption|usage|value|menge|mnozstvi|reading"
)
_RATE: Final = re.compile(r"rate|fx|kurs|kurz|factor|conver|exchange|multipl|per_|_per")


def find_counted_values(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each count of a column with the name of a count of rows, where rows without a value in it are left out."""
    calls = [
        (part, str(column.get("alias") or "").lower())
        for column in map(as_node, select.node.get("select_list", ()))
        for part in [column]
        if part.get("function_name") in ("count", "count_star")
    ]
    if len(calls) != 1 or select.from_table.get("type") == "JOIN":
        return
    call, alias = calls[0]
    column = next(iter(call_arguments(call)), {})
    owner = table_of(column, tables)
    if column.get("class") != "COLUMN_REF" or owner is None or call.get("distinct") or call.get("filter"):
        return
    name = next(name for _, name in columns_in(column))
    tested = {one for _, one in columns_in(as_node(select.node.get("where_clause")))}
    stem = re.sub(r"_?(?:id|key|code|no|at|date|name)$", "", name)[:4]
    if name in tested or not _ALL_ROWS.fullmatch(alias) or (stem and stem in alias):
        return
    where = select.node.get("where_clause")
    query = render_query(
        database.execute,
        select_from(tables[owner].reference, select.ctes, [column], [as_node(where)] if where else []),
    )
    ((rows, values),) = database.execute(f"SELECT count(*), count(k0) FROM ({query})", [])  # noqa: S608  rendered
    if values and rows - values >= max(MIN_NULL_SHARE * rows, 3):
        yield {
            "check": "count-leaves-out-nulls",
            "column": name,
            "name": alias,
            "lost": rows - values,
            "rows": rows,
        }


def find_mixed_units(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each sum or average over several currencies or units, whose column the query does not name."""
    if not tables or select.node.get("aggregate_handling") == "FORCE_AGGREGATES":
        return
    named = {name for _, name in columns_in(select.node)}
    for call, _ in _calls(select):
        argument = next(iter(call_arguments(call)), {})
        owner, names = table_of(argument, tables), [name for _, name in columns_in(argument)]
        if call.get("function_name") == "count" or call.get("filter") or owner is None:
            continue
        if not names or any(_RATE.search(name) or _CONVERTED.search(name) for name in names):
            continue
        for units, values, form in ((_CURRENCY, _MONEY, _CURRENCY_VALUE), (_UNIT, _QUANTITY, _UNIT_VALUE)):
            columns = [name for name in tables[owner].columns if units.fullmatch(name[:60])]
            if len(columns) == 1 and columns[0] not in named and any(map(values.search, names)):
                for counts in _count_units(database, select, [owner, columns[0]], form):
                    aggregate = f"{call['function_name']}({', '.join(dict.fromkeys(names))})"
                    yield {"check": "sum-over-units", "aggregate": aggregate, "column": columns[0], **counts}
                    return


def _count_units(
    database: Database, select: Select, column: list[str], form: str
) -> Iterator[dict[str, int]]:
    """Yield the number of units, of the groups with several of them and of all groups, if a group has several."""
    unit = {"class": "COLUMN_REF", "type": "COLUMN_REF", "column_names": column}
    where, groups = as_node(select.node.get("where_clause")), _groups(select)
    query = render_query(
        database.execute,
        select_from(select.from_table, select.ctes, [unit, *groups], [where] if where else []),
    )
    keys = ", ".join(f"k{number}" for number in range(1, len(groups) + 1))
    ((units, unknown, mixed, total),) = database.execute(
        f"WITH read AS (SELECT * FROM ({query}) LIMIT {_READ_ROWS}), "  # noqa: S608  rendered
        "units AS (SELECT DISTINCT trim(k0::VARCHAR) AS unit FROM read WHERE trim(k0::VARCHAR) <> ''), "
        f"groups AS (SELECT count(DISTINCT nullif(trim(k0::VARCHAR), '')) AS n FROM read {f'GROUP BY {keys}' if keys else ''}) "
        "SELECT (SELECT count(*) FROM units), (SELECT count(*) FROM units WHERE NOT regexp_full_match(unit, ?)), "
        "(SELECT count(*) FROM groups WHERE n > 1), (SELECT count(*) FROM groups)",
        [form],
    )
    if mixed and not unknown and units <= MAX_UNITS:
        yield {"units": int(units), "mixed": int(mixed), "groups": int(total)}


def find_distinct_sums(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each SUM or AVG of distinct values of a column in which several rows have the same value."""
    for call, _ in _calls(select):
        column = next(iter(call_arguments(call)), {})
        owner = table_of(column, tables)
        is_sum = call.get("function_name") in ("sum", "avg", "mean") and call.get("distinct")
        if not is_sum or owner is None or column.get("class") != "COLUMN_REF" or len(tables) > 1:
            continue
        groups = [part for part in _groups(select) if table_of(part, tables) == owner]
        groups = [part for part in groups if part.get("class") == "COLUMN_REF"]
        where = as_node(select.node.get("where_clause"))
        query = render_query(
            database.execute,
            select_from(tables[owner].reference, select.ctes, [column, *groups], [where] if where else []),
        )
        ((values, different),) = database.execute(
            f"SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT * FROM ({query}) WHERE k0 <> 0)) FROM ({query}) WHERE k0 <> 0",  # noqa: S608  rendered
            [],
        )
        if different < values:
            name = next(name for _, name in columns_in(column))
            yield {
                "check": "sum-of-distinct-values",
                "aggregate": f"{call['function_name']}(DISTINCT {name})",
                "rows": int(values),
                "left_out": int(values - different),
            }


def find_outer_counts(
    select: Select, tables: Mapping[str, QueryTable], join: Join, counts: JoinCounts
) -> Iterator[dict[str, Any]]:
    """Yield each ``count(*)`` per row of a left join's first table that is named after the second and counts its absence."""
    without = counts.left_rows - counts.matched
    if join.kind != "LEFT" or len(tables) != 2 or not without or not select.node.get("group_expressions"):
        return
    if select.node.get("where_clause"):
        return
    keys = {name for pair in join.keys for _, name in columns_in(pair[0])}
    grouped = {
        name
        for part in _groups(select)
        if part.get("class") == "COLUMN_REF"
        for _, name in columns_in(part)
        if table_of(part, tables) == join.left.name
    }
    if not keys <= grouped or counts.left_duplicates:
        return
    for column in map(as_node, select.node.get("select_list", ())):
        alias = str(column.get("alias") or "").lower()
        is_of_left = alias and _is_named_after(alias, join.left, [])
        if column.get("function_name") == "count_star" and not column.get("filter") and not is_of_left:
            yield {
                "check": "count-of-missing-partner",
                "table": join.left.label,
                "partner": join.right.label,
                "unmatched": without,
                "rows": counts.left_rows,
            }
            return


def find_repeated_aggregates(
    select: Select, tables: Mapping[str, QueryTable], joins: list[tuple[Join, JoinCounts]]
) -> Iterator[dict[str, Any]]:
    """Yield each aggregate over columns of a table whose rows the joins repeat."""
    repeated = _repeated_tables(joins)
    grouped = _groups(select)
    for call, alias in _calls(select):
        values = [value for argument in call_arguments(call) for value in _values(argument)]
        owners = {table_of(value, tables) for value in values}
        if len(owners) != 1 or call.get("distinct"):
            continue
        owner = owners.pop()
        names = sorted({column for value in values for _, column in columns_in(value)})
        if owner not in repeated or any(_PER_UNIT.search(name) for name in names):
            continue
        partner, count, keys = repeated[owner]
        name = str(call.get("function_name"))
        group_names = {(table_of(part, tables), column) for part in grouped for _, column in columns_in(part)}
        if name != "sum" and any(table == owner and column in keys for table, column in group_names):
            continue  # all rows of a group are the same row, or the count is of its partners
        if name == "count" and grouped and not _is_named_after(alias, tables[owner], names):
            continue  # it may count the partners
        yield {
            "check": "aggregate-repeats-rows",
            "aggregate": f"{name}({', '.join(names)})",
            "table": tables[owner].label,
            "partner": tables[partner].label,
            "rows": count,
        }


def _groups(select: Select) -> list[Node]:
    """Return the expressions of GROUP BY; a number or an alias is a column of the result."""
    columns = [as_node(column) for column in select.node.get("select_list", ())]
    if select.node.get("aggregate_handling") == "FORCE_AGGREGATES":
        return columns
    aliases = {str(column.get("alias", "")).lower(): column for column in columns}
    groups = []
    for part in select.node.get("group_expressions", ()):
        number = str(as_node(part.get("literal")).get("text", ""))
        names = [name for _, name in columns_in(part)]
        if number.isdigit() and 0 < int(number) <= len(columns):
            groups.append(columns[int(number) - 1])
        else:
            groups.append(aliases.get(names[0], part) if names else part)
    return groups


def _repeated_tables(joins: list[tuple[Join, JoinCounts]]) -> dict[str, tuple[str, int, set[str]]]:
    """Return the tables whose rows the joins repeat: by which table, how many have several partners, and their keys.

    The rows of a table that is only looked up are repeated on purpose.
    """
    repeated: dict[str, tuple[str, int, set[str]]] = {}
    for join, counts in joins:
        left, right = join.left.name, join.right.name
        left_keys, right_keys = (
            {name for pair in join.keys for _, name in columns_in(pair[side])} for side in (0, 1)
        )
        if counts.left_duplicates and counts.right_duplicates and len(joins) == 1:
            return {}  # the key is unique on neither side: another fault
        if join.kind == "RIGHT":
            if counts.right_repeated and not counts.left_repeated:
                repeated.setdefault(right, (left, counts.right_repeated, right_keys))
            continue
        if left in repeated and counts.right_matched:
            repeated.setdefault(right, (repeated[left][0], counts.right_matched, right_keys))
        if counts.left_repeated:
            for name in join.before:
                repeated.setdefault(name, (right, counts.left_repeated, left_keys))
    return repeated


def _is_named_after(alias: str, table: QueryTable, columns: list[str]) -> bool:
    """Return True if a count has the name of the table or of the column that it counts: ``count(o.id) AS orders``."""
    source = str(table.reference.get("table_name") or table.name).lower().removeprefix("df_")
    things = (source, *(re.sub(r"_?(?:id|key|code|no)$", "", column) for column in columns))
    return any(len(thing.rstrip("s")) > 2 and thing.rstrip("s") in alias.lower() for thing in things)


def _calls(select: Select) -> Iterator[tuple[Node, str]]:
    """Yield the aggregates of the SELECT and of HAVING that are not divided by another, and their aliases."""
    roots = [*select.node.get("select_list", ()), as_node(select.node.get("having"))]
    for root in roots:
        calls = [
            part
            for part in _walk_expression(root)
            if part.get("class") == "FUNCTION" and part.get("function_name") in _COUNTING
        ]
        divides = any(part.get("function_name") in ("/", "//", "divide") for part in walk(root))
        if not (divides and len(calls) > 1):
            yield from ((call, str(root.get("alias") or "")) for call in calls)


def _walk_expression(value: Any) -> Iterator[Node]:
    """Yield the nodes of an expression without its subqueries and window functions."""
    if isinstance(value, Mapping):
        if value.get("class") in ("SUBQUERY", "WINDOW"):
            return
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _walk_expression(part)


def _values(argument: Node) -> Iterator[Node]:
    """Yield the expressions whose values are aggregated: of a CASE its results."""
    if argument.get("type") == "CASE_EXPR":
        results = [as_node(check.get("then_expr")) for check in argument.get("case_checks", ())]
        for result in (*results, as_node(argument.get("else_expr"))):
            yield from _values(result)
    elif argument and not is_literal(argument) and argument.get("class") not in ("COMPARISON", "CONJUNCTION"):
        yield argument
