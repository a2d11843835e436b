"""Tables that SQL reads, found by DuckDB's parser without running the SQL.

Parts of a statement that DuckDB cannot parse into a tree are ignored.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from operator import itemgetter
from typing import Any, Final

from osiris_inspect.base.sql_limits import exceeded_limit
from osiris_inspect.runtime.pipeline.sql.tokens import (
    candidate_queries,
    cte_names,
    rewrite_pivots,
    sql_tokens,
)

MAX_STATEMENTS: Final = 1_000
MAX_SEARCHED_TOKENS: Final = 5_000
"""Words and signs of a statement whose queries are found by its tokens, which takes the square of their number."""
_MAX_COMPARED: Final = 50
"""Inputs whose names are searched in SQL that cannot be parsed."""
_CREATE_PATTERN: Final = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?:(?:main|temp|memory)\.){0,3}(\"(?:[^\"]|\"\")+\"|\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TableReference:
    """Table that SQL reads, with the character offset of its name."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class SqlProblem:
    """Reason why the tables of SQL are unknown, and its offset in characters.

    Attributes:
        may_run: True if DuckDB can run the SQL, which is only too large to be checked.
    """

    message: str
    offset: int = 0
    may_run: bool = False


@cache
def _database() -> Any:
    """Return the database whose parser is used: to create one takes many times as long as to parse a query."""
    import duckdb

    return duckdb.connect(":memory:", config={"threads": 1})


_LOCK: Final = threading.Lock()
"""A connection refuses the calls of two threads at the same time."""


def _connection() -> Any:
    with _LOCK:
        return _database().cursor()


class _TooLarge(Exception):
    """The tables of a statement cannot be found within limits: it has many joins, for example."""


def referenced_tables(sql: str) -> tuple[list[TableReference], SqlProblem | None]:
    """Return the tables that the SQL reads but does not create, in text order, or why they are unknown."""
    import duckdb

    limit = exceeded_limit(sql, duckdb)
    if limit is not None:
        return [], SqlProblem(limit.message, limit.offset, may_run=limit.may_run)
    with _connection() as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            message = str(error)
            match = re.search(r"^LINE (\d+):", message, re.MULTILINE)
            lines = sql.split("\n")[: int(match[1]) - 1] if match else []
            return [], SqlProblem(message.split("\n", 1)[0], sum(len(line) + 1 for line in lines))
        if len(statements) > MAX_STATEMENTS:
            return [], SqlProblem(f"more than {MAX_STATEMENTS} statements", may_run=True)
        tables: list[TableReference] = []
        created: set[str] = set()
        start = 0
        for statement in statements:
            text = statement.query
            start = max(sql.find(text.strip().rstrip(";"), start), start)
            lead = len(text) - len(text.lstrip())
            encoded = text.encode()
            try:
                read = sorted(_base_tables(connection, encoded), key=itemgetter(1))
            except _TooLarge:
                text = "joins or nests too much to be checked; split the query into steps"
                return [], SqlProblem(text, start, may_run=True)
            for name, byte_offset in read:
                if name.lower() not in created:
                    offset = len(encoded[:byte_offset].decode(errors="ignore"))
                    tables.append(TableReference(name, start - lead + offset))
            if match := _CREATE_PATTERN.match(text):
                created.add(match[1].strip('"').replace('""', '"').lower())
            start += len(text.strip())
        return tables, None


def hyphenated_table(sql: str, tables: Iterable[str]) -> str:
    """Return what to write in place of the name of an input that SQL has with hyphens, after ``; ``; empty without one.

    ``tables`` are the names of inputs; SQL may omit their ``df_``.
    """
    for table in islice(tables, _MAX_COMPARED):
        name = re.escape(table.removeprefix("df_")).replace("_", "[_-]")
        written = re.search(rf"(?<![\w-])(?:df[_-])?{name}(?![\w-])", sql, re.IGNORECASE)
        if written is not None and "-" in written[0]:
            return f"; write {table!r} in place of {written[0]!r}: the name of a table has _ for each -"
    return ""


def is_one_select(sql: str) -> bool:
    """Return True if SQL that can be parsed is one statement that returns rows and changes nothing."""
    with _connection() as connection:
        return [statement.type.name for statement in connection.extract_statements(sql)] == ["SELECT"]


def regex_error(pattern: str) -> str | None:
    """Return why DuckDB cannot compile a regular expression; None if it can."""
    import duckdb

    with _connection() as connection:
        try:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern]).fetchall()
        except duckdb.Error as error:
            return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    return None


def result_columns(sql: str) -> tuple[str, ...] | None:
    """Return the columns of a SELECT that names each of them; None for any other SQL."""
    import duckdb

    with _connection() as connection:
        if exceeded_limit(sql, duckdb) is not None:
            return None
        try:
            statements = connection.extract_statements(sql)
            tree = _tree(connection, statements[-1].query.encode()) if statements else None
        except (duckdb.Error, _TooLarge):
            return None
    node = tree["statements"][0]["node"] if tree is not None and len(tree["statements"]) == 1 else {}
    selected = node.get("select_list") if node.get("type") == "SELECT_NODE" else None
    names = [_result_name(item) for item in selected or ()]
    return tuple(names) if names and all(names) else None


def _result_name(item: Mapping[str, Any]) -> str:
    """Return the name of a selected column; empty if it has none of its own."""
    names = item.get("column_names") if item.get("type") == "COLUMN_REF" else None
    return str(item.get("alias") or (names[-1] if names else ""))


def _base_tables(connection: Any, sql: bytes) -> Iterator[tuple[str, int]]:
    tree = _tree(connection, sql)
    if tree is not None:
        yield from _walk(tree, frozenset())
        return
    words = sql_tokens(sql)
    if len(words) > MAX_SEARCHED_TOKENS:
        raise _TooLarge
    sql = rewrite_pivots(sql, words)
    ctes = frozenset(cte_names(words))
    covered = -1
    for start, queries in candidate_queries(sql, sql_tokens(sql)):
        if start < covered:
            continue
        for query in queries:
            tree = _tree(connection, query)
            if tree is not None:
                covered = start + len(query)
                yield from ((name, start + offset) for name, offset in _walk(tree, ctes))
                break


def _tree(connection: Any, sql: bytes) -> Any:
    """Return the tree of a SELECT; None for other statements."""
    (answer,) = connection.execute("SELECT json_serialize_sql(?)", [sql.decode()]).fetchone()
    try:
        tree = json.loads(answer)
    except RecursionError:
        raise _TooLarge from None
    return None if tree.get("error") else tree


def _walk(tree: Any, ctes: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield the base tables of a tree that no enclosing WITH defines."""
    waiting = [(tree, ctes)]
    while waiting:
        node, ctes = waiting.pop()
        if isinstance(node, list):
            waiting += [(item, ctes) for item in node]
        elif isinstance(node, Mapping):
            cte_map = node.get("cte_map")
            entries = cte_map.get("map") if isinstance(cte_map, Mapping) else None
            ctes |= {str(entry["key"]).lower() for entry in entries or ()}
            if node.get("type") in ("CTE_NODE", "RECURSIVE_CTE_NODE") and node.get("cte_name"):
                ctes |= {str(node["cte_name"]).lower()}
            if node.get("type") == "BASE_TABLE" and _is_plain(node, ctes):
                yield str(node["table_name"]), int(node.get("query_location") or 0)
            waiting += [(item, ctes) for key, item in node.items() if key != "qualified_name"]


def _is_plain(node: Mapping[str, Any], ctes: frozenset[str]) -> bool:
    """Return True if the name must be an input: not a WITH name, a file or a table of another schema."""
    name = str(node["table_name"])
    schema = str(node.get("schema_name") or "")
    return name.lower() not in ctes and schema in ("", "main", "temp") and "." not in name and "/" not in name
