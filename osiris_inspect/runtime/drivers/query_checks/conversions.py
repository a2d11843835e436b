"""Conversions that lose or change values: TRY_CAST returns NULL, whole numbers lose fractions, a decimal comma is removed."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from osiris_inspect.runtime.drivers.interface.month_first import swapped_dates
from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in, table_of
from osiris_inspect.runtime.drivers.query_checks.tree import (
    Node,
    Select,
    as_node,
    call_arguments,
    conjuncts,
    is_literal,
    literal_text,
    render_query,
    select_from,
    walk,
)

MIN_LOST: Final = 3
MIN_SHARE: Final = 0.2
MIN_FORM_SHARE: Final = 0.01
"""Share of the values from which those that a form explains are worth a warning."""
MAX_CONVERSIONS: Final = 10
_MONEY: Final = r"(?:[€$£¥₹]|[A-Z]{3}|(?i:kč|zł|ft|lei|kr\.?))"
_DIGITS: Final = r"[-+]?[0-9][0-9., ]{0,20}"
_NUMBER_FORMS: Final = {
    "thousands separator": r"[-+]?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[-+]?[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]+)?"
    r"|[-+]?[0-9]{1,3}(?:[ '\x{00A0}\x{202F}\x{2009}][0-9]{3})+(?:[.,][0-9]+)?",
    "decimal comma": r"[-+]?[0-9]+,[0-9]+",
    "currency": rf"{_MONEY}\s?{_DIGITS}|{_DIGITS}\s?{_MONEY}",
    "percent sign": r"[-+]?[0-9]+(?:[.,][0-9]+)?\s?%",
    "parentheses": r"\([0-9][0-9., ]{0,20}\)",
    "minus sign at the end": r"[0-9][0-9., ]{0,20}-",
    "unit": r"[-+]?[0-9]+(?:[.,][0-9]+)?\s?(?i:kg|km|cm|mm|ml|mg|pcs|ks|kwh|mwh|mb|gb|lbs?|oz|min|sec|hrs)\.?",
}
_DATE_FORMS: Final = {
    "day or month first": r"[0-9]{1,2}([./-])\s?[0-9]{1,2}(?:[./-])\s?(?:[0-9]{4}|[0-9]{2})(?:[ T].{1,20})?",
    "year first": r"[0-9]{4}[./-][0-9]{1,2}[./-][0-9]{1,2}(?:[ T].{1,30})?",
    "no separators": r"(?:19|20)[0-9]{6}(?:[0-9]{6})?",
    "name of the month": r"(?:[0-9]{1,2}[. -]{0,2}\pL{3,9}\.?[ ,-]{0,2}[0-9]{2,4}|\pL{3,9}\.? [0-9]{1,2},? [0-9]{4})(?: .{1,20})?",
}
"""Forms of numbers and dates that a conversion does not read, by name; the first that fits counts."""
_NUMBERS: Final = (
    "TINYINT",
    "SMALLINT",
    "INT",
    "BIGINT",
    "UTINYINT",
    "USMALLINT",
    "UINTEGER",
    "UBIGINT",
    "HUGEINT",
)
_TIMES: Final = ("DATE", "TIME")
_PLACEHOLDERS: Final = ("", "-", "--", ".", "?", "n/a", "na", "null", "none", "nan", "unknown")
_WHOLE: Final = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UINTEGER", "UBIGINT", "HUGEINT"})
_FRACTIONAL: Final = frozenset({"DOUBLE", "FLOAT", "DECIMAL"})
_IS_SCALED: Final = (
    "count(*) FILTER (regexp_full_match(k0, ?) AND abs(k1) > 0 AND abs(k1 - replace(k0, ',', '.')::DOUBLE"
    " * power(10, length(k0) - greatest(instr(k0, ','), instr(k0, '.')))) < 1e-6 * abs(k1))"
)
"""Counts the numbers ``k0`` that ``k1`` has without their separator."""
_REMOVES: Final = frozenset({"replace", "regexp_replace", "translate"})
MAX_DATES: Final = 2_000
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
        if lost < MIN_LOST:
            continue
        form, count = _form_of_lost(database, query, result)
        is_explained = count >= max(MIN_LOST, MIN_FORM_SHARE * values, lost / 2)
        if lost >= MIN_SHARE * values or is_explained:
            column = next(name for _, name in columns_in(value))
            explained = {"form": form, "of_form": count} if is_explained else {}
            yield {"check": "values-lost", "column": column, "values": values, "lost": lost, **explained}


def _form_of_lost(database: Database, query: str, result: Node) -> tuple[str, int]:
    """Return the form that most of the lost values have, and how many have it; none has if the count is 0."""
    kind = _result_type(result)
    is_number = kind.startswith((*_NUMBERS, *_FRACTIONAL))
    forms = _NUMBER_FORMS if is_number else _DATE_FORMS if kind.startswith(_TIMES) else {}
    if not forms:
        return "", 0
    cases = " ".join(f"WHEN regexp_full_match(k0, ?) THEN {number}" for number in range(len(forms)))
    found = database.execute(
        f"SELECT CASE {cases} END AS form, count(*) FROM (SELECT trim(k0::VARCHAR) AS k0, k1 FROM ({query}))"  # noqa: S608  rendered
        " WHERE k1 IS NULL GROUP BY form HAVING form IS NOT NULL ORDER BY count(*) DESC, form LIMIT 1",
        list(forms.values()),
    )
    return ([*forms][found[0][0]], int(found[0][1])) if found else ("", 0)


def _result_type(node: Node) -> str:
    """Return the name of the type to which a value is converted; empty if it is unknown."""
    for part in walk(node):
        if part.get("function_name") == "try_strptime":
            return "TIMESTAMP"
        if part.get("type") == "OPERATOR_CAST" and part.get("try_cast"):
            return _type_name(part)
    return ""


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
            kind = _type_name(argument)
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


def find_removed_separators(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each conversion to numbers of texts such as ``12,50`` from which a function removes the decimal separator."""
    seen: set[str] = set()
    for column in map(as_node, select.node.get("select_list", ())):
        for part in () if _scales(column) else walk(column):
            references = [one for one in walk(part) if one.get("class") == "COLUMN_REF"]
            removes = any(one.get("function_name") in _REMOVES for one in walk(part))
            if part.get("type") != "OPERATOR_CAST" or len(references) != 1 or not removes:
                continue
            owner, name = table_of(references[0], tables), next(name for _, name in columns_in(references[0]))
            if owner is None or name in seen or not _type_name(part).startswith(tuple(_FRACTIONAL)):
                continue
            seen.add(name)
            query = render_query(
                database.execute, select_from(tables[owner].reference, select.ctes, [references[0], part], [])
            )
            ((values, *changed),) = database.execute(
                f"SELECT count(*), {_IS_SCALED}, {_IS_SCALED}"  # noqa: S608  rendered
                f" FROM (SELECT trim(k0::VARCHAR) AS k0, TRY_CAST(k1 AS DOUBLE) AS k1 FROM ({query}))",
                [r"[-+]?[0-9]+,[0-9]{1,2}", r"[-+]?[0-9]+\.[0-9]{1,2}"],
            )
            for count, separator in zip(changed, ",.", strict=True):
                if count >= max(MIN_LOST, MIN_FORM_SHARE * values):
                    yield {
                        "check": "separator-removed",
                        "column": name,
                        "separator": separator,
                        "values": values,
                        "changed": count,
                    }


def _scales(column: Node) -> bool:
    """Return True if an expression multiplies or divides by a constant, as one that makes euros of cents does."""
    return any(
        part.get("function_name") in ("/", "*") and any(map(is_literal, call_arguments(part)))
        for part in walk(column)
    )


def _type_name(cast: Node) -> str:
    """Return the name of the type to which a cast converts; empty if it is unknown."""
    cast_type, type_name = as_node(cast.get("cast_type")), as_node(cast.get("type_expr"))
    return str(cast_type.get("id") or type_name.get("type_name")).upper()


def find_swapped_dates(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield each conversion of dates with the month first whose dates seem to have the day first."""
    seen: set[str] = set()
    for part in walk(select.node.get("select_list", ())):
        arguments = call_arguments(part)
        if part.get("function_name") not in ("strptime", "try_strptime") or len(arguments) != 2:
            continue
        form, owner = literal_text(arguments[1]) or "", table_of(arguments[0], tables)
        if not form.startswith(("%m/%d/", "%m.%d.", "%m-%d-", "%-m/%-d/")) or owner is None:
            continue
        name = next(name for _, name in columns_in(arguments[0]))
        query = render_query(database.execute, select_from(tables[owner].reference, select.ctes, [part], []))
        rows = database.execute(
            f"SELECT DISTINCT k0::DATE FROM ({query}) WHERE k0 IS NOT NULL LIMIT {MAX_DATES}",  # noqa: S608  rendered
            [],
        )
        signs = (
            swapped_dates([day for (day,) in rows]) if len(rows) < MAX_DATES and name not in seen else None
        )
        seen.add(name)
        if signs is not None:
            yield {"check": "days-read-as-months", "column": name, "format": form, **signs}


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
