"""All checks of a query that has run."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from osiris_inspect.runtime.drivers.query_checks.aggregates import find_repeated_aggregates
from osiris_inspect.runtime.drivers.query_checks.conditions import (
    find_cut_days,
    find_null_comparisons,
    find_null_lists,
    find_text_numbers,
)
from osiris_inspect.runtime.drivers.query_checks.joins import (
    Join,
    JoinCounts,
    count_other_forms,
    count_rows,
    find_joins,
    is_null_tolerant,
    read_tables,
    without_late_filters,
)
from osiris_inspect.runtime.drivers.query_checks.results import ResultColumns, find_constant_results
from osiris_inspect.runtime.drivers.query_checks.tables import Database, columns_in
from osiris_inspect.runtime.drivers.query_checks.tree import Select, iter_selects, parse_query
from osiris_inspect.runtime.drivers.query_checks.unions import find_swapped_columns

MAX_SELECTS: Final = 8
MAX_CHECKS: Final = 8
MIN_UNMATCHED: Final = 3
MIN_SHARE: Final = 0.1
"""Share of the rows of a side without a partner above which other forms of their keys are compared."""
_WORTH_PARSING: Final = re.compile(
    r"\b(?:join|union|intersect|except|null|between|max|min|case|coalesce|ifnull|nvl)\b|[<>]|\bin\s{0,9}\(\s{0,9}select|\bfrom\b[^()]{1,200},",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """Results: the counts of the first join of the outer SELECT, else of another, or None, and a mapping with ``check`` for each mistake."""

    join: dict[str, Any] | None
    checks: tuple[dict[str, Any], ...]


def check_query(database: Database, query: str, result: ResultColumns) -> QueryFacts:
    """Check a statement that has run."""
    if not _WORTH_PARSING.search(query):
        return QueryFacts(None, ())
    tree = parse_query(database.execute, query)
    checks = database.attempt(find_swapped_columns(database, tree))
    joins: list[dict[str, Any]] = []
    for select in list(iter_selects(tree))[:MAX_SELECTS]:
        found = database.attempt(_check_joins(database, select))
        is_outer = select.node is tree
        counts = [one if is_outer else {**one, "filtered": True} for one in found if "check" not in one]
        joins = [*counts, *joins] if is_outer else [*joins, *counts]
        checks += [check for check in found if "check" in check]
        checks += database.attempt(_check_conditions(database, select))
        if is_outer:
            checks += database.attempt(_check_result(database, select, result))
    return QueryFacts(joins[0] if joins else None, tuple(checks[:MAX_CHECKS]))


def _check_joins(database: Database, select: Select) -> Iterator[dict[str, Any]]:
    """Yield the counts of the first join, and the mistakes of the joins."""
    tables, joins = find_joins(database, select)
    counted = [(join, count_rows(database, select, without_late_filters(join))) for join in joins]
    for join, counts in counted[:1]:
        yield _facts(join, counts)
    yield from find_repeated_aggregates(select, tables, counted)
    for join, counts in counted:
        yield from _lost_rows(database, select, join)
        yield from _other_forms(database, select, join, counts)


def _check_conditions(database: Database, select: Select) -> Iterator[dict[str, Any]]:
    yield from find_null_comparisons(select)
    yield from find_null_lists(database, select)
    tables = read_tables(database, select)
    yield from find_cut_days(database, select, tables)
    yield from find_text_numbers(database, select, tables)


def _check_result(database: Database, select: Select, result: ResultColumns) -> Iterator[dict[str, Any]]:
    yield from find_constant_results(database, select, read_tables(database, select), result)


def _facts(join: Join, counts: JoinCounts) -> dict[str, Any]:
    names = ("left_rows", "right_rows", "matched", "right_matched", "left_duplicates", "right_duplicates")
    numbers = asdict(counts)
    return {
        **{name: numbers[name] for name in names},
        "kind": join.kind.lower(),
        **({"filtered": True} if join.is_filtered else {}),
    }


def _lost_rows(database: Database, select: Select, join: Join) -> Iterator[dict[str, Any]]:
    """Yield a left join whose rows without a partner are dropped by a condition of WHERE."""
    if join.kind != "LEFT" or not join.late_filters or any(map(is_null_tolerant, join.late_filters)):
        return
    counts = count_rows(database, select, replace(join, late_filters=()))
    if counts.left_rows > counts.matched:
        column = next((name for _, name in columns_in(join.late_filters[0])), "")
        yield {
            "check": "left-join-drops-rows",
            "table": join.right.label,
            "column": column,
            "rows": counts.left_rows - counts.matched,
        }


def _other_forms(
    database: Database, select: Select, join: Join, counts: JoinCounts
) -> Iterator[dict[str, Any]]:
    """Yield a join of which many rows have no partner, but would have one if the keys were written alike."""
    sides = (
        (False, join.kind in ("INNER", "LEFT", "OUTER"), counts.left_rows, counts.matched),
        (True, join.kind in ("INNER", "RIGHT", "OUTER"), counts.right_rows, counts.right_matched),
    )
    whole = replace(join, late_filters=())
    for of_right, counts_rows, rows, matched in sides:
        if not counts_rows or rows - matched < max(MIN_UNMATCHED, MIN_SHARE * rows):
            continue
        forms = count_other_forms(database, select, whole, of_right=of_right)
        keys = forms.pop("keys")
        if keys and 2 * max(forms.values()) >= keys:
            yield {
                "check": "join-keys-differ-in-form",
                "table": (join.right if of_right else join.left).label,
                "partner": (join.left if of_right else join.right).label,
                "rows": rows,
                "unmatched": rows - matched,
                "keys": keys,
                "unmatched_would_match": {name: count for name, count in forms.items() if count},
            }
            return
