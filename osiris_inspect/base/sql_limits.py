"""Limits of SQL, checked before DuckDB's parser reads it.

The parser needs time and memory that grow with the square of the number of open parentheses, and about 4 kB a token.
"""

from typing import Any, Final, NamedTuple

MAX_SQL_BYTES: Final = 1_000_000
MAX_SQL_DEPTH: Final = 1_000
"""Open brackets; DuckDB itself refuses an expression that is deeper."""
MAX_SQL_TOKENS: Final = 50_000


class SqlLimit(NamedTuple):
    """Exceeded limit.

    Attributes:
        offset: where it is exceeded, in characters.
        may_run: True if DuckDB can run the SQL, given the memory.
    """

    message: str
    offset: int = 0
    may_run: bool = False


def exceeded_limit(sql: str, duckdb: Any) -> SqlLimit | None:
    """Return the limit that a text of SQL exceeds; None if DuckDB's parser can read it. ``duckdb`` is the module."""
    content = sql.encode(errors="replace")
    if len(content) > MAX_SQL_BYTES:
        return SqlLimit(f"longer than {MAX_SQL_BYTES:,} bytes; move values to a file or a table")
    if len(content) <= MAX_SQL_DEPTH:
        return None
    tokens = duckdb.tokenize(content.decode())
    depth = 0
    ends = [*(start for start, _ in tokens[1:]), len(content)]
    for (start, kind), end in zip(tokens, ends, strict=True):
        if kind != duckdb.token_type.operator:
            continue
        for offset in range(start, end):  # neighbouring signs are one token
            depth += (content[offset] in b"([{") - (content[offset] in b")]}")
            if depth > MAX_SQL_DEPTH:
                text = f"more than {MAX_SQL_DEPTH:,} brackets are open; close them, or split the query"
                return SqlLimit(text, len(content[:offset].decode()))
    if len(tokens) > MAX_SQL_TOKENS:
        return SqlLimit(
            f"more than {MAX_SQL_TOKENS:,} words and signs, too many to be checked; move values to a table",
            may_run=True,
        )
    return None
