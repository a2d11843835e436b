"""Errors of PostgreSQL: the kind by the SQLSTATE, what to do, and the names that the server reports."""

import re
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import psycopg

from osiris_inspect.base.error_codes import CLASS_OF_CODE, error_kind, refine_class
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import FIXES

ROW_LEVEL_SECURITY: Final = "row-level security"
"""Part of the message of a policy that rejects a row, in English."""
_NEAR_COLUMN: Final = re.compile(r'Perhaps you meant to reference the column "([^"\n]{1,200})"')
_QUERY_CANCELLED: Final = "57014"
_ADVICE: Final[Mapping[str, str]] = {
    "23502": "give the column a value in every row",
    "23503": "write the rows that are referenced first",
    "23505": "remove or change the rows whose key exists",
    "23514": "correct the values that the check rejects",
    "42P01": "check the names of tables",
    "42703": "check the names of columns",
    "42804": "cast the column to the type of the table's column",
    "42883": "create the function that the message names, or correct its name or its arguments",
    "53300": "run the step again later, or raise max_connections of the server",
}
"""SQLSTATE to what to do, where it is more than for its kind."""
_ADVICE_BY_WORDS: Final[Mapping[str, str]] = {
    "no operator": "cast one side to the type of the other",
    "no comparison": "cast the column before DISTINCT, GROUP BY, UNION or ORDER BY, such as json to jsonb",
    "no table in query": "add the table to the FROM clause, or use the alias that it has there",
    "still referenced": "delete or change the rows that reference them first",
    "no partition": "create the partition for these values, or a DEFAULT partition",
    "other partition": "write to the partitioned table itself",
    "created at once": "create the table once before the steps that write it, then run again",
    "shared memory": "give the container of the database more shared memory",
}
"""Class of ``CLASSES_BY_WORDS`` to what to do."""
_READ_KINDS: Final[Mapping[str, str]] = {"21000": "query-failed", "42P10": "query-failed"}
"""Codes that mean another thing in a query than in a write."""


class ServerError(NamedTuple):
    """Server error as read: its text without what to do, its kind, what to do, and its values."""

    text: str
    kind: str
    fix: str
    error_facts: Mapping[str, Any]


def read_error(error: psycopg.Error, *, is_query: bool = False) -> ServerError:
    """Return a server error in one line: code, message, detail, position in the data; and what to do."""
    if error.sqlstate is None:
        kind = "connection-lost"
        return ServerError(f"the connection was lost: {first_line(str(error))}", kind, FIXES[kind], {})
    code, message = error.sqlstate, error.diag.message_primary or str(error)
    kind = sqlstate_kind(code, message, is_query=is_query)
    parts = [f"({code}) {message}"]
    if error.diag.message_detail:
        parts.append(error.diag.message_detail)
    if error.diag.context and error.diag.context.startswith("COPY"):
        parts.append(first_line(error.diag.context))
    if kind == "query-timeout":
        parts.append("it exceeded its time limit")
    hint = error.diag.message_hint or ""
    near = _NEAR_COLUMN.match(hint)
    fix = f"did you mean {near[1]!r}?" if near else sqlstate_fix(code, kind, message)
    if hint and not near:
        parts.append(hint.rstrip("."))
    elif kind == "permission-denied" and ROW_LEVEL_SECURITY not in message:
        parts.append("the user lacks a privilege")
    names = {
        "table": error.diag.table_name,
        "column": error.diag.column_name,
        "constraint": error.diag.constraint_name,
        "schema": error.diag.schema_name,
    }
    known = {key: value for key, value in names.items() if value}
    return ServerError("; ".join(parts), kind, fix, {"code": code, **known})


def sqlstate_kind(code: str, message: str, *, is_query: bool = False) -> str:
    """Return the kind of a server error."""
    if is_query and code in _READ_KINDS:
        return _READ_KINDS[code]
    if code == _QUERY_CANCELLED:
        # other languages than English do not show the reason; the time limit is the usual one
        return "query-cancelled" if "user request" in message else "query-timeout"
    return error_kind(code, message)


def sqlstate_fix(code: str, kind: str, message: str) -> str:
    """Return what to do about a server error."""
    if kind == "permission-denied" and ROW_LEVEL_SECURITY in message:
        return "add a policy that allows the user to write these rows; GRANT does not"
    error_class = refine_class(CLASS_OF_CODE.get(code, ""), message)
    return _ADVICE_BY_WORDS.get(error_class) or _ADVICE.get(code) or FIXES.get(kind, FIXES["query-failed"])


def query_error(error: psycopg.Error, line: int | None = None) -> DriverError:
    """Return the error for a failed query; ``line`` counts within the query."""
    server = read_error(error, is_query=True)
    position = f" in line {line}" if line else ""
    error_facts = {**server.error_facts, **({"line": line} if line else {})}
    return DriverError(
        f"PostgreSQL query failed{position}: {server.text}", kind=server.kind, fix=server.fix, **error_facts
    )


def first_line(text: str) -> str:
    """Return the first line with text, without the words that a failed connection begins with."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[0].removeprefix("connection failed: ") if lines else ""
