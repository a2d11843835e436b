"""Parts of a query that leave out rows: a comparison with NULL, the last day of a period, text, a sample, a LIMIT."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.tables import (
    Database,
    QueryTable,
    columns_in,
    read_table,
    table_of,
)
from osiris_inspect.runtime.drivers.query_checks.tree import (
    COMPARISONS,
    STAR,
    Node,
    Select,
    as_node,
    call_arguments,
    conjuncts,
    is_literal,
    is_null,
    literal_text,
    render_query,
    select_from,
    walk,
)

MIN_VALUES: Final = 5
MAX_CONDITIONS: Final = 3
MIN_NULLS: Final = 3
MIN_NULL_SHARE: Final = 0.05
_SAMPLE: Final = 5_000
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_UNPADDED: Final = re.compile(r"\d{4}([-/.])\d{1,2}(?:\1\d{1,2})?")
"""A month or a day, perhaps without leading zeros."""
_GROUPED: Final = r"[-+]?\d{1,3}(?:,\d{3}){1,6}(?:\.\d{1,9})?"
"""A number with separators of thousands."""
_ORDERED: Final = COMPARISONS - {"COMPARE_EQUAL", "COMPARE_NOTEQUAL"}


def count_filtered(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield for each condition of WHERE or of one aggregate the table, its rows and how many of them fulfil it.

    Only for an input, and only for conditions that name its columns and nothing else.
    """
    where = conjuncts(as_node(select.node.get("where_clause")))
    listed = list(walk(select.node.get("select_list", ())))
    conditions = [where] if where else []
    conditions += [[as_node(part["filter"])] for part in listed if part.get("filter")]
    conditions += [[condition] for part in listed for condition in _case_condition(part)]
    for parts in conditions[:MAX_CONDITIONS]:
        for table in tables.values():
            filters = [part for part in parts if table_of(part, tables) == table.name]
            source = str(table.reference.get("table_name") or "").lower()
            if filters and table.is_input and source in database.rows:
                query = render_query(
                    database.execute, select_from(table.reference, select.ctes, [STAR], filters)
                )
                ((kept,),) = database.execute(f"SELECT count(*) FROM ({query})", [])  # noqa: S608  rendered
                yield {"table": table.label, "rows": database.rows[source], "kept": int(kept)}


def _case_condition(call: Node) -> Iterator[Node]:
    """Yield the condition of ``sum(CASE WHEN condition THEN … END)``."""
    case = next(iter(call_arguments(call)), {}) if call.get("function_name") in ("sum", "count") else {}
    checks = [as_node(check) for check in case.get("case_checks", ())]
    if len(checks) == 1 and is_literal(as_node(case.get("else_expr"))):
        yield as_node(checks[0].get("when_expr"))


def find_null_comparisons(select: Select) -> Iterator[dict[str, Any]]:
    """Yield each comparison with the constant NULL, which no row fulfils."""
    conditions = [
        select.node.get(name) for name in ("where_clause", "having", "qualify", "select_list", "from_table")
    ]
    for part in walk(conditions):
        if part.get("type") in COMPARISONS:
            one, other = as_node(part.get("left")), as_node(part.get("right"))
            if is_null(one) != is_null(other):
                names = [name for _, name in columns_in(part)]
                yield {"check": "comparison-with-null", "column": names[0] if names else ""}


def find_null_lists(database: Database, select: Select) -> Iterator[dict[str, Any]]:
    """Yield each NOT IN (SELECT …) whose list has a NULL, so that no row fulfils it."""
    for part in walk(select.node.get("where_clause")):
        negated = as_node((part.get("children") or [None])[0]) if part.get("type") == "OPERATOR_NOT" else {}
        if negated.get("subquery_type") != "ANY" or negated.get("comparison_type") != "COMPARE_EQUAL":
            continue
        inner = as_node(as_node(negated.get("subquery")).get("node"))
        listed = {"type": "SUBQUERY", "alias": "listed", "subquery": {"node": inner}}
        if read_table(database, listed, select) is None:
            continue
        query = render_query(database.execute, select_from(listed, select.ctes, [STAR], []))
        ((nulls,),) = database.execute(
            f"SELECT count(*) FROM ({query}) AS listed(value) WHERE value IS NULL",  # noqa: S608  rendered
            [],
        )
        if nulls:
            names = [name for _, name in columns_in(as_node(negated.get("child")))]
            yield {"check": "not-in-with-null", "column": names[0] if names else "", "nulls": int(nulls)}


def find_nulls_left_out(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each ``column <> constant`` of WHERE that leaves out rows without a value in the column."""
    where = as_node(select.node.get("where_clause"))
    tested = {
        name
        for part in walk(where)
        if part.get("type") in ("OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL")
        for _, name in columns_in(part)
    }
    for part in conjuncts(where):
        column = as_node(part.get("left"))
        owner = table_of(column, tables)
        is_inequality = part.get("type") == "COMPARE_NOTEQUAL" and is_literal(as_node(part.get("right")))
        if not is_inequality or owner is None or column.get("class") != "COLUMN_REF":
            continue
        name = next(name for _, name in columns_in(column))
        query = render_query(
            database.execute, select_from(tables[owner].reference, select.ctes, [column], [])
        )
        ((rows, values),) = database.execute(f"SELECT count(*), count(k0) FROM ({query})", [])  # noqa: S608  rendered
        if name not in tested and values and rows - values >= max(MIN_NULLS, MIN_NULL_SHARE * rows):
            yield {"check": "nulls-left-out", "column": name, "nulls": int(rows - values), "rows": int(rows)}


def find_cut_days(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each period that ends with a day and leaves out the rows of that day after midnight."""
    for part in walk(select.node.get("where_clause")):
        column, bound = _upper_bound(part)
        day, owner = literal_text(bound), table_of(column, tables)
        if day is None or not _DAY.fullmatch(day) or owner is None or column.get("class") != "COLUMN_REF":
            continue
        name = next(name for _, name in columns_in(column))
        table = tables[owner]
        if not table.columns[name].upper().startswith("TIMESTAMP"):
            continue
        query = render_query(database.execute, select_from(table.reference, select.ctes, [column], []))
        ((rows,),) = database.execute(
            f"SELECT count(*) FROM ({query}) WHERE k0 > CAST(? AS DATE) AND k0 < CAST(? AS DATE) + 1",  # noqa: S608
            [day, day],
        )
        if rows:
            yield {"check": "period-cuts-last-day", "column": name, "day": day, "rows": int(rows)}


def _upper_bound(part: Node) -> tuple[Node, Node]:
    """Return the column and the bound of ``column BETWEEN … AND bound`` or ``column <= bound``."""
    if part.get("type") == "COMPARE_BETWEEN":
        return as_node(part.get("input")), as_node(part.get("upper"))
    if part.get("type") == "COMPARE_LESSTHANOREQUALTO":
        return as_node(part.get("left")), as_node(part.get("right"))
    if part.get("type") == "COMPARE_GREATERTHANOREQUALTO":
        return as_node(part.get("right")), as_node(part.get("left"))
    return {}, {}


def find_text_numbers(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each MIN, MAX, < or > of a text column that has numbers only, and orders them as text."""
    seen: set[str] = set()
    for part, use in _ordered(select):
        owner = table_of(part, tables)
        if owner is None or part.get("class") != "COLUMN_REF":
            continue
        name = next(name for _, name in columns_in(part))
        table = tables[owner]
        if table.columns[name].upper() != "VARCHAR" or name in seen:
            continue
        seen.add(name)
        query = render_query(database.execute, select_from(table.reference, select.ctes, [part], []))
        ((values, numbers, lengths, as_text, as_number),) = database.execute(
            f"""SELECT count(k0), count(number), count(DISTINCT length(k0)), max_by(number, k0), max(number)
            FROM (SELECT k0, try_cast(if(regexp_full_match(k0, ?), replace(k0, ',', ''), k0) AS DOUBLE) AS number
              FROM ({query}) LIMIT {_SAMPLE})""",  # noqa: S608  rendered from the query's own tree
            [_GROUPED],
        )
        if values >= MIN_VALUES and values == numbers and lengths > 1:
            fact = {"check": "numbers-compared-as-text", "column": name, "use": use}
            if use not in ("max", "min") or as_text != as_number:
                yield fact


def find_text_months(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each < or > of a text column that has months or days without leading zeros: '2026-10' before '2026-9'."""
    for part in walk(select.node.get("where_clause")):
        if part.get("type") == "COMPARE_BETWEEN":
            column = as_node(part.get("input"))
            bounds = [as_node(part.get(side)) for side in ("lower", "upper")]
        elif part.get("type") in _ORDERED:
            sides = [as_node(part.get(side)) for side in ("left", "right")]
            column, bounds = (sides[0], sides[1:]) if is_literal(sides[1]) else (sides[1], sides[:1])
        else:
            continue
        owner = table_of(column, tables)
        if owner is None or column.get("class") != "COLUMN_REF":
            continue
        name, table = next(name for _, name in columns_in(column)), tables[owner]
        texts = [literal_text(bound) for bound in bounds]
        is_day = all(text is not None and _UNPADDED.fullmatch(text) for text in texts)
        if not is_day or table.columns[name].upper() != "VARCHAR":
            continue
        query = render_query(database.execute, select_from(table.reference, select.ctes, [column], []))
        ((values, days, shortest, longest, example),) = database.execute(
            f"""SELECT count(k0), count(k0) FILTER (regexp_full_match(k0, ?)), min(length(k0)), max(length(k0)), arg_min(k0, length(k0))
            FROM (SELECT k0 FROM ({query}) LIMIT {_SAMPLE})""",  # noqa: S608  rendered from the query's own tree
            [r"\d{4}[-/.]\d{1,2}([-/.]\d{1,2})?"],
        )
        if values >= MIN_VALUES and values == days and shortest < longest:
            yield {"check": "days-compared-as-text", "column": name, "example": str(example)}
            return


def _ordered(select: Select) -> Iterator[tuple[Node, str]]:
    """Yield the expressions that are ordered, and by what. An order without a limit loses no row."""
    modifiers = {str(part.get("type")): part for part in map(as_node, select.node.get("modifiers", ()))}
    if "LIMIT_MODIFIER" in modifiers:
        for order in as_node(modifiers.get("ORDER_MODIFIER")).get("orders", ()):
            yield as_node(order.get("expression")), "ORDER BY"
    for part in walk([select.node.get(key) for key in ("where_clause", "select_list", "having", "qualify")]):
        if part.get("function_name") in ("max", "min") and part.get("class") == "FUNCTION":
            yield from ((argument, str(part["function_name"])) for argument in call_arguments(part))
        elif part.get("type") in _ORDERED:
            one, other = as_node(part.get("left")), as_node(part.get("right"))
            for side, bound in ((one, other), (other, one)):
                text = literal_text(bound)
                if (
                    is_literal(bound)
                    and text is not None
                    and re.fullmatch(r"-?\d{1,20}(?:\.\d{1,20})?", text)
                ):
                    yield side, "<" if "LESS" in str(part["type"]) else ">"


def find_samples(tree: Node) -> Iterator[dict[str, Any]]:
    """Yield the samples of a query."""
    for node in walk(tree):
        sample = as_node(node.get("sample"))
        size = as_node(sample.get("sample_size")).get("value")
        if size is not None:
            unit = "%" if sample.get("is_percentage") else " rows"
            yield {"check": "rows-sampled", "part": f"USING SAMPLE {size:g}{unit}"}


def find_inner_limit(select: Select, *, is_outer: bool) -> Iterator[dict[str, Any]]:
    """Yield the LIMIT of a SELECT that another one reads, if its rows have no order."""
    modifiers = {as_node(part).get("type"): as_node(part) for part in select.node.get("modifiers", ())}
    limit = as_node(as_node(modifiers.get("LIMIT_MODIFIER")).get("limit"))
    text = as_node(limit.get("literal")).get("text")
    if not is_outer and "ORDER_MODIFIER" not in modifiers and text is not None and text not in ("0", "1"):
        yield {"check": "rows-sampled", "part": f"LIMIT {text}"}
