"""Values of Python that became part of SQL text."""

import re

from osiris_inspect.inspector.diagnosis.evidence.error_text import ErrorText
from osiris_inspect.inspector.run.run import Run
from osiris_inspect.inspector.text.lazy_regex import LazyRegex

NUMPY_VALUE = (
    r"schema \\{0,2}\"(?:np|numpy)\\{0,2}\" does not exist[^\n]{0,40}"
    r"|(?i:function) [\"']?(?:np|numpy)\.\w{1,30}[^\n]{0,60} does not exist"
    r"|Unknown (?:database|table) '(?:np|numpy)'"
    r"|\b(?:np|numpy)\.(?:float|int|uint|bool|str|datetime)\w{0,6}\([^\n]{0,80}"
)
"""numpy 2 represents a scalar as ``np.float64(1.0)``; a driver without a type for it puts that into the query."""
_NUMPY_VALUE = LazyRegex(NUMPY_VALUE)
_QUERY = LazyRegex(
    r"\b(?:psycopg2?|asyncpg|pymysql|MySQLdb|mysql|sqlalchemy|sqlite3|pyodbc|duckdb|oracledb|clickhouse|snowflake)\b"
    r"|(?i:\bSQL\b|SQLSTATE)|^LINE \d|\b(?:Binder|Catalog|Parser) Error: |['\"]code['\"]: ?['\"]\w{5}['\"]"
    r"|\b(?:np|numpy)['\"]? does not exist|(?i:function) [\"']?(?:np|numpy)\.|Unknown (?:database|table) '(?:np|numpy)'"
    r"|\bInvalidSchemaName\b|\bUndefinedFunction\b",
    re.MULTILINE,
)
"""Marks of an error that a database raised for a query."""


def is_numpy_value(_run: Run, text: ErrorText, _match: re.Match[str]) -> bool:
    """Return True if an error of a database shows that a numpy value became part of the query."""
    return numpy_value(text) is not None


def numpy_value(text: ErrorText) -> re.Match[str] | None:
    """Return the numpy value in a query that a database rejected; None in an error of another library."""
    return _NUMPY_VALUE.search(text.text) if _QUERY.search(f"{text.searchable}\n{text.traceback}") else None
