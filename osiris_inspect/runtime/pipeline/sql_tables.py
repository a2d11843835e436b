"""Tables that SQL reads, found by DuckDB's parser without running the SQL.

Parts of a statement that DuckDB cannot parse into a tree are ignored.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Final

from osiris_inspect.runtime.pipeline.sql_tokens import (
    candidate_queries,
    cte_names,
    rewrite_pivots,
    sql_tokens,
)

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
class SqlSyntaxError:
    """Reason why SQL cannot be parsed, and its line, starting at 1."""

    message: str
    line: int


def referenced_tables(sql: str) -> tuple[list[TableReference], SqlSyntaxError | None]:
    """Return the tables that the SQL reads but does not create, in text order, or its syntax error."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            message = str(error)
            match = re.search(r"^LINE (\d+):", message, re.MULTILINE)
            return [], SqlSyntaxError(message.split("\n", 1)[0], int(match[1]) if match else 1)
        tables: list[TableReference] = []
        created: set[str] = set()
        start = 0
        for statement in statements:
            text = statement.query
            start = max(sql.find(text.strip().rstrip(";"), start), start)
            lead = len(text) - len(text.lstrip())
            encoded = text.encode()
            for name, byte_offset in sorted(_base_tables(connection, encoded), key=itemgetter(1)):
                if name.lower() not in created:
                    offset = len(encoded[:byte_offset].decode(errors="ignore"))
                    tables.append(TableReference(name, start - lead + offset))
            if match := _CREATE_PATTERN.match(text):
                created.add(match[1].strip('"').replace('""', '"').lower())
            start += len(text.strip())
        return tables, None


def is_one_select(sql: str) -> bool:
    """Return True if SQL that can be parsed is one statement that returns rows and changes nothing."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        return [statement.type.name for statement in connection.extract_statements(sql)] == ["SELECT"]


def regex_error(pattern: str) -> str | None:
    """Return why DuckDB cannot compile a regular expression; None if it can."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            connection.execute("SELECT regexp_full_match('', ?)", [pattern]).fetchall()
        except duckdb.Error as error:
            return str(error).splitlines()[0].removeprefix("Invalid Input Error: ")
    return None


def result_columns(sql: str) -> tuple[str, ...] | None:
    """Return the columns of a SELECT that names each of them; None for any other SQL."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error:
            return None
        tree = _tree(connection, statements[-1].query.encode()) if statements else None
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
    tree = json.loads(answer)
    return None if tree.get("error") else tree


def _walk(node: Any, ctes: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Yield the base tables below ``node`` that no enclosing WITH defines."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, ctes)
    elif isinstance(node, Mapping):
        cte_map = node.get("cte_map")
        entries = cte_map.get("map") if isinstance(cte_map, Mapping) else None
        ctes |= {str(entry["key"]).lower() for entry in entries or ()}
        if node.get("type") in ("CTE_NODE", "RECURSIVE_CTE_NODE") and node.get("cte_name"):
            ctes |= {str(node["cte_name"]).lower()}
        if node.get("type") == "BASE_TABLE" and _is_plain(node, ctes):
            yield str(node["table_name"]), int(node.get("query_location") or 0)
        for key, item in node.items():
            if key != "qualified_name":
                yield from _walk(item, ctes)


def _is_plain(node: Mapping[str, Any], ctes: frozenset[str]) -> bool:
    """Return True if the name must be an input: not a WITH name, a file or a table of another schema."""
    name = str(node["table_name"])
    schema = str(node.get("schema_name") or "")
    return name.lower() not in ctes and schema in ("", "main", "temp") and "." not in name and "/" not in name
