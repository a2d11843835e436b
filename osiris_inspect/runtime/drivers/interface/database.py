"""Helpers of the database drivers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Final

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.driver import Config

FIXES: Final[Mapping[str, str]] = {
    "authentication-failed": "check user and password of the connection",
    "column-missing": "check the names of columns in the query",
    "connection-failed": "check host, port and the network",
    "connection-lost": "run the step again; if it is lost again, look in the log of the server",
    "connection-refused": "check host and port, and whether the server accepts more connections",
    "constraint-missing": "name columns in primary_key that have a unique constraint",
    "constraint-violated": "correct or remove the rows that the message names",
    "database-missing": "check database of the connection",
    "database-read-only": "connect to a server that accepts writes",
    "disk-full": "free disk space on the server",
    "host-not-found": "check host",
    "lock-conflict": "run the step again when the other session has ended",
    "network-timeout": "check host, port and firewall",
    "out-of-memory": "give the server more memory, or read less in one query",
    "permission-denied": "GRANT it, or connect as another user",
    "query-cancelled": "run the step again",
    "query-failed": "correct the query or the data that the message names",
    "query-timeout": "raise the timeout, or make the query faster",
    "request-refused": "send less in one request",
    "service-failed": "look in the log of the server, and run the step again",
    "sql-syntax": "check the SQL",
    "table-missing": "check the names of tables in the query",
    "tls-failed": "check the TLS settings and certificates of the connection",
    "value-refused": "correct the value, or change the type of its column",
}
"""Kind of a server error to what to do, where the driver knows nothing better."""


def closing_stream(batches: Iterator[pa.RecordBatch], stack: ExitStack) -> Iterator[pa.RecordBatch]:
    """Yield the batches; close ``stack`` after the last one or after an error."""
    with stack:
        yield from batches


def connection_name(connection: Config) -> str:
    """Return the name of a connection for messages: ``@family.alias``."""
    if not connection.get("alias"):
        return "the connection"
    return f"@{connection.get('family')}.{connection['alias']}"
