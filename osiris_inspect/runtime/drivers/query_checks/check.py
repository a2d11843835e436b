"""All checks of a query that has run."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.join_counts import CountedKeys, JoinCounts
from osiris_inspect.runtime.drivers.query_checks.aggregates import (
    find_counted_values,
    find_distinct_sums,
    find_mixed_units,
    find_outer_counts,
    find_repeated_aggregates,
)
from osiris_inspect.runtime.drivers.query_checks.conditions import (
    count_filtered,
    find_cut_days,
    find_inner_limit,
    find_null_comparisons,
    find_null_lists,
    find_nulls_left_out,
    find_samples,
    find_text_months,
    find_text_numbers,
)
from osiris_inspect.runtime.drivers.query_checks.conversions import (
    find_cut_fractions,
    find_lost_values,
    find_removed_separators,
    find_swapped_dates,
)
from osiris_inspect.runtime.drivers.query_checks.inline import inline_select
from osiris_inspect.runtime.drivers.query_checks.joins import (
    Join,
    count_rows,
    find_joins,
    is_null_tolerant,
    read_tables,
    sides_used,
    without_late_filters,
)
from osiris_inspect.runtime.drivers.query_checks.key_forms import match_in_other_form
from osiris_inspect.runtime.drivers.query_checks.lookups import (
    count_newer_keys,
    find_repeated_lookups,
    find_unknown_members,
    find_wrong_keys,
)
from osiris_inspect.runtime.drivers.query_checks.ranges import find_shared_bounds
from osiris_inspect.runtime.drivers.query_checks.results import (
    ResultColumns,
    find_constant_results,
    find_missing_operands,
    find_zero_quotients,
    restricts_rows,
)
from osiris_inspect.runtime.drivers.query_checks.spellings import find_other_spellings, find_split_groups
from osiris_inspect.runtime.drivers.query_checks.tables import Database, QueryTable, columns_in
from osiris_inspect.runtime.drivers.query_checks.tree import Node, Select, iter_selects, parse_query, walk
from osiris_inspect.runtime.drivers.query_checks.unions import (
    find_removed_rows,
    find_shared_keys,
    find_swapped_columns,
)

MAX_SELECTS: Final = 8
MAX_CHECKS: Final = 8
MAX_FILTERS: Final = 4
MIN_UNMATCHED: Final = 3
MIN_SHARE: Final = 0.1
"""Share of the rows of a side without a partner above which other forms of their keys are compared."""
_WORTH_PARSING: Final = re.compile(
    r"\b(?:where|join|union|intersect|except|null|between|max|min|limit|sample|tablesample|case|coalesce|ifnull|nvl|cast|try_cast|strptime|try_strptime)\b|::|<>|!=|[<>]=?\s{0,9}(?:'|date\b|timestamp\b)|'\s{0,9}[<>=]|=\s{0,9}'|\b(?:in\s{0,9}\(|group\s{1,9}by\b|distinct\b|filter\b|sum\b|count\b|like\b)|\bfrom\b[^()]{1,200},|//|\|\||\w\s{0,9}[+-]\s{0,9}[a-z_]",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """Results: the counts of a join, or None, a mapping with ``check`` for each mistake, and what conditions keep."""

    join: dict[str, Any] | None
    checks: tuple[dict[str, Any], ...]
    filters: tuple[dict[str, Any], ...] = ()


def check_query(database: Database, query: str, result: ResultColumns) -> QueryFacts:
    """Check a statement that has run."""
    if not _WORTH_PARSING.search(query):
        return QueryFacts(None, ())
    tree = parse_query(database.execute, query)
    checks = database.attempt(find_swapped_columns(database, tree))
    checks += database.attempt(find_removed_rows(database, tree))
    checks += database.attempt(find_shared_keys(database, tree))
    checks += database.attempt(find_samples(tree))
    joins: list[dict[str, Any]] = []
    filters: list[dict[str, Any]] = []
    selects = list(iter_selects(tree))[:MAX_SELECTS]
    may_choose = any(map(restricts_rows, selects))
    for select in selects:
        tables = {table.name: table for table in database.attempt(read_tables(database, select))}
        found = database.attempt(_check_joins(database, select, tables))
        is_outer = select.node is tree
        joins += [one if is_outer else _as_part(one) for one in found if "check" not in one]
        checks += [check for check in found if "check" in check]
        checks += database.attempt(_check_inlined(database, select))
        filters += database.attempt(count_filtered(database, select, tables))
        checks += database.attempt(find_shared_bounds(database, select, tables))
        checks += database.attempt(_check_conditions(database, select, tables))
        misspelled = database.attempt(find_other_spellings(database, tree, select, tables))
        checks += misspelled
        checks += database.attempt(find_split_groups(database, select, tables))
        checks += database.attempt(find_inner_limit(select, is_outer=is_outer))
        checks += database.attempt(find_lost_values(database, select, tables))
        checks += database.attempt(find_removed_separators(database, select, tables))
        checks += database.attempt(find_swapped_dates(database, select, tables))
        checks += database.attempt(find_zero_quotients(database, select, tables, result))
        checks += database.attempt(find_missing_operands(database, select, tables))
        if not may_choose and not misspelled:
            checks += database.attempt(find_constant_results(database, select, tables, result))
    checks = [check for number, check in enumerate(checks) if check not in checks[:number]]
    return QueryFacts(_join_of_query(tree, joins), tuple(checks[:MAX_CHECKS]), tuple(filters[:MAX_FILTERS]))


def _join_of_query(tree: Node, joins: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the counts of the join that multiplies rows, else of the first; None unless all joins were counted."""
    if not joins or len(joins) != sum(node.get("type") == "JOIN" for node in walk(tree)):
        return None
    multiplying = (join for join in joins if join["left_duplicates"] and join["right_duplicates"])
    join = next(multiplying, joins[0])
    return join if len(joins) == 1 else _as_part(join)


def _as_part(join: dict[str, Any]) -> dict[str, Any]:
    """Return the counts of a join that is a part of a query; ``whole``: it joins all rows of both inputs."""
    return {**join, "filtered": True, **({} if join.get("filtered") else {"whole": True})}


def _check_joins(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    """Yield the counts of each join, and the mistakes of the joins."""
    counted = []
    for join in find_joins(select, tables):
        keys = count_rows(database, select, without_late_filters(join))
        if keys is None:
            break
        counted.append((join, keys))
    for join, keys in counted:
        uses = sides_used(select, join)
        newer = count_newer_keys(join, keys)
        yield {**_facts(join, keys.counts), **({"uses": uses} if uses else {}), **newer}
    yield from find_repeated_aggregates(select, tables, [(join, keys.counts) for join, keys in counted])
    for join, keys in counted:
        yield from find_outer_counts(select, tables, join, keys.counts)
        yield from find_repeated_lookups(select, tables, join, keys.counts)
        yield from find_wrong_keys(database, join, keys.counts)
        yield from find_unknown_members(select, tables, join, keys.counts, int(keys.left_alone.sum()))
    for join, filtered_keys in counted:
        is_late = bool(join.late_filters)
        keys = count_rows(database, select, replace(join, late_filters=())) if is_late else filtered_keys
        if keys is not None:
            yield from _lost_rows(join, keys.counts)
            yield from _other_form(join, keys)


def _check_inlined(database: Database, select: Select) -> Iterator[dict[str, Any]]:
    """Yield the aggregates of a SELECT over rows that the joins of the only SELECT it reads repeat."""
    inlined = inline_select(select)
    if inlined is None:
        return
    tables = {table.name: table for table in read_tables(database, inlined)}
    yield from find_mixed_units(database, inlined, tables)
    if inlined.from_table.get("type") != "JOIN":
        return
    counted = []
    for join in find_joins(inlined, tables):
        keys = count_rows(database, inlined, without_late_filters(join))
        if keys is not None:
            counted.append((join, keys.counts))
    yield from find_repeated_aggregates(inlined, tables, counted)
    yield from find_missing_operands(database, inlined, tables)


def _check_conditions(
    database: Database, select: Select, tables: Mapping[str, QueryTable]
) -> Iterator[dict[str, Any]]:
    yield from find_null_comparisons(select)
    yield from find_null_lists(database, select)
    yield from find_nulls_left_out(database, select, tables)
    yield from find_cut_days(database, select, tables)
    yield from find_text_numbers(database, select, tables)
    yield from find_text_months(database, select, tables)
    yield from find_distinct_sums(database, select, tables)
    yield from find_mixed_units(database, select, tables)
    yield from find_cut_fractions(database, select, tables)
    yield from find_counted_values(database, select, tables)


def _facts(join: Join, counts: JoinCounts) -> dict[str, Any]:
    names = ("left_rows", "right_rows", "matched", "right_matched", "left_duplicates", "right_duplicates")
    numbers = asdict(counts)
    return {
        **{name: numbers[name] for name in names},
        "kind": join.kind.lower(),
        **({"filtered": True} if join.is_filtered else {}),
    }


def _lost_rows(join: Join, counts: JoinCounts) -> Iterator[dict[str, Any]]:
    """Yield a left join whose rows without a partner are dropped by a condition of WHERE."""
    if join.kind != "LEFT" or not join.late_filters or any(map(is_null_tolerant, join.late_filters)):
        return
    if counts.left_rows > counts.matched:
        column = next((name for _, name in columns_in(join.late_filters[0])), "")
        yield {
            "check": "left-join-drops-rows",
            "table": join.right.label,
            "column": column,
            "rows": counts.left_rows - counts.matched,
        }


def _other_form(join: Join, keys: CountedKeys) -> Iterator[dict[str, Any]]:
    """Yield a join of which many rows have no partner, but would have one if the keys were written alike."""
    sides = (
        ("RIGHT", join.left, join.right, keys.left, keys.right, keys.left_alone),
        ("LEFT", join.right, join.left, keys.right, keys.left, keys.right_alone),
    )
    for kind_without, table, partner, own, others, alone in sides:
        rows, unmatched = len(alone), int(alone.sum())
        if join.kind == kind_without or unmatched < max(MIN_UNMATCHED, MIN_SHARE * rows):
            continue
        match = match_in_other_form(own.filter(pa.array(alone)), others)
        if match is not None:
            count, form, matching = match
            yield {
                "check": "join-keys-differ-in-form",
                "table": table.label,
                "partner": partner.label,
                "rows": rows,
                "unmatched": unmatched,
                "keys": count,
                "unmatched_would_match": {form: matching},
            }
            return
