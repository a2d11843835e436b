"""Helpers of the database drivers."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal, Self

import pyarrow as pa

from osiris_inspect.runtime.drivers.interface.driver import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class TableTarget:
    """Table to write to, and how.

    Attributes:
        mode: ``append``, ``upsert`` or ``replace``.
        key: the columns that identify a row.
        keep_last_duplicate: whether the last of several rows with one key is written; otherwise they are an error.
    """

    table: str
    mode: str
    key: tuple[str, ...]
    keep_last_duplicate: bool
    create_if_missing: bool

    @classmethod
    def from_config(cls, config: Config, **place: str) -> Self:
        """Return the target in a step's configuration; ``place`` has the table if it is not that of ``table``."""
        key = config.get("primary_key") or ()
        return cls(
            **{"table": str(config["table"]), **place},
            mode="append" if config["write_mode"] == "insert" else str(config["write_mode"]),
            key=(key,) if isinstance(key, str) else tuple(map(str, key)),
            keep_last_duplicate=config["on_duplicate_keys"] == "last",
            create_if_missing=bool(config["create_if_missing"]),
        )


Phase = Literal["connecting", "querying", "writing", "committing"]
"""What a driver was doing when the server reported an error; fact ``phase`` of the error."""

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
_FIXES_AFTER_LOGIN: Final[Mapping[str, str]] = {
    "authentication-failed": "check the credentials of the view, function or foreign server that the step uses; the login succeeded",
    "connection-failed": "check the foreign server or link that the step uses; the login succeeded",
    "connection-refused": "check the limits of the user and of the foreign servers that the step uses; the login succeeded",
    "host-not-found": "check the foreign server or link that the step uses; the login succeeded",
    "network-timeout": "check the network to the server, and run the step again",
    "tls-failed": "check the TLS settings of the foreign server that the step uses; the login succeeded",
}
"""The same for errors after the login, where the settings of the connection are not the reason."""
_TRIGGER_FIX: Final = "check the triggers, rules, defaults and policies of the table; one of them caused it"
_FIXES_BY_PHASE: Final[Mapping[Phase, Mapping[str, str]]] = {
    "connecting": {"connection-lost": "check host and port, and look in the log of the server"},
    "querying": {
        **_FIXES_AFTER_LOGIN,
        "constraint-violated": "correct what the query writes",
        "database-missing": "check the names of databases and schemas in the query",
        "permission-denied": "GRANT it to the user, or to the owner of the view or function that the query uses",
        "query-timeout": "raise the timeout, make the query faster, or end the session whose lock it waited for",
        "value-refused": "correct the value at its source, or the cast or comparison in the query or its views",
    },
    "writing": {
        **_FIXES_AFTER_LOGIN,
        "column-missing": _TRIGGER_FIX,
        "database-missing": "correct schema of the step, or create the schema; a trigger of the table can also name it",
        "out-of-memory": "give the server more memory, or write fewer rows at once",
        "query-failed": "correct what the message names: the rows, or the definition of the table",
        "query-timeout": "raise the timeout, write fewer rows at once, or end the session whose lock it waited for",
        "sql-syntax": _TRIGGER_FIX,
        "table-missing": _TRIGGER_FIX,
    },
}


def fix_of_kind(kind: str, phase: Phase) -> str:
    """Return what to do about a server error of a kind, which depends on what the driver was doing."""
    fixes = _FIXES_BY_PHASE["writing" if phase == "committing" else phase]
    return fixes.get(kind) or FIXES.get(kind, FIXES["query-failed"])


def closing_stream(batches: Iterator[pa.RecordBatch], stack: ExitStack) -> Iterator[pa.RecordBatch]:
    """Yield the batches; close ``stack`` after the last one or after an error."""
    with stack:
        yield from batches


def connection_name(connection: Config) -> str:
    """Return the name of a connection for messages: ``@family.alias``."""
    if not connection.get("alias"):
        return "the connection"
    return f"@{connection.get('family')}.{connection['alias']}"
