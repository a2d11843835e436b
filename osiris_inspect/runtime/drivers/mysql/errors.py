"""Errors of MySQL: the connection, the reason, what to do, and the kind by the code or the cause."""

import re
import socket
import ssl
import struct
from collections.abc import Mapping
from typing import Any, Final

import pymysql

from osiris_inspect.base.error_codes import error_kind
from osiris_inspect.model.errors import DriverError
from osiris_inspect.runtime.drivers.interface.database import Phase, connection_name, fix_of_kind
from osiris_inspect.runtime.drivers.interface.driver import Config
from osiris_inspect.runtime.files.memory_limit import current_limit, is_memory_error

_CLIENT_OUT_OF_MEMORY: Final = 2008
_TIMED_OUT: Final = frozenset({1969, 3024})
_LOST: Final = frozenset({2006, 2013})
_LOST_DURING_QUERY: Final = 2013
_QUERY_KILLED: Final = frozenset({1317, 1927})
INTERRUPTED: Final = _TIMED_OUT | _QUERY_KILLED
"""Codes of a query that was ended."""
_NO_PRIVILEGE: Final = frozenset({1044, 1142, 1143})
_NO_DATABASE_PRIVILEGE: Final = 1044
_LOGIN_REFUSED: Final = frozenset({1045, 1698})
_RENEWAL: Final = "set a new password for the user (ALTER USER), then change the connection"
_REPAIR: Final = "repair the table on the server (CHECK TABLE, REPAIR TABLE), or restore it from a backup"
_ADVICE: Final[Mapping[int, str]] = {
    **dict.fromkeys((126, 127, 134, 144, 145, 1034, 1035, 1194, 1195, 1712), _REPAIR),
    **dict.fromkeys((1820, 1862), _RENEWAL),
    **dict.fromkeys((3118, 3955, 4151), "unlock the account (ALTER USER ... ACCOUNT UNLOCK)"),
    4150: "unlock the account (FLUSH PRIVILEGES), and correct the password that failed before",
    1040: "run the step again later, or raise max_connections of the server",
    1129: "run mysqladmin flush-hosts on the server, then check why connections of this machine fail",
    1130: "allow this host for the user on the server (CREATE USER 'user'@'host'), or connect from an allowed host",
    1203: "end other sessions of the user, or raise its max_user_connections",
    1226: "wait until the limit of the user ends, or raise it",
    1449: "recreate the view or routine with a definer that exists, or recreate the definer",
    1356: "correct the view: its tables, its columns, and the rights of its definer",
    1644: "correct the data that the database rejects, or the routine or trigger that raised it",
    1698: "use an account that logs in with a password; this one is bound to a user of the system",
}
"""Code to what to do, where it is more than for its kind."""
_KINDS_BY_CLASS: Final[Mapping[str, str]] = {
    "IntegrityError": "constraint-violated",
    "DataError": "value-refused",
}
"""Class of PyMySQL to the kind of a code that the table does not list."""
_NAMES: Final[Mapping[str, re.Pattern[str]]] = {
    "column": re.compile(r"Unknown column '([^'\n]{1,200})'"),
    "table": re.compile(r"(?:Table|for table) [`']([^`'\n]{1,200})[`']"),
    "database": re.compile(r"Unknown database '([^'\n]{1,200})'|to database '([^'\n]{1,200})'"),
}
"""Fact to its place in an English message; servers of other languages do not have it."""


def connection_label(connection: Config) -> str:
    """Return a connection's name, user and address for messages, without its password."""
    host = f"{connection.get('host', 'localhost')}:{connection.get('port', 3306)}"
    address = connection.get("unix_socket") or host
    return f"{connection_name(connection)} ({connection.get('user')} at {address})"


def setting_error(connection: Config, key: str, problem: str, fix: str, *, kind: str) -> DriverError:
    """Return the error for a wrong or missing value of a connection."""
    return DriverError(
        f"{connection_label(connection)}{problem}",
        kind=kind,
        fix=fix,
        setting=key,
        connection=connection_name(connection),
    )


def connect_error(error: BaseException, connection: Config) -> DriverError:
    """Return the error for a failed connection attempt."""
    code, text = _code_and_text(error)
    cause = getattr(error, "original_exception", None) or error.__cause__ or error.__context__ or error
    host = connection.get("host", "localhost")
    kind = error_kind(str(code)) if code else "connection-failed"
    fix = _ADVICE.get(code) or fix_of_kind(kind, "connecting")
    if isinstance(cause, socket.gaierror):
        kind, text, fix = "host-not-found", f"host {host!r} is not known: {cause.strerror}", "check host"
    elif isinstance(cause, ConnectionRefusedError):
        kind = "connection-refused"
        text, fix = "connection refused", "check host and port, and whether the server runs"
    elif isinstance(cause, UnicodeError) and not isinstance(cause, UnicodeDecodeError):
        kind, text, fix = "config-value-invalid", f"host {host!r} is not a name of a host", "correct host"
    elif isinstance(cause, FileNotFoundError) and connection.get("unix_socket"):
        kind, fix = "connection-refused", "check unix_socket, and whether the server runs"
    elif isinstance(cause, FileNotFoundError):
        kind, fix = "file-missing", "check ssl_ca, ssl_cert and ssl_key of the connection"
    elif isinstance(cause, TimeoutError) and code == _LOST_DURING_QUERY:
        kind, text = (
            "network-timeout",
            "no answer in time: the port accepted the connection, but sent no MySQL greeting",
        )
        fix = "check the port, which another kind of server may have, and the load of the server"
    elif isinstance(cause, TimeoutError):
        kind, text, fix = "network-timeout", "no answer in time", "check host, port and firewall"
    elif _is_other_server(error):
        kind, fix = "config-value-invalid", "correct host and port of the connection"
        text = f"another kind of server than MySQL answers there: {text}"
    elif isinstance(cause, ssl.SSLError):
        kind, fix = "tls-failed", "check ssl_ca and ssl_mode of the connection"
    elif code == _NO_DATABASE_PRIVILEGE:
        text += "; the user may not use this database"
        fix = "check database of the connection, or GRANT its use to the user"
    elif isinstance(cause, RuntimeError):
        kind, fix = "dependency-missing", "install the package that the message names"
    return DriverError(
        f"MySQL connection failed: {connection_label(connection)}: {text}",
        kind=kind,
        fix=fix,
        **_error_facts(code, text, connection, "connecting"),
    )


def _is_other_server(error: BaseException) -> bool:
    """Return True if the first bytes of the server are not a greeting of MySQL."""
    is_unexpected = isinstance(error, pymysql.InternalError) and "Packet sequence number" in str(error)
    return is_unexpected or isinstance(error, LookupError | struct.error | UnicodeDecodeError)


def query_error(error: BaseException, connection: Config, suggestion: str = "") -> DriverError:
    """Return the error for a failed query; ``suggestion`` is added to what to do."""
    code, text = _code_and_text(error)
    kind = _query_kind(error, code)
    fix = (_ADVICE.get(code) or fix_of_kind(kind, "querying")) + suggestion
    fact_text = text
    if code in _LOGIN_REFUSED:
        text += "; the login itself succeeded, so a view, a routine or a right is the reason"
        fix = "check the definer of the views and routines in the query, and GRANT FILE for INTO OUTFILE"
    elif code == _CLIENT_OUT_OF_MEMORY or is_memory_error(error):
        limit = current_limit()
        text, fix = f"{text}; {limit.usage_text()}", f"{limit.fix}, or read fewer columns or rows"
    elif code in _TIMED_OUT:
        text, fix = f"it took longer than query_timeout allows: {text}", "raise query_timeout"
    elif kind == "network-timeout":
        text = f"the connection {connection_label(connection)} did not answer in time: {text}"
    elif code in _QUERY_KILLED:
        text = f"it was stopped: {text}"
    elif kind == "connection-lost":
        text = f"the connection {connection_label(connection)} was lost: {text}"
    elif code in _NO_PRIVILEGE:
        text += "; the user lacks a privilege"
    return DriverError(
        f"MySQL query failed: {text}",
        kind=kind,
        fix=fix,
        **_error_facts(code, fact_text, connection, "querying"),
    )


def _query_kind(error: BaseException, code: int) -> str:
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, TimeoutError):
        return "network-timeout"
    if code == _CLIENT_OUT_OF_MEMORY or is_memory_error(error):
        return "out-of-memory"
    if code in _LOGIN_REFUSED:
        return "permission-denied"
    if code in _LOST or (not code and isinstance(error, OSError)):
        return "connection-lost"
    kind = error_kind(str(code), str(error))
    return _KINDS_BY_CLASS.get(type(error).__name__, kind) if kind == "query-failed" else kind


def _error_facts(code: int, text: str, connection: Config, phase: Phase) -> dict[str, Any]:
    names = {
        name: next(group for group in match.groups() if group)
        for name, pattern in _NAMES.items()
        if (match := pattern.search(text))
    }
    return {"code": code or None, "phase": phase, "connection": connection_name(connection), **names}


def _code_and_text(error: BaseException) -> tuple[int, str]:
    """Return the code of an error (0 if it has none) and its text."""
    if len(error.args) >= 2 and isinstance(error.args[0], int) and not isinstance(error, OSError):
        return error.args[0], f"({error.args[0]}) {error.args[1]}"
    return 0, str(error) or type(error).__name__
