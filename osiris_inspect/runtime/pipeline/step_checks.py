"""Checks that a step of a pipeline declares under ``checks``: reads and validates them.

Patterns and queries are parsed by DuckDB, which runs them.
"""

from collections.abc import Iterator, Mapping
from datetime import date, time
from typing import Any, Final, NamedTuple

from osiris_inspect.base.near_names import Suggestions
from osiris_inspect.runtime.pipeline.json_values import not_json_safe
from osiris_inspect.runtime.pipeline.sql import tables as sql_tables
from osiris_inspect.runtime.pipeline.yaml_positions import KeyPath

MAX_CHECKS: Final = 1_000
"""Queries, and columns with conditions, of one step."""
FRAME_TABLE: Final = "df"
"""Name of the checked frame in SQL."""
_KEYS: Final = ("rows", "not_null", "unique", "values", "sql", "on_failure")
_CONSTRAINTS: Final = ("in", "min", "max", "regex")
_LIMITS: Final = ("min", "max")
_NAMES: Final = "must be a list of column names: [<column>, …]"


class CheckProblem(NamedTuple):
    """Problem of ``checks``, and its path below it; ``at_key`` if it is about a key instead of its value."""

    message: str
    path: KeyPath = ()
    at_key: bool = False


def read_checks(value: Any, suggestions: Suggestions) -> tuple[dict[str, Any], list[CheckProblem]]:
    """Return the checks in the form of the manifest, and their problems.

    In the manifest ``unique`` is a list of keys, each a list of columns, and ``sql`` a list of queries.
    """
    if not isinstance(value, Mapping) or not value:
        return {}, [CheckProblem(f"checks must be a mapping with {', '.join(_KEYS)}")]
    problems = [
        *(CheckProblem(text, path) for text, path in not_json_safe("checks", value)),
        *_unknown_keys(value, _KEYS, "checks", (), suggestions),
        *_rows_problems(value.get("rows"), suggestions),
        *_column_problems(value.get("not_null"), "not_null"),
        *_unique_problems(value.get("unique")),
        *_values_problems(value.get("values"), suggestions),
        *_sql_problems(value.get("sql")),
    ]
    if value.get("on_failure", "fail") not in ("fail", "warn"):
        problems.append(CheckProblem("on_failure must be 'fail' or 'warn'", ("on_failure",)))
    if set(value) <= {"on_failure"}:
        problems.append(CheckProblem("checks has no check; add one, such as not_null: [<column>]"))
    problems += (
        CheckProblem(f"{key!r} is empty; write what it requires, or remove it", (str(key),))
        for key, item in value.items()
        if key in _KEYS and item is None
    )
    return ({}, problems) if problems else (_normalized(value), [])


def checked_columns(checks: Mapping[str, Any]) -> Iterator[tuple[str, KeyPath]]:
    """Yield each column that the checks name, and the path of its name below ``checks``."""
    for number, name in enumerate(checks.get("not_null", ())):
        yield name, ("not_null", number)
    for number, key in enumerate(checks.get("unique", ())):
        for position, name in enumerate(key):
            yield name, ("unique", number, position)
    for name in checks.get("values", {}):
        yield name, ("values", f"<key>{name}")


def _normalized(value: Mapping[str, Any]) -> dict[str, Any]:
    checks = {key: _plain(item) for key, item in value.items()}
    if "unique" in checks and isinstance(checks["unique"][0], str):
        checks["unique"] = [checks["unique"]]
    if isinstance(checks.get("sql"), str):
        checks["sql"] = [checks["sql"]]
    return checks


def _plain(value: Any) -> Any:
    """Return a value with dates and times, which YAML knows, as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, date | time) else value


def _unknown_keys(
    value: Mapping[str, Any], known: tuple[str, ...], name: str, path: KeyPath, suggestions: Suggestions
) -> Iterator[CheckProblem]:
    for key in map(str, value):
        if key not in known:
            hint = suggestions.did_you_mean(key, known) or f"; use one of {', '.join(known)}"
            yield CheckProblem(f"unknown key {key!r} in {name}{hint}", (*path, key), at_key=True)


def _rows_problems(limits: Any, suggestions: Suggestions) -> Iterator[CheckProblem]:
    if limits is None:
        return
    if not isinstance(limits, Mapping) or not limits:
        yield CheckProblem("rows must be a mapping with min, max or both", ("rows",))
        return
    yield from _unknown_keys(limits, _LIMITS, "rows", ("rows",), suggestions)
    numbers = {key: limits[key] for key in _LIMITS if key in limits}
    for key, number in numbers.items():
        if type(number) is not int or number < 0:
            yield CheckProblem(f"{key} of rows must be an integer >= 0", ("rows", key))
            return
    if len(numbers) == 2 and numbers["min"] > numbers["max"]:
        yield CheckProblem("min of rows is larger than max", ("rows", "min"))


def _column_problems(names: Any, key: str, path: KeyPath | None = None) -> Iterator[CheckProblem]:
    path = path or (key,)
    if names is None:
        return
    if not isinstance(names, list) or not names:
        yield CheckProblem(f"{key} {_NAMES}", path)
        return
    seen: set[str] = set()
    for number, name in enumerate(names):
        if not isinstance(name, str) or not name:
            text = f"{key} {_NAMES}; {name!r} is not text, put it in quotes"
            yield CheckProblem(text, (*path, number))
        elif name in seen:
            yield CheckProblem(f"{key} contains {name!r} twice; remove one", (*path, number))
        else:
            seen.add(name)


def _unique_problems(keys: Any) -> Iterator[CheckProblem]:
    if isinstance(keys, list) and keys and all(isinstance(key, list) for key in keys):
        for number, key in enumerate(keys):
            yield from _column_problems(key, "a key of unique", ("unique", number))
    elif isinstance(keys, list) and any(isinstance(key, list) for key in keys):
        text = "unique must be one key, [<column>, …], or a list of keys, [[<column>], [<column>, …]]"
        yield CheckProblem(text, ("unique",))
    else:
        yield from _column_problems(keys, "unique")


def _values_problems(columns: Any, suggestions: Suggestions) -> Iterator[CheckProblem]:
    if columns is None:
        return
    if not isinstance(columns, Mapping) or not columns:
        yield CheckProblem("values must be a mapping of column: {in, min, max or regex}", ("values",))
        return
    if len(columns) > MAX_CHECKS:
        text = f"values has {len(columns):,} columns; write at most {MAX_CHECKS:,}"
        yield CheckProblem(text, ("values",))
        return
    for name, constraints in columns.items():
        path = ("values", str(name))
        if not isinstance(constraints, Mapping) or not constraints:
            text = f"values of {name!r} must be a mapping with {', '.join(_CONSTRAINTS)}"
            yield CheckProblem(text, path)
            continue
        yield from _unknown_keys(constraints, _CONSTRAINTS, f"values of {name!r}", path, suggestions)
        for key, expected in constraints.items():
            text = _constraint_problem(str(key), expected)
            if text:
                yield CheckProblem(f"{key} of {name!r} {text}", (*path, str(key)))


def _constraint_problem(key: str, expected: Any) -> str:
    if key in _LIMITS:
        is_limit = isinstance(expected, int | float | str | date | time) and not isinstance(expected, bool)
        return "" if is_limit else "must be a number or text, such as a date"
    if key == "in":
        is_list = isinstance(expected, list) and bool(expected)
        is_valid = is_list and all(isinstance(item, str | int | float | date | time) for item in expected)
        return "" if is_valid else "must be a list of values: [<value>, …]"
    if key == "regex":
        if not isinstance(expected, str):
            return "must be text"
        reason = sql_tables.regex_error(expected)
        return f"is not a valid regular expression: {reason}; DuckDB uses the syntax of RE2" if reason else ""
    return ""


def _sql_problems(queries: Any) -> Iterator[CheckProblem]:
    if queries is None:
        return
    listed = queries if isinstance(queries, list) else [queries]
    if not listed or not all(isinstance(query, str) and query.strip() for query in listed):
        text = f"sql must be a query of {FRAME_TABLE}, or a list of queries, that returns the offending rows"
        yield CheckProblem(text, ("sql",))
        return
    if len(listed) > MAX_CHECKS:
        yield CheckProblem(
            f"sql has {len(listed):,} queries; write at most {MAX_CHECKS:,}", ("sql", MAX_CHECKS)
        )
        return
    for number, query in enumerate(listed):
        path: KeyPath = ("sql", number) if isinstance(queries, list) else ("sql",)
        tables, error = sql_tables.referenced_tables(query)
        if error is not None:
            line = query.count("\n", 0, error.offset) + 1
            position = f" in line {line}" if "\n" in query.strip() else ""
            yield CheckProblem(f"cannot parse the SQL of a check{position}: {error.message}", path)
            continue
        if not sql_tables.is_one_select(query):
            yield CheckProblem("the SQL of a check must be one SELECT", path)
        for table in tables:
            if table.name.lower() != FRAME_TABLE:
                text = f"the SQL of a check reads table {table.name!r}; it can read only {FRAME_TABLE}"
                yield CheckProblem(text, path)
