"""The tables that SQL reads, found by DuckDB's own parser without running anything.

Only what is certain is told: a part of a statement that DuckDB cannot show as a tree is left out.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from osiris_inspect.runtime.pipeline import sql_tokens as sql_words

_CREATE_PATTERN: Final = re.compile(
    r"\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TEMP(?:ORARY)?\s+)?(?:TABLE|VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?"
    r"(?:(?:main|temp|memory)\.)*(\"(?:[^\"]|\"\")+\"|\w+)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class TableReference:
    """A table that SQL reads, and where its name stands: an offset in the text, in characters."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class SqlSyntaxError:
    """Why SQL cannot be parsed, and the line it is in, from 1."""

    message: str
    line: int


def referenced_tables(sql: str) -> tuple[list[TableReference], SqlSyntaxError | None]:
    """The tables that are read and not made by the SQL itself, in the order of the text; or why it cannot be parsed."""
    import duckdb

    with duckdb.connect(":memory:") as connection:
        try:
            statements = connection.extract_statements(sql)
        except duckdb.Error as error:
            return [], _fault(str(error))
        found: list[TableReference] = []
        made: set[str] = set()
        start = 0
        for statement in statements:
            text = statement.query
            start = max(sql.find(text.strip().rstrip(";"), start), start)
            lead = len(text) - len(text.lstrip())
            for table in _of_statement(connection, text):
                if table.name.lower() not in made:
                    found.append(TableReference(table.name, start - lead + table.offset))
            made |= _created_tables(text)
            start += len(text.strip())
        return found, None


def _created_tables(text: str) -> set[str]:
    match = _CREATE_PATTERN.match(text)
    return {match[1].strip('"').replace('""', '"').lower()} if match else set()


def _of_statement(connection: Any, text: str) -> Iterator[TableReference]:
    sql = text.encode()
    for name, place in sorted(_read_in(connection, sql), key=lambda found: found[1]):
        # DuckDB counts bytes
        yield TableReference(name, len(sql[:place].decode(errors="ignore")))


def _read_in(connection: Any, sql: bytes) -> Iterator[tuple[str, int]]:
    tree = _tree(connection, sql)
    if tree is not None:
        yield from _walk(tree, frozenset())
        return
    words = sql_words.sql_tokens(sql)
    sql = sql_words.rewrite_pivots(sql, words)
    named = frozenset(sql_words.cte_names(words))
    covered = -1
    for start, queries in sql_words.candidate_queries(sql, sql_words.sql_tokens(sql)):
        if start < covered:
            continue
        for query in queries:
            tree = _tree(connection, query)
            if tree is not None:
                covered = start + len(query)
                yield from ((name, start + place) for name, place in _walk(tree, named))
                break


def _tree(connection: Any, sql: bytes) -> Any:
    """The tree of a SELECT, None of anything else."""
    (answer,) = connection.execute("SELECT json_serialize_sql(?)", [sql.decode()]).fetchone()
    tree = json.loads(answer)
    return None if tree.get("error") else tree


def _walk(node: Any, named: frozenset[str]) -> Iterator[tuple[str, int]]:
    """Base tables below ``node``, without those that a WITH around them names."""
    if isinstance(node, list):
        for item in node:
            yield from _walk(item, named)
    elif isinstance(node, Mapping):
        entries = (
            (node.get("cte_map") or {}).get("map") or [] if isinstance(node.get("cte_map"), Mapping) else []
        )
        named |= {str(entry["key"]).lower() for entry in entries}
        if node.get("type") in ("CTE_NODE", "RECURSIVE_CTE_NODE") and node.get("cte_name"):
            named |= {str(node["cte_name"]).lower()}
        if node.get("type") == "BASE_TABLE" and _is_plain(node, named):
            yield str(node["table_name"]), int(node.get("query_location") or 0)
        for key, item in node.items():
            if key != "qualified_name":
                yield from _walk(item, named)


def _is_plain(node: Mapping[str, Any], named: frozenset[str]) -> bool:
    """Whether it is a name that an input must have: no WITH, no file, no table of another schema."""
    name = str(node["table_name"])
    schema = str(node.get("schema_name") or "")
    return (
        name.lower() not in named and schema in ("", "main", "temp") and "." not in name and "/" not in name
    )


def _fault(text: str) -> SqlSyntaxError:
    match = re.search(r"^LINE (\d+):", text, re.MULTILINE)
    return SqlSyntaxError(text.split("\n", 1)[0], int(match[1]) if match else 1)
